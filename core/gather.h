// Reading a batch: rows of the caller's examples into panels, or into lists of their non-zeros.
//
// An input x enters the network as x scale + offset, which is how a Rescaling layer comes along.
#pragma once

#include <type_traits>

#include "network.h"

namespace CORE_ISA {

// Zeros are skipped below a density of kSparseBelow p / (p + kOverhead), p the panels of the first layer.
// What a listed input costs beside its products is spread over its panels: a few panels repay it less.
// Break-even, timed (make bench ARGS="--only crossing"): 0.11, 0.29, 0.42, 0.51 at 10, 64, 128, 512 units
// with AVX2; 0.33, 0.46 at 64, 512 with AVX-512.
constexpr double kSparseBelow = 0.5;
constexpr double kOverhead = 3;  // panels

inline double sparse_below(int64_t panels) {
    return kSparseBelow * panels / (panels + kOverhead);
}

// Room past a row's list, for writing whole vectors.
constexpr int64_t kSlack = 16;

inline int64_t row_of(const core::Batches& b, int64_t i) { return b.rows ? b.rows[i] : i; }

// Calls use(row 0) with a pointer of the dense examples' own type.
template <class F>
auto with_dense(const core::Examples& x, F use) {
    if (x.bytes) return use(x.bytes);
    if (x.floats) return use(x.floats);
    return use(x.doubles);
}

template <class T>
double density_of(const T* values, const core::Examples& x) {
    const int64_t step = std::max<int64_t>(1, x.n / 256);
    int64_t seen = 0, filled = 0;
    for (int64_t r = 0; r < x.n; r += step, seen += x.width)
        for (int64_t c = 0; c < x.width; ++c) filled += values[r * x.stride + c] != 0;
    return static_cast<double>(filled) / static_cast<double>(std::max<int64_t>(seen, 1));
}

inline double density(const core::Examples& x) {
    if (!x.data) return with_dense(x, [&](auto values) { return density_of(values, x); });
    const double size = static_cast<double>(x.n) * static_cast<double>(x.width);
    return static_cast<double>(x.indptr[x.n] - x.indptr[0]) / std::max(size, 1.0);
}

// Decides how the call reads its input and makes the buffers for it. Zeros can be skipped where they
// stay zeros (no offset) and the first layer is dense. The choice follows from the data alone.
inline void prepare_input(Network& net, const core::Batches& batches) {
    const core::Examples& x = batches.x;
    const bool first_dense = net.stages[0].ops.empty() && net.stages.size() > 1;
    net.sparse_input = first_dense && net.input_offset == 0 &&
                       density(x) < sparse_below(net.stages[1].panels());
    if (!net.sparse_input) {
        if (!net.stages[0].out) connect(net, net.stages[0]);
        return;
    }
    int64_t capacity = x.width;
    if (x.data) {
        capacity = 1;
        for (int64_t r = 0; r < x.n; ++r)
            capacity = std::max(capacity, x.indptr[r + 1] - x.indptr[r]);
    }
    capacity += kSlack;
    if (capacity > net.sparse.capacity)
        net.sparse.resize(net.max_batch(), x.width, capacity, net.spec.threads);
    if (scatters(net.stages[1].panels(), x.width)) net.scattered.resize(panels_of(x.width) * kPanel * kPanel);
}

// Lists the non-zeros of x[0..width), whose first is input `from`; returns how many there are.
template <class T>
int64_t list_nonzeros(const T* x, int64_t width, float scale, int32_t* index, float* value,
                      int64_t from = 0) {
    int64_t n = 0;
    for (int64_t c = 0; c < width; ++c) {  // without a branch: the entry is kept or written over
        index[n] = static_cast<int32_t>(from + c);
        value[n] = static_cast<float>(x[c]) * scale;
        n += x[c] != 0;
    }
    return n;
}

// The same for bytes, several at a time. May write up to kSlack entries past the last one.
inline int64_t list_bytes(const uint8_t* x, int64_t width, float scale, int32_t* index,
                          float* value) {
    int64_t n = 0, c = 0;
#if defined(__AVX512F__)
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (; c + 16 <= width; c += 16) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x + c));
        const __m512i wide = _mm512_cvtepu8_epi32(bytes);
        const __mmask16 filled = _mm512_test_epi32_mask(wide, wide);
        const __m512i at = _mm512_add_epi32(lanes, _mm512_set1_epi32(static_cast<int32_t>(c)));
        const __m512 scaled = _mm512_mul_ps(_mm512_cvtepi32_ps(wide), _mm512_set1_ps(scale));
        _mm512_storeu_si512(index + n, _mm512_maskz_compress_epi32(filled, at));
        _mm512_storeu_ps(value + n, _mm512_maskz_compress_ps(filled, scaled));
        n += __builtin_popcount(filled);
    }
