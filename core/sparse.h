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

// A batch as lists of its non-zeros, by row (example) and by column (input).
struct SparseBatch {
    int64_t capacity = 0;        // non-zeros a row can hold
    Array<int32_t> index;        // [max_batch][capacity]: the inputs of a row, increasing
    Floats value;                // [max_batch][capacity]
    Array<int64_t> count;        // [max_batch]
    Array<int64_t> column;       // [n_inputs + 1]: where a column's list starts
    Array<int64_t> cursor;       // [n_inputs]: where its next entry goes
    Array<int32_t> row;          // [max_batch * capacity]: the examples of a column, increasing
    Floats column_value;         // [max_batch * capacity]

    void resize(int64_t max_batch, int64_t n_inputs, int64_t row_capacity) {
        capacity = row_capacity;
        index.resize(max_batch * capacity);
        value.resize(max_batch * capacity);
        count.resize(max_batch);
        column.resize(n_inputs + 1);
        cursor.resize(n_inputs);
        row.resize(max_batch * capacity);
        column_value.resize(max_batch * capacity);
    }
};

// Fills the lists of columns [columns.begin, columns.end) from the rows' lists. Threads fill disjoint
// columns at the same time: where the first one starts follows from the rows alone.
inline void fill_columns(SparseBatch& batch, int64_t n_rows, int64_t n_inputs, Range columns) {
    int64_t before = 0;
    int64_t* start = batch.column.get();
    std::fill(batch.cursor.get() + columns.begin, batch.cursor.get() + columns.end, 0);
    auto first = [&](int64_t r) {  // position in row r of the first entry at or past columns.begin
        const int32_t* list = batch.index.get() + r * batch.capacity;
        return std::lower_bound(list, list + batch.count[r], columns.begin) - list;
    };
    for (int64_t r = 0; r < n_rows; ++r) {
        const int32_t* list = batch.index.get() + r * batch.capacity;
        int64_t j = first(r);
        before += j;
        for (; j < batch.count[r] && list[j] < columns.end; ++j) ++batch.cursor[list[j]];
    }
    int64_t at = before;
    for (int64_t c = columns.begin; c < columns.end; ++c) {
        start[c] = at;
        at += batch.cursor[c];
        batch.cursor[c] = start[c];
    }
    if (columns.end == n_inputs) start[n_inputs] = at;
    for (int64_t r = 0; r < n_rows; ++r) {
        const int32_t* list = batch.index.get() + r * batch.capacity;
        const float* value = batch.value.get() + r * batch.capacity;
        for (int64_t j = first(r); j < batch.count[r] && list[j] < columns.end; ++j) {
            const int64_t to = batch.cursor[list[j]]++;
            batch.row[to] = static_cast<int32_t>(r);
            batch.column_value[to] = value[j];
        }
    }
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
            even[k] += v0 * load(m0 + at);
            odd[k] += v1 * load(m1 + at);
        }
    }
    if (j < n) {
        const float* m0 = m + index[j] * kPanel;
        const V v0 = splat(value[j]);
#pragma GCC unroll 32
        for (int k = 0; k < N; ++k)
            even[k] += v0 * load(m0 + k / kVectors * stride + k % kVectors * kLanes);
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

}  // namespace CORE_ISA
