// A network: its weights, its stages and the buffers that belong to them.
//
// A stage is one dense layer (stage 0: the input, which has none) and the layers that follow it up to
// the next dense one. `build` turns the caller's list of layers into stages.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "activation.h"
#include "api.h"
#include "loss.h"
#include "optimizer.h"
#include "panel.h"
#include "sparse.h"
#include "threads.h"
#include "tile.h"
#include "weight_gradient.h"

namespace CORE_ISA {

constexpr int kMaxSlots = 4;  // the optimizer's, and the average

// A weight with its slots; everything in panels, [panels(columns)][rows][16]. A vector has one row.
struct Param {
    int64_t rows = 1, columns = 0;
    bool is_vector = true, trainable = true, decays = true;
    float l1 = 0, l2 = 0, max_norm = 0;
    Floats value, slot[kMaxSlots];
    Floats gradient;            // vectors always; kernels where the whole gradient is needed
    Array<double> penalty, square;  // [panels]: parts of the penalty and of the gradient's norm
    Array<uint8_t> moved;       // [panels][blocks of 16 rows]: slots there may be other than zero

    int64_t panels() const { return panels_of(columns); }
    int64_t floats() const { return panels() * rows * kPanel; }
    int64_t blocks() const { return panels_of(rows); }
    bool penalized() const { return l1 != 0 || l2 != 0; }
};

enum class Kind { activation, batch_norm, dropout, noise, softmax, layer_norm };

// A layer other than dense. `in` and `out` are [panels][max_batch][16] and may be the same.
struct Op {
    Kind kind;
    const Activation* function = nullptr;
    float alpha = 0, rate = 0, stddev = 0, epsilon = 0;
    double momentum = 0;
    uint64_t key = 0;
    bool frozen = false;  // batch_norm: runs on its moving statistics
    Param *gamma = nullptr, *beta = nullptr, *moving_mean = nullptr, *moving_variance = nullptr;
    Floats mean, rstd;  // batch_norm: [panels][16]; layer_norm: [max_batch]
    float *in = nullptr, *out = nullptr;

    bool by_rows() const { return kind == Kind::softmax || kind == Kind::layer_norm; }
    bool by_columns() const { return kind == Kind::batch_norm; }
    bool keeps_input() const {
        return kind == Kind::batch_norm || kind == Kind::layer_norm ||
               (kind == Kind::activation && function->keeps_input);
    }
    bool keeps_output() const {
        return kind == Kind::softmax || (kind == Kind::activation && !function->keeps_input);
    }
};

// How the threads cut a matrix: by panels of columns or by rows.
enum class Cut { columns, rows };

struct Stage {
    int64_t n_in = 0, n_out = 0;
    Param *kernel = nullptr, *bias = nullptr;  // kernel null: the input stage
    std::vector<Op> ops;
    Cut cut = Cut::columns;           // of the dense product
    float *z = nullptr, *out = nullptr;  // the product's result, the last op's; [panels][max_batch][16]
    Floats gradient;                  // with respect to out, then z; [panels][max_batch][16]
    std::vector<Floats> buffers;
    bool learns = false;              // the stage has trainable weights

    int64_t panels() const { return panels_of(n_out); }
};

struct Network {
    core::NetworkSpec spec;
    std::vector<std::unique_ptr<Param>> params;  // in Keras's order
    std::vector<Stage> stages;
    size_t first_learning = 0;  // gradients are needed down to this stage
    const Optimizer* optimizer = nullptr;
    Rule rule;  // the optimizer's, under the settings
    int n_slots = 0;            // with the average
    bool stores_gradients = false;
    const Loss* loss = nullptr;
    std::vector<const Metric*> metrics;
    float input_scale = 1, input_offset = 0;

    SparseBatch sparse;
    bool sparse_input = false;         // of the call in progress
    Floats scattered;                  // [n_inputs][16]: the gradient of a kernel of one panel, then zeros
    Array<float> sample_loss;          // [max_batch], unweighted
    std::vector<Floats> sample_metric; // a [max_batch] each
    std::vector<Floats> scratch;       // one a thread
    Floats row_memory;                 // [threads][4][widest layer]: rows gathered from panels
    int64_t widest = 0;