#else
    for (; c + 8 <= width; c += 8) {
        uint64_t word;
        std::memcpy(&word, x + c, 8);
        if (word == 0) continue;
        n += list_nonzeros(x + c, 8, scale, index + n, value + n, c);
    }
#endif
    return n + list_nonzeros(x + c, width - c, scale, index + n, value + n, c);
}

template <class T>
int64_t list_row(const T* x, int64_t width, float scale, int32_t* index, float* value) {
    if constexpr (std::is_same_v<T, uint8_t>) return list_bytes(x, width, scale, index, value);
    else return list_nonzeros(x, width, scale, index, value);
}

inline void gather_sparse(Network& net, const core::Examples& x, int64_t row, int64_t to) {
    SparseBatch& batch = net.sparse;
    int32_t* index = batch.index.get() + to * batch.capacity;
    float* value = batch.value.get() + to * batch.capacity;
    if (!x.data) {
        batch.count[to] = with_dense(x, [&](auto values) {
            return list_row(values + row * x.stride, x.width, net.input_scale, index, value);
        });
    } else {
        const int64_t from = x.indptr[row], n = x.indptr[row + 1] - from;
        for (int64_t j = 0; j < n; ++j) {
            index[j] = x.indices[from + j];
            value[j] = x.data[from + j] * net.input_scale;
        }
        batch.count[to] = n;
    }
}

template <class T>
void spread_row(const T* x, int64_t width, float scale, float offset, float* panels,
                int64_t stride) {
    for (int64_t c = 0; c < width; c += kPanel, panels += stride)
        for (int64_t k = 0; k < std::min(kPanel, width - c); ++k)
            panels[k] = static_cast<float>(x[c + k]) * scale + offset;
}

inline void gather_dense(Network& net, const core::Examples& x, int64_t row, int64_t to) {
    float* panels = net.stages[0].z + to * kPanel;
    const float scale = net.input_scale, offset = net.input_offset;
    if (!x.data) {
        with_dense(x, [&](auto values) {
            spread_row(values + row * x.stride, x.width, scale, offset, panels, net.stride());
        });
    } else {
        for (int64_t c = 0; c < x.width; ++c)
            panels[c / kPanel * net.stride() + c % kPanel] = offset;
        for (int64_t j = x.indptr[row]; j < x.indptr[row + 1]; ++j) {
            const int64_t c = x.indices[j];
            panels[c / kPanel * net.stride() + c % kPanel] = x.data[j] * scale + offset;
        }
    }
}

// Asks for a row that will be read soon: in shuffled order no processor foresees which.
inline void prefetch_row(const core::Examples& x, int64_t row) {
    if (x.data) return;
    with_dense(x, [&](auto values) {
        const auto* from = reinterpret_cast<const char*>(values + row * x.stride);
        const auto* to = reinterpret_cast<const char*>(values + row * x.stride + x.width);
        for (; from < to; from += kCacheLine) __builtin_prefetch(from);
    });
}

constexpr int64_t kRowsAhead = 4;  // of the one being read

// Rows [at, at + n) of the caller's order, this thread's share of them.
inline void gather(Network& net, const core::Batches& batches, int64_t at, int64_t n, bool training,
                   Worker& worker) {
    worker.enter(core::kGather);
    const Range rows = worker.part(n);
    for (int64_t r = rows.begin; r < rows.end; ++r) {
        const int64_t row = row_of(batches, at + r);
        if (r + kRowsAhead < rows.end) prefetch_row(batches.x, row_of(batches, at + r + kRowsAhead));
        if (!net.sparse_input) {
            gather_dense(net, batches.x, row, r);
            continue;
        }
        gather_sparse(net, batches.x, row, r);
        if (training) cut_row(net.sparse, r);
    }
}

}  // namespace CORE_ISA
