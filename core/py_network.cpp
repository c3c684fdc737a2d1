#include "py_network.h"

namespace nb = nanobind;

namespace core {
namespace {

using NumPy = nb::ndarray<nb::numpy, float>;

// A new NumPy array that owns its memory, filled by `fill(float*)` without the interpreter lock.
template <class F>
nb::object new_array(const std::vector<size_t>& shape, F fill) {
    size_t size = 1;
    for (size_t n : shape) size *= n;
    float* data = new float[size];
    nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<float*>(p); });
    {
        nb::gil_scoped_release release;
        fill(data);
    }
    return nb::cast(NumPy(data, shape.size(), shape.data(), owner));
}

const Api* choose(const std::string& isa) {
    std::string names;
    for (const Api* api : available()) {
        if (isa.empty() || isa == api->name) return api;
        names += (names.empty() ? "" : ", ") + std::string(api->name);
    }
    refuse("isa", "one of " + names, "'" + isa + "'");
}

void check_batch_size(int64_t batch_size) {
    if (batch_size < 1) refuse("batch_size", "1 or more", number(batch_size));
}

nb::dict report(const Outcome& outcome) {
    nb::dict out;
    out["loss"] = outcome.loss;
    out["metrics"] = outcome.metrics;
    out["finite"] = outcome.finite;
    return out;
}

nb::dict phases(const Outcome& outcome) {
    nb::dict out;
    for (int p = 0; p < kPhases; ++p) out[kPhaseNames[p]] = outcome.seconds[p];
    return out;
}

}  // namespace

PyNetwork::PyNetwork(int64_t n_inputs, nb::list layers, nb::dict loss, nb::dict optimizer,
                     int64_t max_batch, int threads, const std::string& isa)
    : api_(choose(isa)),
      spec_(read_spec(n_inputs, layers, loss, optimizer, max_batch, threads)),
      net_(api_->create(spec_), api_->destroy),
      weights_(api_->weights(net_.get())) {
    for (size_t i = 0; i < weights_.size(); ++i) {
        all_.push_back(static_cast<int64_t>(i));
        if (weights_[i].trainable) trainable_.push_back(static_cast<int64_t>(i));
    }
    const size_t n = spec_.optimizer.decay_mask.size();
    if (n != 0 && n != trainable_.size())
        refuse("decay_mask", number(trainable_.size()) + " values, one a trainable weight",
               number(n));
}

void PyNetwork::set_weights(const std::vector<Values>& values) {
    check_values("weights", values, weights_);
    for (int64_t w : all_) api_->write(net_.get(), w, -1, values[static_cast<size_t>(w)].data());
}

nb::list PyNetwork::get_weights() const {
    nb::list out;
    for (int64_t w : all_)
        out.append(new_array(shape_of(weights_[static_cast<size_t>(w)]),
                             [&](float* to) { api_->read(net_.get(), w, -1, to); }));
    return out;
}

void PyNetwork::set_slots(const std::vector<std::vector<Values>>& values) {
    const size_t n_slots = slot_names().size();
    if (values.size() != trainable_.size())
        refuse("slots", number(trainable_.size()) + " lists, one a trainable weight",
               number(values.size()));
    for (size_t w = 0; w < values.size(); ++w)
        check_values("slots of weight " + std::to_string(w), values[w],
                     std::vector<WeightInfo>(n_slots, weights_[static_cast<size_t>(trainable_[w])]));
    for (size_t w = 0; w < values.size(); ++w)
        for (size_t s = 0; s < n_slots; ++s)
            api_->write(net_.get(), trainable_[w], static_cast<int>(s), values[w][s].data());
}

nb::list PyNetwork::get_slots() const {
    const size_t n_slots = slot_names().size();
    nb::list out;
    for (int64_t w : trainable_) {
        nb::list slots;
        for (size_t s = 0; s < n_slots; ++s)
            slots.append(new_array(shape_of(weights_[static_cast<size_t>(w)]), [&](float* to) {
                api_->read(net_.get(), w, static_cast<int>(s), to);
            }));
        out.append(slots);
    }
    return out;
}

nb::dict PyNetwork::train_epoch(nb::object x, nb::object y, Vector<int64_t> order,
                                int64_t batch_size, Vector<float> learning_rates,
                                int64_t first_step, nb::object sample_weight) {
    Call call = read_call(x, y, sample_weight);
    use_rows(call, order);
    if (batch_size < 1 || batch_size > spec_.max_batch)
        refuse("batch_size", "1 to " + number(spec_.max_batch) + " (max_batch)", number(batch_size));
    if (first_step < 0) refuse("first_step", "0 or more", number(first_step));
    const int64_t n_steps = (call.batches.n_rows + batch_size - 1) / batch_size;
    if (static_cast<int64_t>(learning_rates.size()) != n_steps)
        refuse("learning_rates", number(n_steps) + " values, one a step",
               number(learning_rates.size()));
    call.batches.batch_size = batch_size;
    call.batches.learning_rates = learning_rates.data();
    call.batches.first_step = first_step;
    Outcome outcome;
    {
        nb::gil_scoped_release release;
        outcome = api_->train_epoch(net_.get(), call.batches);
    }
    nb::dict out = report(outcome);
    out["phases"] = phases(outcome);
    return out;
}

nb::dict PyNetwork::evaluate(nb::object x, nb::object y, int64_t batch_size,
                             nb::object sample_weight, nb::object rows) {
    Call call = read_call(x, y, sample_weight);
    check_batch_size(batch_size);
    use_optional_rows(call, rows);
    Outcome outcome;
    {
        nb::gil_scoped_release release;
        outcome = api_->evaluate(net_.get(), call.batches);
    }
    return report(outcome);
}

nb::object PyNetwork::predict(nb::object x, int64_t batch_size, nb::object rows) {
    Call call;
    read_examples(call, x, spec_.n_inputs);
    check_batch_size(batch_size);
    use_optional_rows(call, rows);
    return new_array({static_cast<size_t>(call.batches.n_rows),
                      static_cast<size_t>(api_->n_outputs(net_.get()))},
                     [&](float* out) { api_->predict(net_.get(), call.batches, out); });
}

nb::list PyNetwork::gradients(nb::object x, nb::object y, Vector<int64_t> rows,
                              nb::object sample_weight) {
    Call call = read_call(x, y, sample_weight);
    use_rows(call, rows);
    if (call.batches.n_rows > spec_.max_batch)
        refuse("rows", "at most " + number(spec_.max_batch) + " rows (max_batch)",
               number(call.batches.n_rows));
    {
        nb::gil_scoped_release release;
        api_->gradients(net_.get(), call.batches);
    }
    nb::list out;
    for (int64_t w : trainable_)
        out.append(new_array(shape_of(weights_[static_cast<size_t>(w)]),
                             [&](float* to) { api_->read_gradient(net_.get(), w, to); }));
    return out;
}

Call PyNetwork::read_call(nb::handle x, nb::handle y, nb::handle sample_weight) const {
    Call call;
    read_examples(call, x, spec_.n_inputs);
    const bool labels = spec_.loss.kind.rfind("sparse_", 0) == 0;
    (labels ? read_labels : read_vectors)(call, y, api_->n_outputs(net_.get()));
    read_weights(call, sample_weight);
    return call;
}

}  // namespace core
