// Losses and metrics of one example, as tables. A loss also gives its gradient with respect to the
// network's outputs, where `gradient` is not null.
#pragma once

#include <cmath>
#include <limits>
#include <string>

#include "api.h"
#include "vector.h"

namespace CORE_ISA {

// One example: outputs p[0..n), targets t[0..n).
struct Example {
    const float* p;
    const float* t;
    int64_t n;
};

constexpr float kLow = 1e-7f, kHigh = 1.0f - 1e-7f;  // Keras clips probabilities to these

inline float clip_probability(float q) { return q < kLow ? kLow : q > kHigh ? kHigh : q; }

// Its derivative; half where both sides of the clip are equal, as JAX has it.
inline float clip_slope(float q) {
    return q < kLow || q > kHigh ? 0.0f : q == kLow || q == kHigh ? 0.5f : 1.0f;
}

//     q = p / sum(p), c = clip(q), L = -sum t ln c
//     dL/dq = -t / c clip'(q),  dL/dp = (dL/dq - sum dL/dq q) / sum(p)
inline float crossentropy(const Example& e, float* gradient) {
    float total = 0, loss = 0;
    for (int64_t j = 0; j < e.n; ++j) total += e.p[j];
    for (int64_t j = 0; j < e.n; ++j)
        if (e.t[j] != 0) loss -= e.t[j] * std::log(clip_probability(e.p[j] / total));
    if (!gradient) return loss;
    float sum_dq_q = 0;
    for (int64_t j = 0; j < e.n; ++j) {
        const float q = e.p[j] / total;
        gradient[j] = -e.t[j] / clip_probability(q) * clip_slope(q);
        sum_dq_q += gradient[j] * q;
    }
    for (int64_t j = 0; j < e.n; ++j) gradient[j] = (gradient[j] - sum_dq_q) / total;
    return loss;
}

//     l = p - max(p), L = -sum t (l - ln sum e^l),  dL/dp = softmax(p) sum(t) - t
inline float crossentropy_logits(const Example& e, float* gradient) {
    float top = -std::numeric_limits<float>::infinity(), total = 0, loss = 0, sum_t = 0;
    for (int64_t j = 0; j < e.n; ++j) top = e.p[j] <= top ? top : e.p[j];
    for (int64_t j = 0; j < e.n; ++j) total += std::exp(e.p[j] - top);
    const float log_total = std::log(total);
    for (int64_t j = 0; j < e.n; ++j) {
        if (e.t[j] != 0) loss -= e.t[j] * (e.p[j] - top - log_total);
        sum_t += e.t[j];
    }
    if (gradient)
        for (int64_t j = 0; j < e.n; ++j)
            gradient[j] = std::exp(e.p[j] - top - log_total) * sum_t - e.t[j];
    return loss;
}

//     L = mean(-t ln c - (1 - t) ln(1 - c)), c = clip(p)
inline float binary_crossentropy(const Example& e, float* gradient) {
    const float n = static_cast<float>(e.n);
    float loss = 0;
    for (int64_t j = 0; j < e.n; ++j) {
        const float t = e.t[j], c = clip_probability(e.p[j]);
        loss -= t * std::log(c) + (1.0f - t) * std::log(1.0f - c);
        if (gradient) gradient[j] = clip_slope(e.p[j]) * ((1.0f - t) / (1.0f - c) - t / c) / n;
    }
    return loss / n;
}

//     L = mean(max(p, 0) - p t + ln(1 + e^-|p|)),  dL/dp = (sigmoid(p) - t) / n
inline float binary_crossentropy_logits(const Example& e, float* gradient) {
    const float n = static_cast<float>(e.n);
    float loss = 0;
    for (int64_t j = 0; j < e.n; ++j) {
        const float p = e.p[j], t = e.t[j];
        const float tail = std::log1p(std::exp(-std::fabs(p)));  // NaN stays NaN
        loss += t * ((p < 0 ? -p : 0.0f) + tail) + (1.0f - t) * ((p > 0 ? p : 0.0f) + tail);
        if (gradient) gradient[j] = (1.0f / (1.0f + std::exp(-p)) - t) / n;
    }
    return loss / n;
}

inline float squared_error(const Example& e, float* gradient) {
    const float n = static_cast<float>(e.n);
    float loss = 0;
    for (int64_t j = 0; j < e.n; ++j) {
        const float d = e.p[j] - e.t[j];
        loss += d * d;
        if (gradient) gradient[j] = 2.0f * d / n;
    }
    return loss / n;
}

inline float absolute_error(const Example& e, float* gradient) {
    const float n = static_cast<float>(e.n);
    float loss = 0;
    for (int64_t j = 0; j < e.n; ++j) {
        const float d = e.p[j] - e.t[j];
        loss += std::fabs(d);
        if (gradient) gradient[j] = (d > 0 ? 1.0f : d < 0 ? -1.0f : d) / n;
    }
    return loss / n;
}

using LossOf = float (*)(const Example&, float* gradient);

struct Loss {
    const char* name;
    LossOf of_outputs, of_logits;  // of_logits null: the loss has no such form
    float smoothing_share;         // label smoothing moves targets to share * smoothing [/ n]
};

// Smoothed targets: t (1 - s) + s / n for classes, t (1 - s) + s / 2 for binary targets.
constexpr Loss kLosses[] = {
    {"categorical_crossentropy", crossentropy, crossentropy_logits, 1.0f},
    {"sparse_categorical_crossentropy", crossentropy, crossentropy_logits, 0.0f},
    {"binary_crossentropy", binary_crossentropy, binary_crossentropy_logits, 0.5f},
    {"mean_squared_error", squared_error, nullptr, 0.0f},
    {"mean_absolute_error", absolute_error, nullptr, 0.0f},
};

inline const Loss* find_loss(const std::string& name) {
    for (const Loss& loss : kLosses)
        if (name == loss.name) return &loss;
    return nullptr;
}

// The first largest; a NaN counts as larger than any number.
inline int64_t argmax(const float* a, int64_t n) {
    int64_t best = 0;
    for (int64_t j = 0; j < n; ++j) {
        if (a[j] != a[j]) return j;
        if (a[j] > a[best]) best = j;
    }
    return best;
}

inline float class_hit(const Example& e, const core::MetricSpec&) {
    return argmax(e.p, e.n) == argmax(e.t, e.n) ? 1.0f : 0.0f;
}

//     the target's output is among the k largest: fewer than k are greater
inline float top_k_hit(const Example& e, const core::MetricSpec& m) {
    const float own = e.p[argmax(e.t, e.n)];
    if (own != own) return 0.0f;
    int64_t greater = 0;
    for (int64_t j = 0; j < e.n; ++j) greater += e.p[j] > own;
    return greater < m.k ? 1.0f : 0.0f;
}

inline float binary_hits(const Example& e, const core::MetricSpec& m) {
    int64_t hits = 0;
    for (int64_t j = 0; j < e.n; ++j)
        hits += (e.p[j] > static_cast<float>(m.threshold) ? 1.0f : 0.0f) == e.t[j];
    return static_cast<float>(hits) / static_cast<float>(e.n);
}

inline float squared_error_metric(const Example& e, const core::MetricSpec&) {
    return squared_error(e, nullptr);
}
inline float absolute_error_metric(const Example& e, const core::MetricSpec&) {
    return absolute_error(e, nullptr);
}

struct Metric {
    const char* name;
    float (*of)(const Example&, const core::MetricSpec&);
};

constexpr Metric kMetrics[] = {
    {"categorical_accuracy", class_hit}, {"sparse_categorical_accuracy", class_hit},
    {"binary_accuracy", binary_hits},    {"top_k", top_k_hit},
    {"sparse_top_k", top_k_hit},         {"mse", squared_error_metric},
    {"mae", absolute_error_metric},
};

inline const Metric* find_metric(const std::string& name) {
    for (const Metric& metric : kMetrics)
        if (name == metric.name) return &metric;
    return nullptr;
}

}  // namespace CORE_ISA
