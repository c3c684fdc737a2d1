// Products with a batch that is mostly zeros: only the others are multiplied.
//
//     Y[b][o] = bias[o] + sum over the non-zeros i of example b:  x[b][i] W[i][o]
//     G[i][o] = sum over the examples b with x[b][i] != 0:        x[b][i] dY[b][o]
//
// Even and odd non-zeros are summed apart and the two sums added, so that a multiply-add need not
// wait for the one before it. That order is the same however panels and threads cut the work.
#pragma once

#include <utility>

#include "panel.h"

namespace CORE_ISA {

// The inputs that fall to thread t of T: whole blocks of 16.
inline Range input_share(int64_t n_inputs, int t, int n_threads) {
    const Range blocks = share(panels_of(n_inputs), t, n_threads);
    return {blocks.begin * kPanel, std::min(blocks.end * kPanel, n_inputs)};
}

// A batch as lists of its non-zeros, by row (example) and by column (input).
struct SparseBatch {
    int64_t capacity = 0, n_inputs = 0;  // capacity: the non-zeros a row can hold
    int n_threads = 1;
    Array<int32_t> index;        // [max_batch][capacity]: the inputs of a row, increasing
    Floats value;                // [max_batch][capacity]
    Array<int64_t> count;        // [max_batch]
    Array<int64_t> cut;          // [max_batch][threads + 1]: where in a row's list a thread's inputs start
    Array<int64_t> column;       // [n_inputs + 1]: where a column's list starts
    Array<int64_t> cursor;       // [n_inputs]: where its next entry goes
    Array<int32_t> row;          // [max_batch * capacity]: the examples of a column, increasing
    Floats column_value;         // [max_batch * capacity]

