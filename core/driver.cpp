// Runs every part of the core on small made-up data, for the sanitizers: no Python, no MNIST.
// Exits with 1 where thread counts disagree or a number is not finite.
#include <cmath>
#include <cstdio>
#include <numeric>
#include <random>

#include "api.h"

using namespace core;

namespace {

constexpr int64_t kRows = 61, kInputs = 37, kClasses = 5, kBatch = 24;

LayerSpec layer(const std::string& kind) {
    LayerSpec spec;
    spec.kind = kind;
    spec.epsilon = 1e-3;
    spec.momentum = 0.9;
    spec.key = 7;
    return spec;
}
LayerSpec dense(int64_t units) {
    LayerSpec spec = layer("dense");
    spec.units = units;
    return spec;
}
LayerSpec activation(const std::string& name) {
    LayerSpec spec = layer("activation");
    spec.function = name;
    spec.alpha = 0.3;
    return spec;
}
LayerSpec random_layer(const std::string& kind) {
    LayerSpec spec = layer(kind);
    spec.rate = 0.4;
    spec.stddev = 0.1;
    return spec;
}

NetworkSpec network(std::vector<LayerSpec> layers, const std::string& loss = "mean_squared_error") {
    NetworkSpec spec;
    spec.n_inputs = kInputs;
    spec.max_batch = kBatch;
    spec.threads = 3;
    spec.layers = std::move(layers);
    spec.loss.kind = loss;
    spec.optimizer = OptimizerSpec{};
    spec.optimizer.kind = "adam";
    return spec;
}

// Something of every kind: both norms, both random layers, penalties and a limit on norms.
std::vector<LayerSpec> of_every_kind(const std::string& function) {
    std::vector<LayerSpec> layers = {
        dense(70), activation(function), layer("batch_norm"), random_layer("dropout"),
        dense(33), layer("layer_norm"), random_layer("gaussian_noise"), dense(kClasses)};
    layers[0].max_norm = 2;
    layers[4].kernel_l1 = layers[4].kernel_l2 = layers[4].bias_l1 = 0.01;
    layers[4].max_norm_bias = 1;
    return layers;
}

// How the examples lie.
enum class Form { bytes, floats, doubles, csr };
constexpr Form kForms[] = {Form::bytes, Form::floats, Form::doubles, Form::csr};

// Made-up examples; one in `one_in` is other than zero. Dense rows lie kStride apart, with NaN between.
struct Data {
    static constexpr int64_t kStride = kInputs + 3;
    std::vector<uint8_t> bytes = std::vector<uint8_t>(kRows * kStride);
    std::vector<float> floats = std::vector<float>(kRows * kStride, std::nanf(""));
    std::vector<double> doubles = std::vector<double>(kRows * kStride, std::nan(""));
    std::vector<float> targets = std::vector<float>(kRows * kClasses), weights, data;
    std::vector<int32_t> labels, indices;
    std::vector<int64_t> indptr{0}, order;
    std::vector<float> rates = std::vector<float>((kRows + kBatch - 1) / kBatch, 0.01f);

    explicit Data(unsigned one_in) {
        std::mt19937 random(1);
        for (int64_t r = 0; r < kRows; ++r) {
            for (int64_t c = 0; c < kInputs; ++c) {
                const bool filled = random() % one_in == 0;
                add(r * kStride + c, c, filled ? static_cast<uint8_t>(1 + random() % 3) : 0);
            }
            indptr.push_back(static_cast<int64_t>(data.size()));
            labels.push_back(static_cast<int32_t>(random() % kClasses));
            targets[static_cast<size_t>(r * kClasses + labels.back())] = 1;
            weights.push_back(static_cast<float>(random() % 3));
        }
        order.resize(kRows);
        std::iota(order.rbegin(), order.rend(), 0);
    }

