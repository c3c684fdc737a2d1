// Activations that work on single elements, and their derivatives, as a table.
//
// A derivative is written by what it needs: the input x of the function or its output y. Those that
// need y alone can overwrite their input.
#pragma once

#include <cmath>
#include <cstddef>
#include <string>

#include "vector.h"

namespace CORE_ISA {

// y[0..n) = f(x[0..n)); n is a multiple of 16, x and y may be the same.
using Forward = void (*)(const float* x, float* y, int64_t n, float alpha);
// dx[0..n) *= f'(.) where `kept` is x or y.
using Backward = void (*)(const float* kept, float* dx, int64_t n, float alpha);

struct Activation {
    const char* name;
    Forward forward;
    Backward backward;
    bool keeps_input;  // the derivative wants x, not y
};

template <V (*F)(V, float)>
void map(const float* x, float* y, int64_t n, float alpha) {
    for (int64_t i = 0; i < n; i += kLanes) store(y + i, F(load(x + i), alpha));
}
template <V (*F)(V, float)>
void scale_by(const float* kept, float* dx, int64_t n, float alpha) {
    for (int64_t i = 0; i < n; i += kLanes) store(dx + i, load(dx + i) * F(load(kept + i), alpha));
}

inline V zero() { return V{}; }
inline V one() { return splat(1.0f); }

// Comparisons are written so that a NaN stays a NaN.
inline V relu(V x, float) { return x < zero() ? zero() : x; }
inline V relu_slope(V y, float) { return y > zero() ? one() : zero(); }
inline V leaky_relu(V x, float a) { return x < zero() ? a * x : x; }
inline V leaky_relu_slope(V x, float a) { return x >= zero() ? one() : splat(a); }
inline V expm1(V x) {  // e^x - 1 for x <= 0: tanh(x / 2) (e^x + 1)
    return tanh(0.5f * x) * (exp(x) + 1.0f);
}
inline V elu(V x, float a) { return x > zero() ? x : a * expm1(x); }
inline V elu_slope(V x, float a) { return x > zero() ? one() : a * exp(x); }
constexpr float kSeluScale = 1.0507009873554805f, kSeluAlpha = 1.6732632423543772f;
inline V selu(V x, float) { return kSeluScale * elu(x, kSeluAlpha); }
inline V selu_slope(V x, float) { return kSeluScale * elu_slope(x, kSeluAlpha); }
inline V sigmoid_of(V x, float) { return sigmoid(x); }
inline V sigmoid_slope(V y, float) { return y * (1.0f - y); }
inline V tanh_of(V x, float) { return tanh(x); }
inline V tanh_slope(V y, float) { return 1.0f - y * y; }
inline V silu(V x, float) { return x * sigmoid(x); }
inline V silu_slope(V x, float) {
    V s = sigmoid(x);
    return s + x * s * (1.0f - s);
}
inline V softplus(V x, float) { return (x < zero() ? zero() : x) + log1p(exp(-absolute(x))); }
inline V softplus_slope(V x, float) { return sigmoid(x); }

// gelu(x) = x Phi(x), Phi the normal distribution function.
inline V normal_cdf(V x) {
    for (int i = 0; i < kLanes; ++i) x[i] = 0.5f * std::erfc(x[i] * -0.70710678f);
    return x;
}
inline V gelu(V x, float) { return x * normal_cdf(x); }
inline V gelu_slope(V x, float) {
    return normal_cdf(x) + x * exp(-0.5f * x * x) * 0.3989422804f;
}

// Its approximation: x (1 + tanh(u)) / 2, u = sqrt(2 / pi) (x + 0.044715 x^3).
inline V gelu_tanh_inner(V x) { return 0.7978845608f * (x + 0.044715f * x * x * x); }
inline V gelu_tanh(V x, float) { return 0.5f * x * (1.0f + tanh(gelu_tanh_inner(x))); }
inline V gelu_tanh_slope(V x, float) {
    V t = tanh(gelu_tanh_inner(x));
    V inner = 0.7978845608f * (1.0f + 3 * 0.044715f * x * x);
    return 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * inner;
}

constexpr Activation kActivations[] = {
    {"relu", map<relu>, scale_by<relu_slope>, false},
    {"leaky_relu", map<leaky_relu>, scale_by<leaky_relu_slope>, true},
    {"elu", map<elu>, scale_by<elu_slope>, true},
    {"selu", map<selu>, scale_by<selu_slope>, true},
    {"gelu", map<gelu>, scale_by<gelu_slope>, true},
    {"gelu_tanh", map<gelu_tanh>, scale_by<gelu_tanh_slope>, true},
    {"silu", map<silu>, scale_by<silu_slope>, true},
    {"sigmoid", map<sigmoid_of>, scale_by<sigmoid_slope>, false},
    {"tanh", map<tanh_of>, scale_by<tanh_slope>, false},
    {"softplus", map<softplus>, scale_by<softplus_slope>, true},
};

inline const Activation* find_activation(const std::string& name) {
    for (const Activation& a : kActivations)
        if (name == a.name) return &a;
    return nullptr;
}

}  // namespace CORE_ISA