    int64_t max_batch() const { return spec.max_batch; }
    int64_t stride() const { return spec.max_batch * kPanel; }  // floats from panel to panel
    // Whether the batch's non-zeros are listed by column as well: wide first layers learn from those.
    bool lists_columns() const {
        return sparse_input && stages[1].gradient.size && !scatters(stages[1].panels(), stages[1].n_in);
    }
    int64_t n_outputs() const { return stages.back().n_out; }
    float* row_scratch(int thread, int which) const {
        return row_memory.get() + (thread * 4 + which) * widest;
    }
};

// --- building --------------------------------------------------------------------------------------

inline Param* add_param(Network& net, int64_t rows, int64_t columns, bool is_vector, bool trainable) {
    auto param = std::make_unique<Param>();
    param->rows = rows;
    param->columns = columns;
    param->is_vector = is_vector;
    param->trainable = trainable;
    param->value.resize(param->floats());
    param->penalty.resize(param->panels());
    param->square.resize(param->panels());
    param->moved.resize(param->panels() * param->blocks());
    if (trainable && is_vector) param->gradient.resize(param->floats());
    net.params.push_back(std::move(param));
    return net.params.back().get();
}

inline void add_dense(Network& net, const core::LayerSpec& layer) {
    Stage stage;
    stage.n_in = net.stages.back().n_out;
    stage.n_out = layer.units;
    stage.kernel = add_param(net, stage.n_in, layer.units, false, layer.trainable);
    stage.kernel->l1 = static_cast<float>(layer.kernel_l1);
    stage.kernel->l2 = static_cast<float>(layer.kernel_l2);
    stage.kernel->max_norm = static_cast<float>(layer.max_norm);
    if (layer.use_bias) {
        stage.bias = add_param(net, 1, layer.units, true, layer.trainable);
        stage.bias->l1 = static_cast<float>(layer.bias_l1);
        stage.bias->l2 = static_cast<float>(layer.bias_l2);
        stage.bias->max_norm = static_cast<float>(layer.max_norm_bias);
    }
    stage.learns = layer.trainable;
    net.stages.push_back(std::move(stage));
}

inline Op make_op(Network& net, const core::LayerSpec& layer, int64_t width) {
    Op op{};
    op.alpha = static_cast<float>(layer.alpha);
    op.rate = static_cast<float>(layer.rate);
    op.stddev = static_cast<float>(layer.stddev);
    op.epsilon = static_cast<float>(layer.epsilon);
    op.momentum = layer.momentum;
    op.key = layer.key;
    op.frozen = !layer.trainable;
    if (layer.kind == "activation") {
        op.kind = layer.function == "softmax" ? Kind::softmax : Kind::activation;
        op.function = find_activation(layer.function);
    } else if (layer.kind == "dropout") {
        op.kind = Kind::dropout;
    } else if (layer.kind == "gaussian_noise") {
        op.kind = Kind::noise;
    } else {
        const bool batch = layer.kind == "batch_norm";
        op.kind = batch ? Kind::batch_norm : Kind::layer_norm;
        if (layer.use_scale) op.gamma = add_param(net, 1, width, true, layer.trainable);
        if (layer.center) op.beta = add_param(net, 1, width, true, layer.trainable);
        if (batch) {
            op.moving_mean = add_param(net, 1, width, true, false);
            op.moving_variance = add_param(net, 1, width, true, false);
        }
        op.mean.resize(batch ? panels_of(width) * kPanel : net.max_batch());
        op.rstd.resize(op.mean.size);
    }
    return op;
}

inline bool does_nothing(const core::LayerSpec& layer) {
    return (layer.kind == "activation" && layer.function == "linear") ||
           (layer.kind == "dropout" && layer.rate == 0) ||
           (layer.kind == "gaussian_noise" && layer.stddev == 0);
}

// An op writes over its input where neither it nor the op before it needs those values again.
inline void connect(Network& net, Stage& stage) {
    const int64_t size = stage.panels() * net.stride();
    auto new_buffer = [&] {
        stage.buffers.emplace_back();
        stage.buffers.back().resize(size);
        return stage.buffers.back().get();
    };
    stage.z = stage.out = new_buffer();
    bool kept = false;  // the values in stage.out are needed in the backward pass
    for (Op& op : stage.ops) {
        op.in = stage.out;
        if (kept || op.keeps_input()) stage.out = new_buffer();
        op.out = stage.out;
        kept = op.keeps_output();
    }
}

// Rows where batch normalization does not ask for columns and panels would not divide well.
inline Cut choose_cut(const Stage& stage, int64_t n_threads) {
    for (const Op& op : stage.ops)
        if (op.by_columns()) return Cut::columns;
    const int64_t most = (stage.panels() + n_threads - 1) / n_threads;
    return 10 * most * n_threads > 11 * stage.panels() ? Cut::rows : Cut::columns;
}

inline void prepare_optimizer(Network& net) {
    const core::OptimizerSpec& o = net.spec.optimizer;
    net.optimizer = find_optimizer(o.kind);
    net.rule = net.optimizer->rule(o);
    net.n_slots = static_cast<int>(net.rule.slots.size()) + (o.ema_momentum > 0 ? 1 : 0);
    net.stores_gradients = o.clipnorm > 0 || o.global_clipnorm > 0;
    size_t i = 0;
    for (auto& param : net.params) {
        if (!param->trainable) continue;
        param->decays = o.decay_mask.empty() || (i < o.decay_mask.size() && o.decay_mask[i]);
        ++i;
        for (int s = 0; s < net.n_slots; ++s) param->slot[s].resize(param->floats());
        if (net.stores_gradients && !param->is_vector) param->gradient.resize(param->floats());
    }
}

inline void prepare_buffers(Network& net) {
    int64_t scratch = std::max(kTilePanels * kPanel, 16 * kPanel);
    for (size_t s = 0; s < net.stages.size(); ++s) {
        Stage& stage = net.stages[s];
        net.widest = std::max(net.widest, panels_of(stage.n_out) * kPanel);
        if (s == 0 && stage.ops.empty()) continue;  // its buffer comes with the first dense batch
        connect(net, stage);
        stage.cut = choose_cut(stage, net.spec.threads);
        scratch = std::max(scratch, kTilePanels * stage.panels() * kPanel * kPanel);
    }
    for (size_t s = net.first_learning; s < net.stages.size(); ++s)
        net.stages[s].gradient.resize(net.stages[s].panels() * net.stride());
    net.sample_loss.resize(net.max_batch());
    net.sample_metric.resize(net.spec.loss.metrics.size());
    for (Floats& metric : net.sample_metric) metric.resize(net.max_batch());
    net.scratch.resize(static_cast<size_t>(net.spec.threads));
    for (Floats& floats : net.scratch) floats.resize(std::max(scratch, 16 * kBlock));
    net.row_memory.resize(net.spec.threads * 4 * net.widest);
}

inline Network* build(const core::NetworkSpec& spec) {
    auto net = std::make_unique<Network>();
    net->spec = spec;
    net->loss = find_loss(spec.loss.kind);
    for (const core::MetricSpec& metric : spec.loss.metrics)
        net->metrics.push_back(find_metric(metric.kind));
    net->stages.emplace_back();
    net->stages[0].n_out = spec.n_inputs;
    for (const core::LayerSpec& layer : spec.layers) {
        if (layer.kind == "affine") {
            net->input_scale = static_cast<float>(layer.scale);
            net->input_offset = static_cast<float>(layer.offset);
        } else if (layer.kind == "dense") {
            add_dense(*net, layer);
        } else if (!does_nothing(layer)) {
            Stage& stage = net->stages.back();
            stage.ops.push_back(make_op(*net, layer, stage.n_out));
            const Op& op = stage.ops.back();
            stage.learns |= layer.trainable && (op.gamma || op.beta);
        }
    }
    while (net->first_learning + 1 < net->stages.size() && !net->stages[net->first_learning].learns)
        ++net->first_learning;
    prepare_optimizer(*net);
    prepare_buffers(*net);
    return net.release();
}

}  // namespace CORE_ISA
