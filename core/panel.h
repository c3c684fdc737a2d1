// The one layout of the core: panels of 16 columns.
//
// A matrix of n_rows x n_columns lies as [ceil(n_columns / 16)][n_rows][16]: a panel is contiguous,
// a row of a panel is one cache line, columns past n_columns are padding. Activations and gradients
// have a row per example, weights and their optimizer slots a row per input unit, biases one row.
// Padding lanes start at zero and never reach a real lane.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "vector.h"

namespace CORE_ISA {

constexpr int64_t kPanel = 16;               // columns a panel
constexpr int kVectors = kPanel / kLanes;    // vectors a panel's row

inline int64_t panels_of(int64_t n_columns) { return (n_columns + kPanel - 1) / kPanel; }

struct FreeAligned {
    void operator()(void* p) const { std::free(p); }
};

constexpr size_t kCacheLine = 64, kHugePage = size_t{1} << 21;

// Zeroed memory that starts on a cache line; where it is large, on huge pages if the system has them:
// weights and activations are walked in strides of a panel, and each small page would cost a look-up.
inline void* zeroed(size_t bytes) {
    const bool large = bytes >= kHugePage;
    const size_t alignment = large ? kHugePage : kCacheLine;
    bytes = std::max((bytes + alignment - 1) / alignment, size_t{1}) * alignment;
    void* p = std::aligned_alloc(alignment, bytes);
    if (!p) throw std::bad_alloc();
#if defined(__linux__)
    if (large) madvise(p, bytes, MADV_HUGEPAGE);  // a wish: refused, the memory is as good as before
#endif
    std::memset(p, 0, bytes);
    return p;
}

// An owned, zeroed array.
template <class T>
struct Array {
    std::unique_ptr<T[], FreeAligned> data;
    int64_t size = 0;

    void resize(int64_t n) {
        data.reset(static_cast<T*>(zeroed(static_cast<size_t>(n) * sizeof(T))));
        size = n;
    }
    T* get() const { return data.get(); }
    T& operator[](int64_t i) const { return data[i]; }
};
using Floats = Array<float>;

// The part of 0..n that falls to thread t of T: consecutive, sizes differing by one at most.
struct Range {
    int64_t begin, end;
};
inline Range share(int64_t n, int t, int n_threads) {
    return {n * t / n_threads, n * (t + 1) / n_threads};
}

// Row-major (n_rows, n_columns) -> panels.
inline void to_panels(const float* rows, int64_t n_rows, int64_t n_columns, float* panels) {
    for (int64_t r = 0; r < n_rows; ++r)
        for (int64_t c = 0; c < n_columns; ++c)
            panels[(c / kPanel * n_rows + r) * kPanel + c % kPanel] = rows[r * n_columns + c];
}

inline void from_panels(const float* panels, int64_t n_rows, int64_t n_columns, float* rows) {
    for (int64_t r = 0; r < n_rows; ++r)
        for (int64_t c = 0; c < n_columns; ++c)
            rows[r * n_columns + c] = panels[(c / kPanel * n_rows + r) * kPanel + c % kPanel];
}

}  // namespace CORE_ISA
