// The dense product in panels, and the register tile it is made of.
//
//     Y[b][o] = bias[o] + sum_k X[b][k] W[k][o],   k = 0, 1, ..., n_k - 1 in this order
//
// The order of a sum does not depend on how tiles or threads cut the work, so neither do the bits.
#pragma once

#include <utility>

#include "panel.h"

namespace CORE_ISA {

// Rows and panels of the register tile: accumulators + one row of W + a broadcast fit the registers.
#if defined(__AVX512F__)
constexpr int kTileRows = 14, kTilePanels = 2;  // 28 + 2 of 32 registers
#elif defined(__AVX__)
constexpr int kTileRows = 6, kTilePanels = 1;  // 12 + 2 + 1 of 16
#elif defined(__aarch64__)
constexpr int kTileRows = 6, kTilePanels = 1;  // 24 + 4 + 1 of 32
#else
constexpr int kTileRows = 2, kTilePanels = 1;  // 8 + 4 + 1 of 16
#endif

// One operand of the product. Panel p starts at data + p * stride.
struct Operand {
    const float* data;
    int64_t stride;
};

// ROWS rows of PANELS panels. x: the first row in panel 0 of X; w, y, bias: panel 0 of the tile's.
template <int ROWS, int PANELS>
void product_tile(Operand x, Operand w, const float* bias, float* y, int64_t y_stride,
                  int64_t n_k) {
    constexpr int N = PANELS * kVectors;
    V acc[ROWS][N];
#pragma GCC unroll 16
    for (int n = 0; n < N; ++n) {
        V start = bias ? load(bias + n * kLanes) : V{};
#pragma GCC unroll 16
        for (int r = 0; r < ROWS; ++r) acc[r][n] = start;
    }
    for (int64_t k0 = 0; k0 < n_k; k0 += kPanel) {
        const float* xk = x.data + k0 / kPanel * x.stride;
        const float* wk = w.data + k0 * kPanel;
        const int64_t width = std::min(kPanel, n_k - k0);
        for (int64_t k = 0; k < width; ++k, ++xk, wk += kPanel) {
            V row[N];
#pragma GCC unroll 16
            for (int n = 0; n < N; ++n)
                row[n] = load(wk + n / kVectors * w.stride + n % kVectors * kLanes);
#pragma GCC unroll 16
            for (int r = 0; r < ROWS; ++r) {
                V value = splat(xk[r * kPanel]);
#pragma GCC unroll 16
                for (int n = 0; n < N; ++n) acc[r][n] = multiply_add(value, row[n], acc[r][n]);
            }
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 16
        for (int n = 0; n < N; ++n)
            store(y + n / kVectors * y_stride + r * kPanel + n % kVectors * kLanes, acc[r][n]);
}

using ProductTile = void (*)(Operand, Operand, const float*, float*, int64_t, int64_t);

// table[rows - 1], filled for 1..kTileRows.
template <int PANELS, int... R>
constexpr ProductTile pick_tile(int rows, std::integer_sequence<int, R...>) {
    constexpr ProductTile table[] = {product_tile<R + 1, PANELS>...};
    return table[rows - 1];
}

template <int PANELS>
inline ProductTile product_tile_for(int64_t rows) {
    return pick_tile<PANELS>(static_cast<int>(rows),
                             std::make_integer_sequence<int, kTileRows>{});
}

// PANELS panels of Y, rows [rows.begin, rows.end), in tiles of nearly equal height.
template <int PANELS>
void product_rows(Operand x, Operand w, const float* bias, float* y, int64_t y_stride, Range rows,
                  int64_t n_k) {
    const int64_t n = rows.end - rows.begin;
    const int64_t n_tiles = (n + kTileRows - 1) / kTileRows;
    for (int64_t i = 0; i < n_tiles; ++i) {
        const int64_t begin = rows.begin + n * i / n_tiles;
        const int64_t end = rows.begin + n * (i + 1) / n_tiles;
        product_tile_for<PANELS>(end - begin)({x.data + begin * kPanel, x.stride}, w, bias,
                                              y + begin * kPanel, y_stride, n_k);
    }
}

// As many panels (1..kTilePanels) of Y as `panels` says.
inline void product_panels(int64_t panels, Operand x, Operand w, const float* bias, float* y,
                           int64_t y_stride, Range rows, int64_t n_k) {
    if (panels == kTilePanels)
        product_rows<kTilePanels>(x, w, bias, y, y_stride, rows, n_k);
    else
        product_rows<1>(x, w, bias, y, y_stride, rows, n_k);
}

// Rows of X that stay in the second-level cache while panels of W pass by: a megabyte of them.
inline int64_t rows_at_a_time(int64_t n_k) {
    const int64_t rows = (int64_t{1} << 18) / std::max<int64_t>(n_k, 1);
    return std::max<int64_t>(rows / kTileRows, 1) * kTileRows;
}

// Y's panels [panels.begin, panels.end) and rows [rows.begin, rows.end).
// x, y: activations, [panels][max_batch][16]; w: kernel, [panels of Y][n_k][16]; bias: [panels][16].
inline void product(const float* x, const float* w, const float* bias, float* y, int64_t max_batch,
                    int64_t n_k, Range panels, Range rows) {
    const int64_t stride = max_batch * kPanel;
    const int64_t step = rows_at_a_time(n_k);
    for (int64_t r = rows.begin; r < rows.end; r += step) {
        const Range part{r, std::min(r + step, rows.end)};
        for (int64_t p = panels.begin; p < panels.end; p += kTilePanels) {
            const int64_t n = std::min<int64_t>(kTilePanels, panels.end - p);
            const Operand w_p{w + p * n_k * kPanel, n_k * kPanel};
            product_panels(n, {x, stride}, w_p, bias ? bias + p * kPanel : nullptr,
                           y + p * stride, stride, part, n_k);
        }
    }
}

// Kernel rows [i0, i0 + 16) turned into columns: t[o][0..16) = W[i0..i0 + 16)[o], zero past n_in.
// w: [panels of n_out][n_in][16]; t: [n_out rounded up to 16][16].
inline void transpose_rows(const float* w, int64_t n_in, int64_t n_out, int64_t i0, float* t) {
    const int64_t n_rows = std::min(kPanel, n_in - i0);
    for (int64_t p = 0; p < panels_of(n_out); ++p, t += kPanel * kPanel) {
        const float* block = w + (p * n_in + i0) * kPanel;
        if (n_rows == kPanel) {
            for (int64_t o = 0; o < kPanel; ++o)
                for (int64_t i = 0; i < kPanel; ++i) t[o * kPanel + i] = block[i * kPanel + o];
        } else {
            for (int64_t o = 0; o < kPanel; ++o)
                for (int64_t i = 0; i < kPanel; ++i)
                    t[o * kPanel + i] = i < n_rows ? block[i * kPanel + o] : 0.0f;
        }
    }
}

// The input gradient dX[b][i] = sum_o dY[b][o] W[i][o], panels and rows as in `product`.
// scratch: kTilePanels * (n_out rounded up to 16) * 16 floats of this thread.
inline void input_gradient(const float* dy, const float* w, float* dx, int64_t max_batch,
                           int64_t n_in, int64_t n_out, Range panels, Range rows, float* scratch) {
    const int64_t stride = max_batch * kPanel;
    const int64_t t_stride = panels_of(n_out) * kPanel * kPanel;
    const int64_t step = rows_at_a_time(n_out);
    for (int64_t r = rows.begin; r < rows.end; r += step) {
        const Range part{r, std::min(r + step, rows.end)};
        for (int64_t p = panels.begin; p < panels.end; p += kTilePanels) {
            const int64_t n = std::min<int64_t>(kTilePanels, panels.end - p);
            for (int64_t q = 0; q < n; ++q)
                transpose_rows(w, n_in, n_out, (p + q) * kPanel, scratch + q * t_stride);
            product_panels(n, {dy, stride}, {scratch, t_stride}, nullptr, dx + p * stride, stride,
                           part, n_out);
        }
    }
}

}  // namespace CORE_ISA
