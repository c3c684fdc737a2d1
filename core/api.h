// What the core does, without saying for which instruction set: plain descriptions, views of the
// caller's arrays, and the table of functions that each instruction set fills.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace core {

struct LayerSpec {
    std::string kind;      // affine, dense, activation, batch_norm, layer_norm, dropout, gaussian_noise
    std::string function;  // activation: its name, or softmax
    int64_t units = 0;     // dense
    bool use_bias = true;
    bool center = true, use_scale = true;  // batch_norm, layer_norm
    bool trainable = true;
    double scale = 1, offset = 0;      // affine
    double alpha = 0;                  // activation
    double momentum = 0, epsilon = 0;  // batch_norm, layer_norm
    double rate = 0, stddev = 0;       // dropout, gaussian_noise
    uint64_t key = 0;
    double kernel_l1 = 0, kernel_l2 = 0, bias_l1 = 0, bias_l2 = 0, max_norm = 0, max_norm_bias = 0;
};

struct MetricSpec {
    std::string kind;
    double threshold = 0.5;
    int64_t k = 5;
};

struct LossSpec {
    std::string kind;
    bool from_logits = false;
    double label_smoothing = 0;
    std::vector<MetricSpec> metrics;
};

struct OptimizerSpec {
    std::string kind;
    double momentum = 0, beta_1 = 0.9, beta_2 = 0.999, rho = 0.9, epsilon = 1e-7;
    bool nesterov = false, centered = false;
    double weight_decay = 0, clipvalue = 0, clipnorm = 0, global_clipnorm = 0, ema_momentum = 0;
    std::vector<bool> decay_mask;  // per trainable weight; empty: all decay
};

struct NetworkSpec {
    int64_t n_inputs = 0;
    std::vector<LayerSpec> layers;
    LossSpec loss;
    OptimizerSpec optimizer;
    int64_t max_batch = 0;
    int threads = 1;
};

// The caller's examples: exactly one of bytes, floats, doubles and (data, indices, indptr) is set.
struct Examples {
    const uint8_t* bytes = nullptr;  // (n, width), rows `stride` apart
    const float* floats = nullptr;
    const double* doubles = nullptr;
    int64_t stride = 0;              // elements from row to row
    const float* data = nullptr;     // CSR, indices increasing within a row
    const int32_t* indices = nullptr;
    const int64_t* indptr = nullptr;
    int64_t n = 0, width = 0;
};

struct Targets {
    const int32_t* labels = nullptr;  // (n,), or
    const float* values = nullptr;    // (n, width)
    int64_t width = 0;
};

struct Batches {
    Examples x;
    Targets y;
    const float* sample_weight = nullptr;  // (n,) or null: 1
    const int64_t* rows = nullptr;         // (n_rows,) rows of x in order, or null: 0..n_rows
    int64_t n_rows = 0, batch_size = 0;
    const float* learning_rates = nullptr;  // one a step
    int64_t first_step = 0;
};

enum Phase { kGather, kForward, kLayers, kLoss, kInputGradient, kWeightGradient, kWait, kPhases };
constexpr const char* kPhaseNames[kPhases] = {"gather", "forward", "layers", "loss",
                                              "input_gradient", "weight_gradient", "wait"};

struct Outcome {
    double loss = 0;
    std::vector<double> metrics;
    bool finite = true;
    std::array<double, kPhases> seconds{};  // of thread 0
};

struct WeightInfo {
    int64_t rows, columns;  // a vector has one row
    bool is_vector, trainable;
};

struct Network;  // each instruction set has its own

struct Api {
    const char* name;
    Network* (*create)(const NetworkSpec&);
    void (*destroy)(Network*);
    std::vector<WeightInfo> (*weights)(const Network*);
    std::vector<std::string> (*slot_names)(const Network*);
    int64_t (*n_outputs)(const Network*);
    // slot -1: the weight itself; row-major floats in and out
    void (*write)(Network*, int64_t weight, int slot, const float* values);
    void (*read)(const Network*, int64_t weight, int slot, float* values);
    Outcome (*train_epoch)(Network*, const Batches&);
    Outcome (*evaluate)(Network*, const Batches&);
    void (*predict)(Network*, const Batches&, float* out);  // out: (n_rows, n_outputs)
    // One batch, no update: afterwards read_gradient gives each trainable weight's.
    void (*gradients)(Network*, const Batches&);
    void (*read_gradient)(const Network*, int64_t weight, float* values);
};

// Those this machine can run, best first.
std::vector<const Api*> available();

// Names that the tables of the core know, for messages.
std::vector<std::string> activation_names();
std::vector<std::string> loss_names();
std::vector<std::string> metric_names();
std::vector<std::string> optimizer_names();

}  // namespace core
