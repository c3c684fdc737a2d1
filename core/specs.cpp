#include "specs.h"

#include <algorithm>
#include <cstdio>
#include <stdexcept>

namespace nb = nanobind;

namespace core {

void refuse(const std::string& name, const std::string& expected, const std::string& got) {
    throw std::invalid_argument(name + ": expected " + expected + ", got " + got);
}

std::string shape_text(const std::vector<size_t>& shape) {
    std::string text = "(";
    for (size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
    return text + (shape.size() == 1 ? ",)" : ")");
}

namespace {

// What a value of each type is called.
template <class T>
constexpr const char* kWanted = "";
template <>
constexpr const char* kWanted<bool> = "True or False";
template <>
constexpr const char* kWanted<int64_t> = "a whole number";
template <>
constexpr const char* kWanted<uint64_t> = "a whole number from 0 on";
template <>
constexpr const char* kWanted<double> = "a number";
template <>
constexpr const char* kWanted<std::string> = "a text";
template <>
constexpr const char* kWanted<nb::list> = "a list";
template <>
constexpr const char* kWanted<std::vector<bool>> = "a list of True and False";

std::string text_of(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.9g", value);
    return text;
}

// A dictionary read key by key; `done` refuses the keys that nobody asked for.
class Reader {
  public:
    Reader(nb::dict dict, std::string name) : dict_(dict), name_(std::move(name)) {}

    template <class T>
    void read(const char* key, T& value) {
        known_.push_back(key);
        if (!dict_.contains(key)) return;
        if (!nb::try_cast<T>(dict_[key], value))
            refuse(name_ + "[" + key + "]", kWanted<T>,
                   nb::cast<std::string>(nb::repr(dict_[key])));
    }
    void read(const char* key, double& value, double low, double high) {
        read(key, value);
        if (!(value >= low && value <= high))
            refuse(name_ + "[" + key + "]", text_of(low) + " to " + text_of(high), text_of(value));
    }
    void read_name(const char* key, std::string& value, const std::vector<std::string>& names) {
        read(key, value);
        if (std::find(names.begin(), names.end(), value) != names.end()) return;
        std::string all;
        for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
        refuse(name_ + "[" + key + "]", "one of " + all, "'" + value + "'");
    }
    void done() const {
        for (auto [key, value] : dict_) {
            const std::string text = nb::cast<std::string>(nb::str(key));
            if (std::find(known_.begin(), known_.end(), text) == known_.end())
                refuse(name_, "no key '" + text + "'", "one");
        }
    }

  private:
    nb::dict dict_;
    std::string name_;
    std::vector<std::string> known_;
};

constexpr double kMost = 1e30;
constexpr int64_t kMostElements = int64_t{1} << 40;  // 4 TiB of floats: sizes do not overflow

LayerSpec read_layer(nb::dict dict, const std::string& name) {
    Reader r(dict, name);
    LayerSpec layer;
    r.read_name("kind", layer.kind, {"affine", "dense", "activation", "batch_norm", "layer_norm",
                                     "dropout", "gaussian_noise"});
    r.read("trainable", layer.trainable);
    if (layer.kind == "affine") {
        r.read("scale", layer.scale, -kMost, kMost);
        r.read("offset", layer.offset, -kMost, kMost);
    } else if (layer.kind == "dense") {
        r.read("units", layer.units);
        if (layer.units < 1) refuse(name + "[units]", "1 or more", number(layer.units));
        r.read("use_bias", layer.use_bias);
        r.read("kernel_l1", layer.kernel_l1, -kMost, kMost);
        r.read("kernel_l2", layer.kernel_l2, -kMost, kMost);
        r.read("bias_l1", layer.bias_l1, -kMost, kMost);
        r.read("bias_l2", layer.bias_l2, -kMost, kMost);
        r.read("max_norm", layer.max_norm, 0, kMost);
        r.read("max_norm_bias", layer.max_norm_bias, 0, kMost);
    } else if (layer.kind == "activation") {
        r.read_name("function", layer.function, activation_names());
        r.read("alpha", layer.alpha, -kMost, kMost);
    } else if (layer.kind == "dropout") {
        r.read("rate", layer.rate, 0, 1);
        r.read("key", layer.key);
    } else if (layer.kind == "gaussian_noise") {
        r.read("stddev", layer.stddev, 0, kMost);
        r.read("key", layer.key);
    } else {
        r.read("epsilon", layer.epsilon, 0, kMost);
        r.read("center", layer.center);
        r.read("scale", layer.use_scale);
        if (layer.kind == "batch_norm") r.read("momentum", layer.momentum, -kMost, kMost);
    }
    r.done();
    return layer;
}

LossSpec read_loss(nb::dict dict) {
    Reader r(dict, "loss");
    LossSpec loss;
    r.read_name("kind", loss.kind, loss_names());
    r.read("from_logits", loss.from_logits);
    r.read("label_smoothing", loss.label_smoothing, 0, 1);
    nb::list metrics;
    r.read("metrics", metrics);
    r.done();
    const bool labels = loss.kind.rfind("sparse_", 0) == 0;
    if (loss.from_logits && loss.kind.rfind("mean_", 0) == 0)
        refuse("loss[from_logits]", "False for " + loss.kind, "True");
    for (size_t i = 0; i < metrics.size(); ++i) {
        MetricSpec metric;
        Reader m(nb::cast<nb::dict>(metrics[i]), "metrics[" + std::to_string(i) + "]");
        m.read_name("kind", metric.kind, metric_names());
        m.read("threshold", metric.threshold, -kMost, kMost);
        m.read("k", metric.k);
        m.done();
        if ((metric.kind.rfind("sparse_", 0) == 0) != labels)
            refuse("metrics[" + std::to_string(i) + "]",
                   labels ? "a sparse metric beside a sparse loss" : "a metric of dense targets",
                   metric.kind);
        loss.metrics.push_back(metric);
    }
    return loss;
}

OptimizerSpec read_optimizer(nb::dict dict) {
    Reader r(dict, "optimizer");
    OptimizerSpec o;
    r.read_name("kind", o.kind, optimizer_names());
    r.read("momentum", o.momentum, 0, kMost);
    r.read("nesterov", o.nesterov);
    r.read("beta_1", o.beta_1, 0, 1);
    r.read("beta_2", o.beta_2, 0, 1);
    r.read("rho", o.rho, 0, kMost);
    r.read("epsilon", o.epsilon, 0, kMost);
    r.read("centered", o.centered);
    r.read("weight_decay", o.weight_decay, -kMost, kMost);
    r.read("decay_mask", o.decay_mask);
    r.read("clipvalue", o.clipvalue, 0, kMost);
    r.read("clipnorm", o.clipnorm, 0, kMost);
    r.read("global_clipnorm", o.global_clipnorm, 0, kMost);
    r.read("ema_momentum", o.ema_momentum, 0, 1);
    r.done();
    return o;
}

// Every array of the network stays below kMostElements.
void check_sizes(const NetworkSpec& spec) {
    int64_t n_in = spec.n_inputs;
    if (spec.max_batch > kMostElements / 16 / n_in)
        refuse("max_batch", "arrays of at most 2^40 elements",
               number(spec.max_batch) + " examples of " + number(n_in));
    for (const LayerSpec& layer : spec.layers) {
        if (layer.kind != "dense") continue;
        const int64_t widest = std::max(n_in, layer.units);
        if (widest > kMostElements / 64 || n_in > kMostElements / layer.units ||
            spec.max_batch > kMostElements / 16 / widest)
            refuse("layers", "arrays of at most 2^40 elements",
                   number(n_in) + " x " + number(layer.units) + " and batches of " +
                       number(spec.max_batch));
        n_in = layer.units;
    }
}

}  // namespace

NetworkSpec read_spec(int64_t n_inputs, nb::list layers, nb::dict loss, nb::dict optimizer,
                      int64_t max_batch, int threads) {
    if (n_inputs < 1) refuse("n_inputs", "1 or more", number(n_inputs));
    if (n_inputs > INT32_MAX) refuse("n_inputs", "below 2^31", number(n_inputs));
    if (max_batch < 1 || max_batch > INT32_MAX)
        refuse("max_batch", "1 to 2^31 - 1", number(max_batch));
    if (threads < 1 || threads > 1024) refuse("threads", "1 to 1024", number(threads));
    NetworkSpec spec;
    spec.n_inputs = n_inputs;
    spec.max_batch = max_batch;
    spec.threads = threads;
    for (size_t i = 0; i < layers.size(); ++i) {
        const std::string name = "layers[" + std::to_string(i) + "]";
        spec.layers.push_back(read_layer(nb::cast<nb::dict>(layers[i]), name));
        if (spec.layers.back().kind == "affine" && i != 0)
            refuse(name, "affine as the first layer only", "it after others");
    }
    spec.loss = read_loss(loss);
    spec.optimizer = read_optimizer(optimizer);
    check_sizes(spec);
    return spec;
}

}  // namespace core
