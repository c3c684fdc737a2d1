// The optimizers' steps, as Keras writes them, on a run of weights that lies in the cache.
//
// Order of one step:  g += l1 sign(w) + 2 l2 w;  g clipped;  w -= w wd lr;  the optimizer's own step;
// average <- ema average + (1 - ema) w.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "api.h"
#include "panel.h"

namespace CORE_ISA {

// The numbers of one step, the same for every weight.
struct StepNumbers {
    float rate;              // learning rate
    float alpha;             // adam: rate sqrt(1 - beta_2^t) / (1 - beta_1^t)
    float momentum;          // sgd, rmsprop
    float c1, c2;            // adam: 1 - beta_1, 1 - beta_2;  rmsprop: rho, 1 - rho
    float epsilon;
    float decay;             // wd lr
    float clip_value;        // 0: none
    float ema;               // momentum of the average; 0 in the first step, which starts it
};

// w and up to three slots of n floats, g the gradient; n is a multiple of 16.
using Update = void (*)(const StepNumbers&, float* w, float* const* slots, const float* g,
                        int64_t n);

//     w -= g lr
inline void sgd(const StepNumbers& s, float* w, float* const*, const float* g, int64_t n) {
    for (int64_t i = 0; i < n; i += kLanes) store(w + i, load(w + i) - load(g + i) * s.rate);
}

//     m = m momentum - g lr;  w += m
inline void sgd_momentum(const StepNumbers& s, float* w, float* const* slots, const float* g,
                         int64_t n) {
    float* m = slots[0];
    for (int64_t i = 0; i < n; i += kLanes) {
        const V m_i = load(m + i) * s.momentum - load(g + i) * s.rate;
        store(m + i, m_i);
        store(w + i, load(w + i) + m_i);
    }
}

//     m = m momentum - g lr;  w += m momentum - g lr
inline void sgd_nesterov(const StepNumbers& s, float* w, float* const* slots, const float* g,
                         int64_t n) {
    float* m = slots[0];
    for (int64_t i = 0; i < n; i += kLanes) {
        const V step = load(g + i) * s.rate;
        const V m_i = load(m + i) * s.momentum - step;
        store(m + i, m_i);
        store(w + i, load(w + i) + (m_i * s.momentum - step));
    }
}

//     m += (g - m)(1 - b1);  v += (g^2 - v)(1 - b2);  w -= m alpha / (sqrt(v) + epsilon)
inline void adam(const StepNumbers& s, float* w, float* const* slots, const float* g, int64_t n) {
    float *m = slots[0], *v = slots[1];
    for (int64_t i = 0; i < n; i += kLanes) {
        const V g_i = load(g + i);
        V m_i = load(m + i), v_i = load(v + i);
        m_i += (g_i - m_i) * s.c1;
        v_i += (g_i * g_i - v_i) * s.c2;
        store(m + i, m_i);
        store(v + i, v_i);
        store(w + i, load(w + i) - m_i * s.alpha / (sqrt(v_i) + s.epsilon));
    }
}

//     v = rho v + (1 - rho) g^2;  centered: a = rho a + (1 - rho) g
//     step = lr g / sqrt(v [- a^2] + epsilon);  momentum: m = momentum m + step;  w -= m or step
template <bool MOMENTUM, bool CENTERED>
void rmsprop(const StepNumbers& s, float* w, float* const* slots, const float* g, int64_t n) {
    float *v = slots[0], *m = slots[1], *a = slots[MOMENTUM ? 2 : 1];
    for (int64_t i = 0; i < n; i += kLanes) {
        const V g_i = load(g + i);
        const V v_i = s.c1 * load(v + i) + s.c2 * (g_i * g_i);
        store(v + i, v_i);
        V denominator = v_i + s.epsilon;
        if constexpr (CENTERED) {
            const V a_i = s.c1 * load(a + i) + s.c2 * g_i;
            store(a + i, a_i);
            denominator = v_i - a_i * a_i + s.epsilon;
        }
        V step = s.rate * g_i / sqrt(denominator);
        if constexpr (MOMENTUM) {
            step = s.momentum * load(m + i) + step;
            store(m + i, step);
        }
        store(w + i, load(w + i) - step);
    }
}

// What settings make of an optimizer: its step, and the names of its slots without the average.
struct Rule {
    Update update;
    std::vector<std::string> slots;
};

inline Rule sgd_rule(const core::OptimizerSpec& o) {
    if (o.momentum == 0) return {sgd, {}};
    return {o.nesterov ? sgd_nesterov : sgd_momentum, {"momentum"}};
}
inline Rule adam_rule(const core::OptimizerSpec&) { return {adam, {"m", "v"}}; }
inline Rule rmsprop_rule(const core::OptimizerSpec& o) {
    if (o.momentum > 0 && o.centered)
        return {rmsprop<true, true>, {"velocity", "momentum", "average_gradient"}};
    if (o.momentum > 0) return {rmsprop<true, false>, {"velocity", "momentum"}};
    if (o.centered) return {rmsprop<false, true>, {"velocity", "average_gradient"}};
    return {rmsprop<false, false>, {"velocity"}};
}

// t: the step's number, from 1. In float32, as Keras computes them.
inline void no_numbers(const core::OptimizerSpec&, float, StepNumbers&) {}
inline void adam_numbers(const core::OptimizerSpec& o, float t, StepNumbers& s) {
    const float power_1 = std::pow(static_cast<float>(o.beta_1), t);
    const float power_2 = std::pow(static_cast<float>(o.beta_2), t);
    s.alpha = s.rate * std::sqrt(1.0f - power_2) / (1.0f - power_1);
    s.c1 = static_cast<float>(1.0 - o.beta_1);
    s.c2 = static_cast<float>(1.0 - o.beta_2);
}
inline void rmsprop_numbers(const core::OptimizerSpec& o, float, StepNumbers& s) {
    s.c1 = static_cast<float>(o.rho);
    s.c2 = static_cast<float>(1.0 - o.rho);
}

struct Optimizer {
    const char* name;
    Rule (*rule)(const core::OptimizerSpec&);
    void (*numbers)(const core::OptimizerSpec&, float t, StepNumbers&);  // its own, of one step
    bool divides;  // by something that is zero where gradient, slots and epsilon are
};

constexpr Optimizer kOptimizers[] = {
    {"sgd", sgd_rule, no_numbers, false},
    {"adam", adam_rule, adam_numbers, true},
    {"rmsprop", rmsprop_rule, rmsprop_numbers, true},
};

inline const Optimizer* find_optimizer(const std::string& name) {
    for (const Optimizer& optimizer : kOptimizers)
        if (name == optimizer.name) return &optimizer;
    return nullptr;
}

// step: optimizer.iterations before it.
inline StepNumbers step_numbers(const Optimizer& optimizer, const core::OptimizerSpec& o, float rate,
                                int64_t step) {
    StepNumbers s{};
    s.rate = rate;
    s.momentum = static_cast<float>(o.momentum);
    s.epsilon = static_cast<float>(o.epsilon);
    s.decay = static_cast<float>(o.weight_decay) * rate;
    s.clip_value = o.clipnorm > 0 || o.global_clipnorm > 0 ? 0 : static_cast<float>(o.clipvalue);
    s.ema = step == 0 ? 0.0f : static_cast<float>(o.ema_momentum);
    optimizer.numbers(o, static_cast<float>(step + 1), s);
    return s;
}

// The gradient of l1 sum |w| + l2 sum w^2, added to g.
inline void add_penalty_gradient(float l1, float l2, const float* w, float* g, int64_t n) {
    for (int64_t i = 0; i < n; i += kLanes) {
        const V w_i = load(w + i);
        const V sign = w_i > V{} ? splat(l1) : (w_i < V{} ? splat(-l1) : V{});
        store(g + i, load(g + i) + (sign + 2.0f * l2 * w_i));
    }
}

inline void clip_values(float limit, float* g, int64_t n) {
    for (int64_t i = 0; i < n; i += kLanes)
        store(g + i, at_most(at_least(load(g + i), splat(-limit)), splat(limit)));
}

inline void scale_values(float factor, float* g, int64_t n) {
    for (int64_t i = 0; i < n; i += kLanes) store(g + i, load(g + i) * factor);
}

inline void move_average(float momentum, const float* w, float* average, int64_t n) {
    for (int64_t i = 0; i < n; i += kLanes)
        store(average + i, momentum * load(average + i) + (1.0f - momentum) * load(w + i));
}

}  // namespace CORE_ISA