    void add(int64_t place, int64_t column, uint8_t value) {
        const size_t at = static_cast<size_t>(place);
        bytes[at] = value;
        floats[at] = value * 0.5f;
        doubles[at] = value * 0.5;
        if (value == 0) return;
        data.push_back(value * 0.5f);
        indices.push_back(static_cast<int32_t>(column));
    }

    Batches batches(Form form, bool labelled) const {
        Batches b;
        b.x.n = kRows;
        b.x.width = kInputs;
        b.x.stride = kStride;
        if (form == Form::bytes) b.x.bytes = bytes.data();
        if (form == Form::floats) b.x.floats = floats.data();
        if (form == Form::doubles) b.x.doubles = doubles.data();
        if (form == Form::csr) {
            b.x.data = data.data();
            b.x.indices = indices.data();
            b.x.indptr = indptr.data();
        }
        if (labelled) b.y.labels = labels.data();
        else b.y.values = targets.data();
        b.y.width = kClasses;
        b.sample_weight = labelled ? weights.data() : nullptr;
        b.rows = order.data();
        b.n_rows = kRows;
        b.batch_size = kBatch;
        b.learning_rates = rates.data();
        return b;
    }
};

void start(const Api& api, Network* net) {
    std::mt19937 random(2);
    const std::vector<WeightInfo> weights = api.weights(net);
    for (size_t w = 0; w < weights.size(); ++w) {
        std::vector<float> values(static_cast<size_t>(weights[w].rows * weights[w].columns));
        for (float& value : values)
            value = weights[w].trainable ? static_cast<float>(random() % 1000) / 2000 - 0.25f : 1.0f;
        api.write(net, static_cast<int64_t>(w), -1, values.data());
    }
}

// A weight, its slots and its gradient, added to `out`.
void read_all(const Api& api, Network* net, int64_t w, const WeightInfo& info,
              std::vector<float>& out) {
    std::vector<float> values(static_cast<size_t>(info.rows * info.columns));
    const int n_slots = info.trainable ? static_cast<int>(api.slot_names(net).size()) : 0;
    for (int slot = -1; slot < n_slots; ++slot) {
        api.read(net, w, slot, values.data());
        api.write(net, w, slot, values.data());
        out.insert(out.end(), values.begin(), values.end());
    }
    if (!info.trainable) return;
    api.read_gradient(net, w, values.data());
    out.insert(out.end(), values.begin(), values.end());
}

// Two epochs, evaluation, prediction, gradients; all numbers that came out.
std::vector<float> exercise(const Api& api, const NetworkSpec& spec, const Batches& batches) {
    Network* net = api.create(spec);
    start(api, net);
    std::vector<float> out;
    Batches b = batches;
    for (int epoch = 0; epoch < 2; ++epoch, b.first_step += 3)
        out.push_back(static_cast<float>(api.train_epoch(net, b).loss));
    out.push_back(static_cast<float>(api.evaluate(net, b).loss));
    b.n_rows = kBatch;
    api.gradients(net, b);
    const std::vector<WeightInfo> weights = api.weights(net);
    for (size_t w = 0; w < weights.size(); ++w)
        read_all(api, net, static_cast<int64_t>(w), weights[w], out);
    std::vector<float> predictions(kRows * std::max(kInputs, kClasses));
    b.n_rows = kRows;
    b.rows = nullptr;
    api.predict(net, b, predictions.data());
    out.insert(out.end(), predictions.begin(), predictions.end());
    api.destroy(net);
    return out;
}

std::vector<OptimizerSpec> optimizers() {
    OptimizerSpec sgd, nesterov, adam, adamw, rmsprop;
    sgd.kind = nesterov.kind = "sgd";
    nesterov.momentum = 0.9;
    nesterov.nesterov = true;
    nesterov.clipnorm = 0.5;
    adam.kind = adamw.kind = "adam";
    adamw.weight_decay = 0.01;
    adamw.ema_momentum = 0.9;
    adamw.clipvalue = 0.1;
    rmsprop.kind = "rmsprop";
    rmsprop.momentum = 0.5;
    rmsprop.centered = true;
    rmsprop.epsilon = 1e-3;
    rmsprop.global_clipnorm = 1;
    return {sgd, nesterov, adam, adamw, rmsprop};
}

bool takes_labels(const std::string& name) { return name.rfind("sparse_", 0) == 0; }

// A loss with all metrics that go with it, on probabilities or logits.
NetworkSpec measuring(const std::string& loss, bool from_logits) {
    std::vector<LayerSpec> layers = {dense(20), activation("relu"), dense(kClasses)};
    if (!from_logits) layers.push_back(activation("softmax"));
    NetworkSpec spec = network(layers, loss);
    spec.loss.from_logits = from_logits;
    if (!takes_labels(loss)) spec.loss.label_smoothing = 0.1;
    for (const std::string& metric : metric_names())
        if (takes_labels(metric) == takes_labels(loss)) spec.loss.metrics.push_back({metric, 0.5, 2});
    return spec;
}

// Networks whose shape takes another way through the core.
std::vector<NetworkSpec> shapes() {
    LayerSpec shift = layer("affine"), plain = dense(130), fixed = layer("batch_norm");
    shift.scale = 0.5;
    shift.offset = -1;
    plain.use_bias = false;
    fixed.trainable = false;
    LayerSpec bare = layer("batch_norm"), first = dense(19);
    bare.center = bare.use_scale = false;
    first.trainable = false;
    NetworkSpec alone = network({layer("layer_norm")}, "sparse_categorical_crossentropy");
    alone.loss.from_logits = true;  // its outputs are as many as its inputs, more than classes
    return {
        network({dense(kClasses)}),
        alone,
        network({shift, dense(kClasses)}),
        network({random_layer("dropout"), layer("layer_norm"), dense(kClasses)}),
        network({plain, activation("softmax"), plain, fixed, activation("gelu"), dense(kClasses)}),
        network({first, bare, activation("tanh"), first, dense(1), activation("linear"), dense(kClasses)}),
        network({dense(kClasses), activation("sigmoid")}, "binary_crossentropy"),
    };
}

// The same numbers from one thread and from several, all finite.
int check(const Api& api, const NetworkSpec& spec, const Batches& batches) {
    NetworkSpec one = spec;
    one.threads = 1;
    const std::vector<float> expected = exercise(api, one, batches);
    const std::vector<float> got = exercise(api, spec, batches);
    int bad = expected != got;
    for (float value : got) bad |= !std::isfinite(value);
    if (bad)
        std::printf("%s, %s, %s, %d threads, %zu layers: wrong\n", api.name, spec.loss.kind.c_str(),
                    spec.optimizer.kind.c_str(), spec.threads, spec.layers.size());
    return bad;
}

}  // namespace

