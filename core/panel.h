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

#include "vector.h"

namespace CORE_ISA {

constexpr int64_t kPanel = 16;               // columns a panel
constexpr int kVectors = kPanel / kLanes;    // vectors a panel's row

inline int64_t panels_of(int64_t n_columns) { return (n_columns + kPanel - 1) / kPanel; }

struct FreeAligned {
    void operator()(void* p) const { std::free(p); }
};

// An owned, zeroed array that starts on a cache line.
template <class T>
struct Array {
    std::unique_ptr<T[], FreeAligned> data;
    int64_t size = 0;

    void resize(int64_t n) {
        const size_t bytes = (static_cast<size_t>(n) * sizeof(T) + 63) / 64 * 64;
        void* p = std::aligned_alloc(64, std::max<size_t>(bytes, 64));
        if (!p) throw std::bad_alloc();
        std::memset(p, 0, bytes);
        data.reset(static_cast<T*>(p));
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
