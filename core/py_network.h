// The class mlplab.engine._core.Network: a network of one instruction set, run without the
// interpreter lock.
#pragma once

#include <memory>

#include "arguments.h"

namespace core {

class PyNetwork {
  public:
    PyNetwork(int64_t n_inputs, nanobind::list layers, nanobind::dict loss, nanobind::dict optimizer,
              int64_t max_batch, int threads, const std::string& isa);

    std::string isa() const { return api_->name; }
    std::vector<std::string> slot_names() const { return api_->slot_names(net_.get()); }

    // In Keras's order and shapes; slots: a list for each trainable weight, in the order of slot_names.
    void set_weights(const std::vector<Values>& values);
    nanobind::list get_weights() const;
    void set_slots(const std::vector<std::vector<Values>>& values);
    nanobind::list get_slots() const;

    // {"loss", "metrics", "finite"}, and "phases" where it trained.
    nanobind::dict train_epoch(nanobind::object x, nanobind::object y, Vector<int64_t> order,
                               int64_t batch_size, Vector<float> learning_rates, int64_t first_step,
                               nanobind::object sample_weight);
    nanobind::dict evaluate(nanobind::object x, nanobind::object y, int64_t batch_size,
                            nanobind::object sample_weight, nanobind::object rows);

    // (n_rows, n_outputs)
    nanobind::object predict(nanobind::object x, int64_t batch_size, nanobind::object rows);

    // One batch's, an array for each trainable weight; nothing is updated.
    nanobind::list gradients(nanobind::object x, nanobind::object y, Vector<int64_t> rows,
                             nanobind::object sample_weight);

  private:
    Call read_call(nanobind::handle x, nanobind::handle y, nanobind::handle sample_weight) const;

    const Api* api_;
    NetworkSpec spec_;
    std::unique_ptr<Network, void (*)(Network*)> net_;
    std::vector<WeightInfo> weights_;
    std::vector<int64_t> all_, trainable_;  // places in weights_
};

}  // namespace core