int main() {
    const Data sparse(6), dense_data(1);
    int bad = 0, n = 0;
    auto run = [&](const Api* api, const NetworkSpec& spec, Form form) {
        for (const Data* data : {&sparse, &dense_data}) {
            bad += check(*api, spec, data->batches(form, takes_labels(spec.loss.kind)));
            ++n;
        }
    };
    for (const Api* api : available()) {
        for (const std::string& function : activation_names())
            for (int threads : {2, 4}) {
                NetworkSpec spec = network(of_every_kind(function));
                spec.threads = threads;
                run(api, spec, kForms[n / 2 % 4]);
            }
        for (const std::string& loss : loss_names())
            for (bool from_logits : {false, true})
                if (!from_logits || loss.rfind("mean_", 0) != 0)  // those have no logits
                    run(api, measuring(loss, from_logits), Form::floats);
        for (const OptimizerSpec& optimizer : optimizers())
            for (Form form : kForms) {
                NetworkSpec spec = network(of_every_kind("relu"));
                spec.optimizer = optimizer;
                run(api, spec, form);
            }
        for (const NetworkSpec& spec : shapes())
            for (Form form : kForms) run(api, spec, form);
    }
    std::printf("%d configurations, %d wrong\n", n, bad);
    return bad != 0;
}
