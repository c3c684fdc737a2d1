// The forward pass of a batch, and the loss of its examples.
#pragma once

#include "gather.h"
#include "network.h"
#include "norm.h"
#include "random.h"
#include "tile.h"

namespace CORE_ISA {

// What one step is about, the same for all threads.
struct Step {
    int64_t number = 0;        // the optimizer's iterations: counts dropout's and noise's numbers
    int64_t n_batch = 0;
    bool training = false;
    bool updates = false;      // weights and moving statistics change
};

// This thread's part of a stage's matrix under one cut.
struct Area {
    Range panels, rows;
};
inline Area area_of(const Stage& stage, Cut cut, int64_t n_batch, const Worker& worker) {
    if (cut == Cut::columns) return {worker.part(stage.panels()), {0, n_batch}};
    return {{0, stage.panels()}, worker.part(n_batch)};
}

// Moves from one cut to the one an op needs: what others computed must be there.
inline void change_cut(Cut& cut, const Op& op, Worker& worker) {
    const Cut wanted = op.by_rows() ? Cut::rows : op.by_columns() ? Cut::columns : cut;
    if (wanted != cut) worker.meet();
    cut = wanted;
}

// Rows of a matrix in panels, to and from contiguous memory. Padding is written as zeros.
inline void read_row(const float* panels, int64_t stride, int64_t row, int64_t n, float* out) {
    for (int64_t c = 0; c < n; c += kPanel)
        std::copy_n(panels + c / kPanel * stride + row * kPanel, std::min(kPanel, n - c), out + c);
}
inline void write_row(float* panels, int64_t stride, int64_t row, int64_t n, const float* in) {
    for (int64_t c = 0; c < n; c += kPanel) {
        const int64_t width = std::min(kPanel, n - c);
        float* to = panels + c / kPanel * stride + row * kPanel;
        std::copy_n(in + c, width, to);
        std::fill(to + width, to + kPanel, 0.0f);
    }
}

//     y = e^(x - max x) / sum e^(x - max x), over a row; x has room for whole vectors
inline void softmax_row(float* x, int64_t n) {
    float top = -std::numeric_limits<float>::infinity(), total = 0;
    for (int64_t c = 0; c < n; ++c) top = x[c] <= top ? top : x[c];
    for (int64_t c = 0; c < n; c += kLanes) store(x + c, exp(load(x + c) - top));
    for (int64_t c = 0; c < n; ++c) total += x[c];
    for (int64_t c = 0; c < n; ++c) x[c] /= total;
}

inline BatchNormPanel batch_norm_panel(const Op& op, int64_t panel) {
    const int64_t at = panel * kPanel;
    return {op.gamma ? op.gamma->value.get() + at : nullptr,
            op.beta ? op.beta->value.get() + at : nullptr, op.mean.get() + at, op.rstd.get() + at};
}

inline void batch_norm_forward(const Op& op, const float* x, float* y, int64_t panel,
                               const Step& step) {
    const BatchNormPanel s = batch_norm_panel(op, panel);
    float* mean = op.moving_mean->value.get() + panel * kPanel;
    float* variance = op.moving_variance->value.get() + panel * kPanel;
    if (step.training && !op.frozen)
        batch_statistics(x, step.n_batch, s, op.epsilon, op.momentum,
                         step.updates ? mean : nullptr, variance);
    else
        moving_statistics(mean, variance, s, op.epsilon);
    normalize(x, y, {0, step.n_batch}, s);
}

// One op on one panel, rows [rows.begin, rows.end).
inline void panel_forward(const Op& op, int64_t panel, int64_t stride, Range rows,
                          const Step& step) {
    const float* x = op.in + panel * stride;
    float* y = op.out + panel * stride;
    const int64_t from = rows.begin * kPanel, n = (rows.end - rows.begin) * kPanel;
    if (op.kind == Kind::activation)
        op.function->forward(x + from, y + from, n, op.alpha);
    else if (op.kind == Kind::batch_norm)
        batch_norm_forward(op, x, y, panel, step);
    else if (!step.training)
        std::memmove(y + from, x + from, sizeof(float) * static_cast<size_t>(n));
    else if (op.kind == Kind::dropout)
        drop(x, y, panel, rows, Counter(op.key, step.number), op.rate);
    else
        add_noise(x, y, panel, rows, Counter(op.key, step.number), op.stddev);
}

inline void row_forward(const Network& net, const Op& op, const Stage& stage, int64_t row,
                        int thread) {
    float* x = net.row_scratch(thread, 0);
    read_row(op.in, net.stride(), row, stage.n_out, x);
    if (op.kind == Kind::softmax) {
        softmax_row(x, stage.n_out);
        write_row(op.out, net.stride(), row, stage.n_out, x);
        return;
    }
    float* y = net.row_scratch(thread, 1);
    layer_norm_row(x, stage.n_out, op.gamma ? op.gamma->value.get() : nullptr,
                   op.beta ? op.beta->value.get() : nullptr, op.epsilon, y, &op.mean[row],
                   &op.rstd[row]);
    write_row(op.out, net.stride(), row, stage.n_out, y);
}

// The ops of a stage, starting from the given cut; returns the cut they end with.
inline Cut ops_forward(const Network& net, const Stage& stage, Cut cut, const Step& step,
                       Worker& worker) {
    worker.enter(core::kLayers);
    for (const Op& op : stage.ops) {
        change_cut(cut, op, worker);
        const Area area = area_of(stage, cut, step.n_batch, worker);
        if (op.by_rows())
            for (int64_t r = area.rows.begin; r < area.rows.end; ++r)
                row_forward(net, op, stage, r, worker.index);
        else
            for (int64_t p = area.panels.begin; p < area.panels.end; ++p)
                panel_forward(op, p, net.stride(), area.rows, step);
    }
    return cut;
}

inline void dense_forward(const Network& net, const Stage& before, const Stage& stage, bool sparse,
                          int64_t n_batch, Worker& worker) {
    worker.enter(core::kForward);
    const Area area = area_of(stage, stage.cut, n_batch, worker);
    const float* bias = stage.bias ? stage.bias->value.get() : nullptr;
    const float* w = stage.kernel->value.get();
    if (sparse)
        sparse_product(net.sparse, w, bias, stage.z, net.max_batch(), stage.n_in, area.panels,
                       area.rows);
    else
        product(before.out, w, bias, stage.z, net.max_batch(), stage.n_in, area.panels, area.rows);
}

// Everything from the gathered batch to the outputs; afterwards each thread may read the rows of
// its share of the outputs.
inline void forward(Network& net, const Step& step, Worker& worker) {
    Cut cut = Cut::rows;  // of the gathered batch
    if (!net.sparse_input) cut = ops_forward(net, net.stages[0], cut, step, worker);
    for (size_t s = 1; s < net.stages.size(); ++s) {
        worker.meet();
        const Stage& stage = net.stages[s];
        dense_forward(net, net.stages[s - 1], stage, s == 1 && net.sparse_input, step.n_batch, worker);
        if (s == 1 && step.training && net.lists_columns())
            fill_columns(net.sparse, step.n_batch, worker.index);
        cut = ops_forward(net, stage, stage.cut, step, worker);
    }
    if (cut == Cut::columns) worker.meet();
}

// t[0..n): the targets of one example, smoothed.
inline void read_targets(const Network& net, const core::Targets& y, int64_t row, float* t) {
    const int64_t n = net.n_outputs();
    if (y.labels) {
        std::fill(t, t + n, 0.0f);
        t[y.labels[row]] = 1.0f;
    } else {
        std::copy(y.values + row * n, y.values + (row + 1) * n, t);
    }
}

inline void smooth(const Network& net, float* t) {
    const float s = static_cast<float>(net.spec.loss.label_smoothing);
    const float share = net.loss->smoothing_share;
    if (s == 0 || share == 0) return;
    const float n = static_cast<float>(net.n_outputs());
    for (int64_t j = 0; j < net.n_outputs(); ++j)
        t[j] = t[j] * (1.0f - s) + (share == 1 ? s / n : share * s);
}

// Loss, metrics and, in training, the gradient of (weight / batch) loss, of this thread's rows.
inline void losses(Network& net, const core::Batches& batches, int64_t at, const Step& step,
                   Worker& worker) {
    worker.enter(core::kLoss);
    Stage& last = net.stages.back();
    const int64_t n = last.n_out;
    const auto of = net.spec.loss.from_logits ? net.loss->of_logits : net.loss->of_outputs;
    float *p = net.row_scratch(worker.index, 0), *t = net.row_scratch(worker.index, 1);
    float* gradient = step.training ? net.row_scratch(worker.index, 2) : nullptr;
    const Range rows = worker.part(step.n_batch);
    for (int64_t r = rows.begin; r < rows.end; ++r) {
        const int64_t row = row_of(batches, at + r);
        read_row(last.out, net.stride(), r, n, p);
        read_targets(net, batches.y, row, t);
        for (size_t m = 0; m < net.sample_metric.size(); ++m) {
            const core::MetricSpec& metric = net.spec.loss.metrics[m];
            net.sample_metric[m][r] = net.metrics[m]->of({p, t, n}, metric);
        }
        smooth(net, t);
        const float weight = batches.sample_weight ? batches.sample_weight[row] : 1.0f;
        net.sample_loss[r] = of({p, t, n}, gradient) * weight;
        if (!gradient) continue;
        const float scale = weight / static_cast<float>(step.n_batch);
        for (int64_t j = 0; j < n; ++j) gradient[j] *= scale;
        write_row(last.gradient.get(), net.stride(), r, n, gradient);
    }
}

}  // namespace CORE_ISA
