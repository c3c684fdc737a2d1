// Batch normalization, one panel of 16 columns at a time, and layer normalization, one row at a time.
#pragma once

#include <cmath>

#include "panel.h"

namespace CORE_ISA {

// What batch normalization keeps for one panel; each points at 16 floats.
struct BatchNormPanel {
    const float* gamma;  // null: 1
    const float* beta;   // null: 0
    float* mean;         // of the batch, or the moving one in inference
    float* rstd;         // 1 / sqrt(variance + epsilon)
};

// Sum of f(row) over n rows in one fixed order: four sums of every fourth row, then their sum.
template <class F>
inline V sum_rows(int64_t n, F f) {
    V s[4] = {V{}, V{}, V{}, V{}};
    int64_t r = 0;
    for (; r + 4 <= n; r += 4)
        for (int k = 0; k < 4; ++k) s[k] += f(r + k);
    for (int k = 0; r < n; ++r, ++k) s[k] += f(r);
    return (s[0] + s[1]) + (s[2] + s[3]);
}

//     mean = sum_b x / B,  variance = sum_b (x - mean)^2 / B,  moving <- moving m + batch (1 - m)
inline void batch_statistics(const float* x, int64_t n_batch, const BatchNormPanel& s, float epsilon,
                             double momentum, float* moving_mean, float* moving_variance) {
    const float n = static_cast<float>(n_batch);
    const float keep = static_cast<float>(momentum), rest = static_cast<float>(1.0 - momentum);
    for (int64_t c = 0; c < kPanel; c += kLanes) {
        const V mean = sum_rows(n_batch, [&](int64_t b) { return load(x + b * kPanel + c); }) / n;
        const V variance = sum_rows(n_batch, [&](int64_t b) {
            const V d = load(x + b * kPanel + c) - mean;
            return d * d;
        }) / n;
        store(s.mean + c, mean);
        store(s.rstd + c, 1.0f / sqrt(variance + epsilon));
        if (!moving_mean) continue;
        store(moving_mean + c, load(moving_mean + c) * keep + mean * rest);
        store(moving_variance + c, load(moving_variance + c) * keep + variance * rest);
    }
}

inline void moving_statistics(const float* moving_mean, const float* moving_variance,
                              const BatchNormPanel& s, float epsilon) {
    for (int64_t c = 0; c < kPanel; c += kLanes) {
        store(s.mean + c, load(moving_mean + c));
        store(s.rstd + c, 1.0f / sqrt(load(moving_variance + c) + epsilon));
    }
}

//     y = x inv + (beta - mean inv),   inv = gamma rstd
inline void normalize(const float* x, float* y, Range rows, const BatchNormPanel& s) {
    for (int64_t c = 0; c < kPanel; c += kLanes) {
        const V inv = load(s.rstd + c) * (s.gamma ? load(s.gamma + c) : splat(1.0f));
        const V shift = (s.beta ? load(s.beta + c) : V{}) - load(s.mean + c) * inv;
        for (int64_t r = rows.begin; r < rows.end; ++r)
            store(y + r * kPanel + c, load(x + r * kPanel + c) * inv + shift);
    }
}

//     h = (x - mean) rstd,  dbeta = sum_b dy,  dgamma = sum_b dy h
//     dx = gamma rstd (dy - dbeta / B - h dgamma / B)      where the statistics are the batch's
//     dx = gamma rstd dy                                   where they are constants (frozen layer)
inline void normalize_backward(const float* x, float* dy, int64_t n_batch, const BatchNormPanel& s,
                               bool frozen, float* dgamma, float* dbeta) {
    const float n = static_cast<float>(n_batch);
    for (int64_t c = 0; c < kPanel; c += kLanes) {
        const V mean = load(s.mean + c), rstd = load(s.rstd + c);
        const V inv = rstd * (s.gamma ? load(s.gamma + c) : splat(1.0f));
        const V sum_dy = sum_rows(n_batch, [&](int64_t b) { return load(dy + b * kPanel + c); });
        const V sum_dyh = sum_rows(n_batch, [&](int64_t b) {
            return load(dy + b * kPanel + c) * ((load(x + b * kPanel + c) - mean) * rstd);
        });
        if (dgamma) store(dgamma + c, sum_dyh);
        if (dbeta) store(dbeta + c, sum_dy);
        const V mean_dy = frozen ? V{} : sum_dy / n, mean_dyh = frozen ? V{} : sum_dyh / n;
        for (int64_t b = 0; b < n_batch; ++b) {
            const V h = (load(x + b * kPanel + c) - mean) * rstd;
            const int64_t at = b * kPanel + c;
            store(dy + at, inv * (load(dy + at) - mean_dy - h * mean_dyh));
        }
    }
}

// Layer normalization of one row of n values, in float32 as Keras does it.
//     y = x inv + (beta - mean inv),  inv = gamma rstd; mean and variance over the row
inline void layer_norm_row(const float* x, int64_t n, const float* gamma, const float* beta,
                           float epsilon, float* y, float* mean_out, float* rstd_out) {
    float mean = 0, variance = 0;
    for (int64_t c = 0; c < n; ++c) mean += x[c];
    mean /= static_cast<float>(n);
    for (int64_t c = 0; c < n; ++c) variance += (x[c] - mean) * (x[c] - mean);
    const float rstd = 1.0f / std::sqrt(variance / static_cast<float>(n) + epsilon);
    for (int64_t c = 0; c < n; ++c) {
        const float inv = gamma ? rstd * gamma[c] : rstd;
        y[c] = x[c] * inv + ((beta ? beta[c] : 0.0f) - mean * inv);
    }
    *mean_out = mean;
    *rstd_out = rstd;
}

//     g = dy gamma,  h = (x - mean) rstd,  dx = rstd (g - mean(g) - h mean(g h)), means over the row
inline void layer_norm_row_backward(const float* x, float* dy, int64_t n, const float* gamma,
                                    float mean, float rstd) {
    float sum_g = 0, sum_gh = 0;
    for (int64_t c = 0; c < n; ++c) {
        const float g = gamma ? dy[c] * gamma[c] : dy[c];
        sum_g += g;
        sum_gh += g * ((x[c] - mean) * rstd);
    }
    sum_g /= static_cast<float>(n);
    sum_gh /= static_cast<float>(n);
    for (int64_t c = 0; c < n; ++c) {
        const float g = gamma ? dy[c] * gamma[c] : dy[c];
        dy[c] = rstd * (g - sum_g - (x[c] - mean) * rstd * sum_gh);
    }
}

}  // namespace CORE_ISA
