// The weights' gradients and the optimizer's step, stage by stage; clipping by norms.
#pragma once

#include "forward.h"
#include "weight_gradient.h"

namespace CORE_ISA {

// A run of n floats of a weight, `at` from its start, with its gradient.
inline void apply_step(const Network& net, Param& param, int64_t at, int64_t n, float* g,
                       const StepNumbers& numbers) {
    float* w = param.value.get() + at;
    float* slots[kMaxSlots];
    for (int s = 0; s < net.n_slots; ++s) slots[s] = param.slot[s].get() + at;
    if (numbers.clip_value > 0) clip_values(numbers.clip_value, g, n);
    if (numbers.decay != 0 && param.decays)
        for (int64_t i = 0; i < n; i += kLanes)
            store(w + i, load(w + i) - load(w + i) * numbers.decay);
    net.rule.update(numbers, w, slots, g, n);
    if (net.spec.optimizer.ema_momentum > 0)
        move_average(numbers.ema, w, slots[net.n_slots - 1], n);
}

// Rows [row, row + n_rows) of a panel have their gradient g: step now, or keep it for clipping.
inline void finish_rows(const Network& net, Param& param, int64_t panel, int64_t row, int64_t n_rows,
                        float* g, const Step& step, const StepNumbers& numbers) {
    const int64_t at = (panel * param.rows + row) * kPanel, n = n_rows * kPanel;
    if (param.penalized()) add_penalty_gradient(param.l1, param.l2, param.value.get() + at, g, n);
    if (step.updates && !net.stores_gradients)
        apply_step(net, param, at, n, g, numbers);
    else if (g != param.gradient.get() + at)
        std::copy_n(g, n, param.gradient.get() + at);
}

// A step with gradient zero changes nothing where the slots are zero too.
inline bool zero_step_is_none(const Network& net, const Param& param) {
    const core::OptimizerSpec& o = net.spec.optimizer;
    return !net.stores_gradients && !param.penalized() && o.weight_decay == 0 &&
           o.ema_momentum == 0 && (!net.optimizer->divides || o.epsilon > 0);
}

inline void prefetch_rows(const Network& net, const Param& param, int64_t panel, int64_t row,
                          int64_t n_rows) {
    const int64_t at = (panel * param.rows + row) * kPanel;
    for (int64_t i = 0; i < n_rows * kPanel; i += 16) {
        __builtin_prefetch(param.value.get() + at + i, 1);
        for (int s = 0; s < net.n_slots; ++s) __builtin_prefetch(param.slot[s].get() + at + i, 1);
    }
}

// What the gradient of a kernel is computed from.
struct KernelInputs {
    const float* x;            // dense input, [panels][max_batch][16], or
    const SparseBatch* sparse; // the lists of its non-zeros
    const float* dz;           // [panels][max_batch][16]
    int64_t n_batch, stride;
    bool skips;                // rows without non-zeros may be passed over
};

// Rows [16 block, ...) of `panels` panels from `panel` on.
inline void kernel_block(const Network& net, Param& kernel, const KernelInputs& in, int64_t panel,
                         int64_t panels, int64_t block, float* g, const Step& step,
                         const StepNumbers& numbers) {
    const int64_t row = block * kPanel, n_rows = std::min(kPanel, kernel.rows - row);
    uint8_t* moved = kernel.moved.get() + panel * kernel.blocks() + block;
    if (in.sparse) {
        const int64_t* column = in.sparse->column.get() + row;
        if (in.skips && column[0] == column[n_rows] && !*moved) return;
    }
    for (int64_t p = 0; p < panels; ++p) {
        moved[p * kernel.blocks()] = net.n_slots > 0;
        if (step.updates && !net.stores_gradients)
            prefetch_rows(net, kernel, panel + p, row, n_rows);
    }
    const float* dz = in.dz + panel * in.stride;
    if (in.sparse)
        sparse_gradient(panels, *in.sparse, {row, row + n_rows}, dz, in.stride, g);
    else
        dense_gradient(panels, in.x + block * in.stride, dz, in.stride, in.n_batch, g);
    for (int64_t p = 0; p < panels; ++p)
        finish_rows(net, kernel, panel + p, row, n_rows, g + p * kBlock, step, numbers);
}

// All of a sparse input's kernel of one panel: the inputs of some threads, which are `blocks`.
inline void narrow_kernel(Network& net, Param& kernel, const KernelInputs& in, Range threads,
                          Range blocks, const Step& step, const StepNumbers& numbers) {
    scatter_gradient(*in.sparse, in.n_batch, threads, in.dz, net.scattered.get());
    for (int64_t block = blocks.begin; block < blocks.end; ++block) {
        const int64_t row = block * kPanel, n_rows = std::min(kPanel, kernel.rows - row);
        float* g = net.scattered.get() + row * kPanel;
        kernel.moved[block] = net.n_slots > 0;
        finish_rows(net, kernel, 0, row, n_rows, g, step, numbers);
        std::fill_n(g, n_rows * kPanel, 0.0f);
    }
}

//     w <- w clip(norm, 0, m) / (1e-7 + norm), norm over each column
inline void limit_norm(Param& param, int64_t panel) {
    float* w = param.value.get() + panel * param.rows * kPanel;
    for (int64_t c = 0; c < kPanel; c += kLanes) {
        const V square = sum_rows(param.rows, [&](int64_t i) {
            const V w_i = load(w + i * kPanel + c);
            return w_i * w_i;
        });
        const V norm = sqrt(square);
        const V factor = at_most(norm, splat(param.max_norm)) / (1e-7f + norm);
        for (int64_t i = 0; i < param.rows; ++i)
            store(w + i * kPanel + c, load(w + i * kPanel + c) * factor);
    }
}

// The same for a vector, whose norm is over all of its elements.
inline void limit_vector_norm(Param& param) {
    float square = 0;
    for (int64_t i = 0; i < param.columns; ++i) square += param.value[i] * param.value[i];
    const float norm = std::sqrt(square);
    scale_values(std::fmin(norm, param.max_norm) / (1e-7f + norm), param.value.get(),
                 param.floats());
}

inline void kernel_gradient(Network& net, size_t s, const Step& step, const StepNumbers& numbers,
                            Worker& worker) {
    const Stage& stage = net.stages[s];
    Param& kernel = *stage.kernel;
    const bool sparse = s == 1 && net.sparse_input;
    const KernelInputs in{sparse ? nullptr : net.stages[s - 1].out, sparse ? &net.sparse : nullptr,
                          stage.gradient.get(), step.n_batch, net.stride(),
                          step.updates && zero_step_is_none(net, kernel)};
    const int64_t group = sparse ? kSparseGradient : kGradientPanels;
    const bool by_panels = kernel.max_norm > 0 || stage.cut == Cut::columns;
    const Range panels = by_panels ? worker.part(kernel.panels()) : Range{0, kernel.panels()};
    const Range blocks = by_panels ? Range{0, kernel.blocks()} : worker.part(kernel.blocks());
    float* g = worker.scratch.get();
    if (sparse && scatters(kernel.panels(), kernel.rows)) {
        const int t = worker.index;
        if (panels.end > panels.begin)
            narrow_kernel(net, kernel, in, by_panels ? Range{0, worker.n_threads} : Range{t, t + 1},
                          blocks, step, numbers);
    } else {
        for (int64_t p = panels.begin; p < panels.end; p += group)
            for (int64_t block = blocks.begin; block < blocks.end; ++block)
                kernel_block(net, kernel, in, p, std::min(group, panels.end - p), block, g, step,
                             numbers);
    }
    if (kernel.max_norm > 0 && step.updates && !net.stores_gradients)
        for (int64_t p = panels.begin; p < panels.end; ++p) limit_norm(kernel, p);
}

inline void bias_gradient(const Network& net, const Stage& stage, int64_t panel, int64_t n_batch) {
    const float* dz = stage.gradient.get() + panel * net.stride();
    for (int64_t c = 0; c < kPanel; c += kLanes)
        store(stage.bias->gradient.get() + panel * kPanel + c,
              sum_rows(n_batch, [&](int64_t b) { return load(dz + b * kPanel + c); }));
}

// Gradients and steps of all trainable weights of stage s.
inline void stage_step(Network& net, size_t s, const Step& step, const StepNumbers& numbers,
                       Worker& worker) {
    worker.enter(core::kWeightGradient);
    const Stage& stage = net.stages[s];
    if (stage.kernel && stage.kernel->trainable) kernel_gradient(net, s, step, numbers, worker);
    const Range panels = worker.part(stage.panels());
    auto finish = [&](Param* param, int64_t panel) {
        if (param && param->trainable)
            finish_rows(net, *param, panel, 0, 1, param->gradient.get() + panel * kPanel, step,
                        numbers);
    };
    for (int64_t p = panels.begin; p < panels.end; ++p) {
        if (stage.bias && stage.bias->trainable) bias_gradient(net, stage, p, step.n_batch);
        finish(stage.bias, p);
        for (const Op& op : stage.ops) {
            finish(op.gamma, p);
            finish(op.beta, p);
        }
    }
}

// Clipping by norms: all gradients are stored, their squares added up panel by panel, and the steps
// made in a second pass.

template <class F>
void for_own_panels(Network& net, const Worker& worker, F f) {
    for (auto& param : net.params) {
        if (!param->trainable) continue;
        const Range panels = worker.part(param->panels());
        for (int64_t p = panels.begin; p < panels.end; ++p) f(*param, p);
    }
}

inline double squared_norm(const Param& param) {
    double sum = 0;
    for (int64_t p = 0; p < param.panels(); ++p) sum += param.square[p];
    return sum;
}

//     clipnorm: g c / max(|g|, c) for each weight;  global_clipnorm: g min(1, c / |all g|)
inline float clip_factor(const Network& net, const Param& param, double global_square) {
    const core::OptimizerSpec& o = net.spec.optimizer;
    if (o.clipnorm > 0) {
        const float norm = static_cast<float>(std::sqrt(squared_norm(param)));
        const float limit = static_cast<float>(o.clipnorm);
        return limit / (norm < limit ? limit : norm);  // NaN stays NaN
    }
    const float norm = static_cast<float>(std::sqrt(global_square));
    const float limit = static_cast<float>(o.global_clipnorm);
    return limit * std::fmin(1.0f / norm, 1.0f / limit) + (norm - norm);
}

inline void apply_stored(Network& net, const StepNumbers& numbers, Worker& worker) {
    worker.meet();
    for_own_panels(net, worker, [](Param& param, int64_t p) {
        const float* g = param.gradient.get() + p * param.rows * kPanel;
        double sum = 0;
        for (int64_t i = 0; i < param.rows; ++i) {
            float row = 0;
            for (int64_t c = 0; c < kPanel; ++c) row += g[i * kPanel + c] * g[i * kPanel + c];
            sum += row;
        }
        param.square[p] = sum;
    });
    worker.meet();
    double global_square = 0;
    for (const auto& param : net.params)
        if (param->trainable) global_square += squared_norm(*param);
    for (auto& param : net.params) {
        if (!param->trainable) continue;
        const float factor = clip_factor(net, *param, global_square);
        const Range panels = worker.part(param->panels());
        for (int64_t p = panels.begin; p < panels.end; ++p) {
            const int64_t n = param->rows * kPanel, at = p * n;
            scale_values(factor, param->gradient.get() + at, n);
            apply_step(net, *param, at, n, param->gradient.get() + at, numbers);
            if (!param->is_vector && param->max_norm > 0) limit_norm(*param, p);
        }
    }
}

inline void limit_vectors(Network& net, Worker& worker) {
    bool any = false;
    for (const auto& param : net.params) any |= param->is_vector && param->max_norm > 0;
    if (!any) return;
    worker.meet();
    if (worker.first())
        for (auto& param : net.params)
            if (param->trainable && param->is_vector && param->max_norm > 0)
                limit_vector_norm(*param);
}

}  // namespace CORE_ISA
