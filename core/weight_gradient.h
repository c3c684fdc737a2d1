// The dense weight gradient, 16 rows of the kernel and a few panels at a time.
//
//     G[i][o] = sum_b X[b][i] dY[b][o],   b = 0, 1, ... in this order
//
// The result lies in a small buffer, [panels][16][16], from which the optimizer's step runs while
// it is in the first-level cache: no gradient of the whole kernel exists unless clipping needs one.
#pragma once

#include "panel.h"

namespace CORE_ISA {

// Input lanes and panels of the register tile.
#if defined(__AVX512F__)
constexpr int kGradientLanes = 8, kGradientPanels = 3;  // 24 + 3 + 1 of 32 registers
#elif defined(__AVX__)
constexpr int kGradientLanes = 4, kGradientPanels = 1;  // 8 + 2 + 1 of 16
#elif defined(__aarch64__)
constexpr int kGradientLanes = 4, kGradientPanels = 1;  // 16 + 4 + 1 of 32
#else
constexpr int kGradientLanes = 2, kGradientPanels = 1;  // 8 + 4 + 1 of 16
#endif

constexpr int64_t kBlock = kPanel * kPanel;  // floats of one panel's share of the buffer

// Examples whose panels of dY and X stay in the second-level cache.
constexpr int64_t kBatchAtATime = 2048;

// x: lane i0 of row 0 of a panel of X; dy: panel 0 of the tile's; g: lane i0 of the buffer.
template <int PANELS>
void gradient_tile(const float* x, const float* dy, int64_t stride, int64_t n_batch, bool add,
                   float* g) {
    constexpr int N = PANELS * kVectors;
    V acc[kGradientLanes][N];
#pragma GCC unroll 16
    for (int i = 0; i < kGradientLanes; ++i)
#pragma GCC unroll 16
        for (int n = 0; n < N; ++n)
            acc[i][n] = add ? load(g + n / kVectors * kBlock + i * kPanel + n % kVectors * kLanes)
                            : V{};
    for (int64_t b = 0; b < n_batch; ++b, x += kPanel, dy += kPanel) {
        V d[N];
#pragma GCC unroll 16
        for (int n = 0; n < N; ++n) d[n] = load(dy + n / kVectors * stride + n % kVectors * kLanes);
#pragma GCC unroll 16
        for (int i = 0; i < kGradientLanes; ++i) {
            V value = splat(x[i]);
#pragma GCC unroll 16
            for (int n = 0; n < N; ++n) acc[i][n] = multiply_add(value, d[n], acc[i][n]);
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < kGradientLanes; ++i)
#pragma GCC unroll 16
        for (int n = 0; n < N; ++n)
            store(g + n / kVectors * kBlock + i * kPanel + n % kVectors * kLanes, acc[i][n]);
}

template <int PANELS>
void gradient_block(const float* x, const float* dy, int64_t stride, int64_t n_batch, float* g) {
    for (int64_t b = 0; b < n_batch; b += kBatchAtATime)
        for (int i = 0; i < kPanel; i += kGradientLanes)
            gradient_tile<PANELS>(x + b * kPanel + i, dy + b * kPanel, stride,
                                  std::min(kBatchAtATime, n_batch - b), b > 0, g + i * kPanel);
}

// x: one panel of X; dy: `panels` (1..kGradientPanels) panels of dY, `stride` floats apart.
inline void dense_gradient(int64_t panels, const float* x, const float* dy, int64_t stride,
                           int64_t n_batch, float* g) {
    static_assert(kGradientPanels <= 3);
    if (panels == 1) gradient_block<1>(x, dy, stride, n_batch, g);
    if constexpr (kGradientPanels == 3) {
        if (panels == 2) gradient_block<2>(x, dy, stride, n_batch, g);
        if (panels == 3) gradient_block<3>(x, dy, stride, n_batch, g);
    }
}

}  // namespace CORE_ISA
