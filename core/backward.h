// The backward pass of a batch and the optimizer's step.
//
// From the last stage down, with one barrier each:
//     ops backward: dL/dout -> dL/dz, in place          | own panels or rows
//     barrier: all of dL/dz is there, and nobody reads the kernel above any more
//     input gradient: dL/dout of the stage below        | own panels
//     weight gradient and step of the stage above       | own panels of its kernel
#pragma once

#include "step.h"

namespace CORE_ISA {

inline float* gradient_of(Param* param, int64_t panel) {
    return param && param->trainable ? param->gradient.get() + panel * kPanel : nullptr;
}

inline void panel_backward(const Op& op, float* gradient, int64_t panel, int64_t stride, Range rows,
                           const Step& step) {
    float* g = gradient + panel * stride;
    const int64_t from = rows.begin * kPanel, n = (rows.end - rows.begin) * kPanel;
    if (op.kind == Kind::activation) {
        const float* kept = (op.keeps_input() ? op.in : op.out) + panel * stride;
        op.function->backward(kept + from, g + from, n, op.alpha);
    } else if (op.kind == Kind::batch_norm) {
        normalize_backward(op.in + panel * stride, g, step.n_batch, batch_norm_panel(op, panel),
                           op.frozen, gradient_of(op.gamma, panel), gradient_of(op.beta, panel));
    } else if (op.kind == Kind::dropout) {
        drop(g, g, panel, rows, Counter(op.key, step.number), op.rate);
    }
}

//     softmax: dx = y (dy - sum dy y)
inline void row_backward(Network& net, const Op& op, Stage& stage, int64_t row, int thread) {
    const int64_t n = stage.n_out;
    float *kept = net.row_scratch(thread, 0), *g = net.row_scratch(thread, 1);
    read_row(op.kind == Kind::softmax ? op.out : op.in, net.stride(), row, n, kept);
    read_row(stage.gradient.get(), net.stride(), row, n, g);
    if (op.kind == Kind::softmax) {
        float dot = 0;
        for (int64_t c = 0; c < n; ++c) dot += g[c] * kept[c];
        for (int64_t c = 0; c < n; ++c) g[c] = kept[c] * (g[c] - dot);
    } else {
        layer_norm_row_backward(kept, g, n, op.gamma ? op.gamma->value.get() : nullptr,
                                op.mean[row], op.rstd[row]);
    }
    write_row(stage.gradient.get(), net.stride(), row, n, g);
}

//     layer_norm: dgamma = sum_b dy (x - mean) rstd,  dbeta = sum_b dy, by columns
inline void layer_norm_params(const Network& net, const Op& op, const Stage& stage, int64_t panel,
                              int64_t n_batch) {
    const float* x = op.in + panel * net.stride();
    const float* dy = stage.gradient.get() + panel * net.stride();
    float *dgamma = gradient_of(op.gamma, panel), *dbeta = gradient_of(op.beta, panel);
    for (int64_t c = 0; c < kPanel; c += kLanes) {
        if (dbeta)
            store(dbeta + c, sum_rows(n_batch, [&](int64_t b) { return load(dy + b * kPanel + c); }));
        if (dgamma)
            store(dgamma + c, sum_rows(n_batch, [&](int64_t b) {
                      const V h = (load(x + b * kPanel + c) - op.mean[b]) * op.rstd[b];
                      return load(dy + b * kPanel + c) * h;
                  }));
    }
}

// dL/dout -> dL/dz of a stage, starting from the given cut.
inline void ops_backward(Network& net, Stage& stage, Cut cut, const Step& step, Worker& worker) {
    worker.enter(core::kLayers);
    for (auto op = stage.ops.rbegin(); op != stage.ops.rend(); ++op) {
        if (op->kind == Kind::layer_norm) {
            worker.meet();
            const Range panels = worker.part(stage.panels());
            for (int64_t p = panels.begin; p < panels.end; ++p)
                layer_norm_params(net, *op, stage, p, step.n_batch);
            cut = Cut::columns;
        }
        change_cut(cut, *op, worker);
        const Area area = area_of(stage, cut, step.n_batch, worker);
        if (op->by_rows())
            for (int64_t r = area.rows.begin; r < area.rows.end; ++r)
                row_backward(net, *op, stage, r, worker.index);
        else
            for (int64_t p = area.panels.begin; p < area.panels.end; ++p)
                panel_backward(*op, stage.gradient.get(), p, net.stride(), area.rows, step);
    }
}

// From dL/dout of the last stage (each thread has its rows of it) to the updated weights.
inline void backward(Network& net, const Step& step, const StepNumbers& numbers, Worker& worker) {
    const size_t last = net.stages.size() - 1, first = net.first_learning;
    Cut cut = Cut::rows;
    for (size_t s = last;; --s) {
        Stage& stage = net.stages[s];
        ops_backward(net, stage, cut, step, worker);
        worker.meet();
        if (s > first) {
            worker.enter(core::kInputGradient);
            Stage& below = net.stages[s - 1];
            cut = below.cut;
            const Area area = area_of(below, cut, step.n_batch, worker);
            input_gradient(stage.gradient.get(), stage.kernel->value.get(), below.gradient.get(),
                           net.max_batch(), stage.n_in, stage.n_out, area.panels, area.rows,
                           worker.scratch.get());
        }
        if (s < last) stage_step(net, s + 1, step, numbers, worker);
        if (s == first) break;
    }
    stage_step(net, first, step, numbers, worker);
    if (!step.updates) return;
    if (net.stores_gradients) apply_stored(net, numbers, worker);
    limit_vectors(net, worker);
}

}  // namespace CORE_ISA