    void resize(int64_t max_batch, int64_t inputs, int64_t row_capacity, int threads) {
        capacity = row_capacity;
        n_inputs = inputs;
        n_threads = threads;
        index.resize(max_batch * capacity);
        value.resize(max_batch * capacity);
        count.resize(max_batch);
        cut.resize(max_batch * (threads + 1));
        column.resize(n_inputs + 1);
        cursor.resize(n_inputs);
        row.resize(max_batch * capacity);
        column_value.resize(max_batch * capacity);
    }
    const int64_t* cuts(int64_t r) const { return cut.get() + r * (n_threads + 1); }
};

// Row r has its list: cut it among the threads. Every thread does this for the rows it has read.
inline void cut_row(SparseBatch& batch, int64_t r) {
    const int32_t* list = batch.index.get() + r * batch.capacity;
    int64_t* cut = batch.cut.get() + r * (batch.n_threads + 1);
    cut[0] = 0;
    cut[batch.n_threads] = batch.count[r];
    for (int t = 1; t < batch.n_threads; ++t) {
        const int64_t begin = input_share(batch.n_inputs, t, batch.n_threads).begin;
        cut[t] = std::lower_bound(list + cut[t - 1], list + batch.count[r], begin) - list;
    }
}

// Fills the lists of a thread's columns from the rows' lists, once all rows are read and cut.
inline void fill_columns(SparseBatch& batch, int64_t n_rows, int thread) {
    const Range columns = input_share(batch.n_inputs, thread, batch.n_threads);
    int64_t* cursor = batch.cursor.get();
    auto each = [&](auto visit) {  // visit(input, row, value)
        for (int64_t r = 0; r < n_rows; ++r) {
            const int32_t* list = batch.index.get() + r * batch.capacity;
            const float* value = batch.value.get() + r * batch.capacity;
            const int64_t end = batch.cuts(r)[thread + 1];
            for (int64_t j = batch.cuts(r)[thread]; j < end; ++j) visit(list[j], r, value[j]);
        }
    };
    std::fill(cursor + columns.begin, cursor + columns.end, 0);
    each([&](int32_t c, int64_t, float) { ++cursor[c]; });
    int64_t at = 0;
    for (int64_t r = 0; r < n_rows; ++r) at += batch.cuts(r)[thread];
    for (int64_t c = columns.begin; c < columns.end; ++c) {
        batch.column[c] = at;
        at += cursor[c];
        cursor[c] = batch.column[c];
    }
    if (columns.end == batch.n_inputs) batch.column[batch.n_inputs] = at;
    each([&](int32_t c, int64_t r, float value) {
        const int64_t to = cursor[c]++;
        batch.row[to] = static_cast<int32_t>(r);
        batch.column_value[to] = value;
    });
}

// Panels summed at a time: forward, where they come from the second-level cache, and for the weight
// gradient, where all of dY's panels fit the first. Measured on MNIST.
#if defined(__AVX512F__)
constexpr int kSparseForward = 3, kSparseGradient = 4;
#elif defined(__AVX__) || defined(__aarch64__)
constexpr int kSparseForward = 2, kSparseGradient = 3;
#else
constexpr int kSparseForward = 1, kSparseGradient = 1;
#endif

// out[p][0..16) = sum_j value[j] * m[p][index[j]][0..16) for PANELS panels, `stride` floats apart.
template <int PANELS>
inline void gather_sum(const int32_t* index, const float* value, int64_t n, const float* m,
                       int64_t stride, const float* start, float* out, int64_t out_stride) {
    constexpr int N = PANELS * kVectors;
    V even[N], odd[N];
#pragma GCC unroll 32
    for (int k = 0; k < N; ++k) {
        even[k] = start ? load(start + k * kLanes) : V{};
        odd[k] = V{};
    }
    int64_t j = 0;
    for (; j + 1 < n; j += 2) {
        const float* m0 = m + index[j] * kPanel;
        const float* m1 = m + index[j + 1] * kPanel;
        const V v0 = splat(value[j]), v1 = splat(value[j + 1]);
#pragma GCC unroll 32
        for (int k = 0; k < N; ++k) {
            const int64_t at = k / kVectors * stride + k % kVectors * kLanes;
            even[k] = multiply_add(v0, load(m0 + at), even[k]);
            odd[k] = multiply_add(v1, load(m1 + at), odd[k]);
        }
    }
    if (j < n) {
        const float* m0 = m + index[j] * kPanel;
        const V v0 = splat(value[j]);
#pragma GCC unroll 32
        for (int k = 0; k < N; ++k) {
            const int64_t at = k / kVectors * stride + k % kVectors * kLanes;
            even[k] = multiply_add(v0, load(m0 + at), even[k]);
        }
    }
#pragma GCC unroll 32
    for (int k = 0; k < N; ++k)
        store(out + k / kVectors * out_stride + k % kVectors * kLanes, even[k] + odd[k]);
}

using GatherSum = void (*)(const int32_t*, const float*, int64_t, const float*, int64_t,
                           const float*, float*, int64_t);

template <int... P>
inline GatherSum pick_gather_sum(int64_t panels, std::integer_sequence<int, P...>) {
    constexpr GatherSum table[] = {gather_sum<P + 1>...};
    return table[panels - 1];
}
inline GatherSum gather_sum_for(int64_t panels) {
    return pick_gather_sum(panels, std::make_integer_sequence<int, kSparseGradient>{});
}

// Forward, panels and rows as in `product`. w: [panels of Y][n_in][16]; bias: [panels][16] or null.
inline void sparse_product(const SparseBatch& x, const float* w, const float* bias, float* y,
                           int64_t max_batch, int64_t n_in, Range panels, Range rows) {
    const int64_t groups = (panels.end - panels.begin + kSparseForward - 1) / kSparseForward;
    for (int64_t g = 0; g < groups; ++g) {
        const Range part = {panels.begin + (panels.end - panels.begin) * g / groups,
                            panels.begin + (panels.end - panels.begin) * (g + 1) / groups};
        const GatherSum sum = gather_sum_for(part.end - part.begin);
        for (int64_t r = rows.begin; r < rows.end; ++r)
            sum(x.index.get() + r * x.capacity, x.value.get() + r * x.capacity, x.count[r],
                w + part.begin * n_in * kPanel, n_in * kPanel,
                bias ? bias + part.begin * kPanel : nullptr,
                y + (part.begin * max_batch + r) * kPanel, max_batch * kPanel);
    }
}

// The weight gradient of kernel rows [inputs.begin, inputs.end), at most 16 of them, into
// g: [panels][16][16]. dy: `panels` (1..kSparseGradient) panels of dY, `stride` floats apart.
inline void sparse_gradient(int64_t panels, const SparseBatch& x, Range inputs, const float* dy,
                            int64_t stride, float* g) {
    const GatherSum sum = gather_sum_for(panels);
    for (int64_t i = inputs.begin; i < inputs.end; ++i) {
        const int64_t from = x.column[i];
        sum(x.row.get() + from, x.column_value.get() + from, x.column[i + 1] - from, dy, stride,
            nullptr, g + (i - inputs.begin) * kPanel, kPanel * kPanel);
    }
}

// A kernel of one panel takes its gradient row by row instead: G[i] += x[b][i] dY[b], and the lists by
// column are not needed. Inputs of threads [threads.begin, threads.end); g: [n_inputs][16], zeros
// before. Where the inputs are many more than a batch's non-zeros, most of g would be walked for nothing.
inline bool scatters(int64_t panels, int64_t n_inputs) { return panels == 1 && n_inputs <= 4096; }

inline void scatter_gradient(const SparseBatch& x, int64_t n_rows, Range threads, const float* dy,
                             float* g) {
    for (int64_t r = 0; r < n_rows; ++r, dy += kPanel) {
        V d[kVectors];
        for (int n = 0; n < kVectors; ++n) d[n] = load(dy + n * kLanes);
        const int32_t* index = x.index.get() + r * x.capacity;
        const float* value = x.value.get() + r * x.capacity;
        for (int64_t j = x.cuts(r)[threads.begin]; j < x.cuts(r)[threads.end]; ++j) {
            float* to = g + index[j] * kPanel;
            for (int n = 0; n < kVectors; ++n)
                store(to + n * kLanes,
                      multiply_add(splat(value[j]), d[n], load(to + n * kLanes)));
        }
    }
}

}  // namespace CORE_ISA
