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

NetworkSpec network(const std::string& function, const OptimizerSpec& optimizer,
                    const std::string& loss, int threads) {
    NetworkSpec spec;
    spec.n_inputs = kInputs;
    spec.max_batch = kBatch;
    spec.threads = threads;
    spec.layers = {dense(70), activation(function), layer("batch_norm"), random_layer("dropout"),
                   dense(33), layer("layer_norm"), random_layer("gaussian_noise"), dense(kClasses)};
    spec.layers[0].max_norm = 2;
    spec.layers[4].kernel_l1 = spec.layers[4].kernel_l2 = 0.01;
    if (loss != "mean_squared_error") spec.layers.push_back(activation("softmax"));
    spec.loss.kind = loss;
    spec.loss.metrics = {{"categorical_accuracy", 0.5, 1}};
    spec.optimizer = optimizer;
    return spec;
}

struct Data {
    std::vector<uint8_t> bytes;
    std::vector<float> floats, targets, data;
    std::vector<int32_t> labels, indices;
    std::vector<int64_t> indptr{0}, order;
    std::vector<float> rates = std::vector<float>((kRows + kBatch - 1) / kBatch, 0.01f);

    Data() : targets(kRows * kClasses) {
        std::mt19937 random(1);
        for (int64_t i = 0; i < kRows * kInputs; ++i) {
            const uint8_t value = random() % 5 == 0 ? static_cast<uint8_t>(random() % 4) : 0;
            bytes.push_back(value);
            floats.push_back(value * 0.5f);
            if (value != 0) {
                data.push_back(value * 0.5f);
                indices.push_back(static_cast<int32_t>(i % kInputs));
            }
            if (i % kInputs == kInputs - 1) indptr.push_back(static_cast<int64_t>(data.size()));
        }
        for (int64_t r = 0; r < kRows; ++r) {
            labels.push_back(static_cast<int32_t>(random() % kClasses));
            targets[static_cast<size_t>(r * kClasses + labels.back())] = 1;
        }
        order.resize(kRows);
        std::iota(order.rbegin(), order.rend(), 0);
    }

    Batches batches(int form, bool labelled) const {
        Batches b;
        b.x.n = kRows;
        b.x.width = b.x.stride = kInputs;
        if (form == 0) b.x.bytes = bytes.data();
        if (form == 1) b.x.floats = floats.data();
        if (form == 2) {
            b.x.data = data.data();
            b.x.indices = indices.data();
            b.x.indptr = indptr.data();
        }
        if (labelled) b.y.labels = labels.data();
        else b.y.values = targets.data();
        b.y.width = kClasses;
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

// Two epochs, evaluation, prediction, gradients; all numbers that came out.
std::vector<float> exercise(const Api& api, const NetworkSpec& spec, const Batches& batches) {
    Network* net = api.create(spec);
    start(api, net);
    std::vector<float> out;
    Batches b = batches;
    for (int epoch = 0; epoch < 2; ++epoch, b.first_step += 3)
        out.push_back(static_cast<float>(api.train_epoch(net, b).loss));
    out.push_back(static_cast<float>(api.evaluate(net, b).loss));
    std::vector<float> predictions(kRows * kClasses);
    api.predict(net, b, predictions.data());
    out.insert(out.end(), predictions.begin(), predictions.end());
    b.n_rows = kBatch;
    api.gradients(net, b);
    const std::vector<WeightInfo> weights = api.weights(net);
    for (size_t w = 0; w < weights.size(); ++w) {
        std::vector<float> values(static_cast<size_t>(weights[w].rows * weights[w].columns));
        api.read(net, static_cast<int64_t>(w), -1, values.data());
        out.insert(out.end(), values.begin(), values.end());
        if (!weights[w].trainable) continue;
        api.read_gradient(net, static_cast<int64_t>(w), values.data());
        out.insert(out.end(), values.begin(), values.end());
    }
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

int check(const Api& api, const NetworkSpec& spec, const Batches& batches) {
    NetworkSpec one = spec;
    one.threads = 1;
    const std::vector<float> expected = exercise(api, one, batches);
    const std::vector<float> got = exercise(api, spec, batches);
    int bad = expected != got;
    for (float value : got) bad |= !std::isfinite(value);
    if (bad)
        std::printf("%s, %s, %s, %d threads: wrong\n", api.name, spec.layers[1].function.c_str(),
                    spec.optimizer.kind.c_str(), spec.threads);
    return bad;
}

}  // namespace

int main() {
    const Data data;
    int bad = 0, n = 0;
    for (const Api* api : available()) {
        for (const std::string& function : activation_names())
            for (int threads : {2, 4})
                bad += check(*api, network(function, optimizers()[2], "categorical_crossentropy", threads),
                             data.batches(n++ % 3, false));
        for (const OptimizerSpec& optimizer : optimizers())
            for (int form = 0; form < 3; ++form, ++n) {
                bad += check(*api, network("relu", optimizer, "mean_squared_error", 3),
                             data.batches(form, false));
                NetworkSpec labelled = network("relu", optimizer, "sparse_categorical_crossentropy", 3);
                labelled.loss.metrics = {{"sparse_top_k", 0.5, 2}};
                bad += check(*api, labelled, data.batches(form, true));
            }
    }
    std::printf("%d configurations, %d wrong\n", n, bad);
    return bad != 0;
}
