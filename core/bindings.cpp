// The module mlplab.engine._core: checks the caller's arrays and runs the core without the
// interpreter lock. Everything below may trust what passed here.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cmath>

#include "specs.h"

namespace nb = nanobind;
using namespace core;

template <class T>
using Vector = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T>
using Matrix = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Values = nb::ndarray<const float, nb::c_contig, nb::device::cpu>;
using NumPy = nb::ndarray<nb::numpy, float>;

namespace {

// A new NumPy array that owns its memory, filled by `fill(float*)` without the interpreter lock.
template <class F>
NumPy new_array(const std::vector<size_t>& shape, F fill) {
    size_t size = 1;
    for (size_t n : shape) size *= n;
    float* data = new float[size];
    nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<float*>(p); });
    {
        nb::gil_scoped_release release;
        fill(data);
    }
    return NumPy(data, shape.size(), shape.data(), owner);
}

std::vector<size_t> shape_of(const WeightInfo& weight) {
    if (weight.is_vector) return {static_cast<size_t>(weight.columns)};
    return {static_cast<size_t>(weight.rows), static_cast<size_t>(weight.columns)};
}

const Api* choose(const std::string& isa) {
    std::string names;
    for (const Api* api : available()) {
        if (isa.empty() || isa == api->name) return api;
        names += (names.empty() ? "" : ", ") + std::string(api->name);
    }
    refuse("isa", "one of " + names, "'" + isa + "'");
}

void check_csr(const Examples& x, int64_t nnz, int64_t n_indices) {
    if (nnz != n_indices) refuse("x", "as many indices as values", number(n_indices));
    if (x.indptr[0] < 0 || x.indptr[x.n] > nnz)
        refuse("x", "indptr within the " + number(nnz) + " values", number(x.indptr[x.n]));
    for (int64_t r = 0; r < x.n; ++r) {
        if (x.indptr[r] > x.indptr[r + 1]) refuse("x", "indptr that does not fall", "row " + number(r));
        int64_t before = -1;
        for (int64_t j = x.indptr[r]; j < x.indptr[r + 1]; ++j) {
            if (x.indices[j] <= before || x.indices[j] >= x.width)
                refuse("x", "increasing column indices below " + number(x.width),
                       number(x.indices[j]) + " in row " + number(r));
            before = x.indices[j];
        }
    }
}

class PyNetwork {
  public:
    PyNetwork(int64_t n_inputs, nb::list layers, nb::dict loss, nb::dict optimizer,
              int64_t max_batch, int threads, const std::string& isa)
        : api_(choose(isa)) {
        spec_ = read_spec(n_inputs, layers, loss, optimizer, max_batch, threads);
        net_ = api_->create(spec_);
        weights_ = api_->weights(net_);
        for (size_t i = 0; i < weights_.size(); ++i)
            if (weights_[i].trainable) trainable_.push_back(static_cast<int64_t>(i));
        check_mask();
    }
    ~PyNetwork() {
        if (net_) api_->destroy(net_);
    }
    PyNetwork(const PyNetwork&) = delete;
    PyNetwork& operator=(const PyNetwork&) = delete;

    std::string isa() const { return api_->name; }
    std::vector<std::string> slot_names() const { return api_->slot_names(net_); }

    void set_weights(const std::vector<Values>& values) {
        std::vector<int64_t> all;
        for (size_t i = 0; i < weights_.size(); ++i) all.push_back(static_cast<int64_t>(i));
        check_values("weights", values, all);
        for (int64_t i : all) api_->write(net_, i, -1, values[static_cast<size_t>(i)].data());
    }

    nb::list get_weights() const {
        nb::list out;
        for (size_t i = 0; i < weights_.size(); ++i)
            out.append(new_array(shape_of(weights_[i]), [&](float* to) {
                api_->read(net_, static_cast<int64_t>(i), -1, to);
            }));
        return out;
    }

    void set_slots(const std::vector<std::vector<Values>>& values) {
        const size_t n_slots = slot_names().size();
        if (values.size() != trainable_.size())
            refuse("slots", number(trainable_.size()) + " lists, one a trainable weight",
                   number(values.size()));
        for (size_t w = 0; w < values.size(); ++w)
            check_values("slots of weight " + std::to_string(w), values[w],
                         std::vector<int64_t>(n_slots, trainable_[w]));
        for (size_t w = 0; w < values.size(); ++w)
            for (size_t s = 0; s < n_slots; ++s)
                api_->write(net_, trainable_[w], static_cast<int>(s), values[w][s].data());
    }

    nb::list get_slots() const {
        const size_t n_slots = slot_names().size();
        nb::list out;
        for (int64_t w : trainable_) {
            nb::list slots;
            for (size_t s = 0; s < n_slots; ++s)
                slots.append(new_array(shape_of(weights_[static_cast<size_t>(w)]), [&](float* to) {
                    api_->read(net_, w, static_cast<int>(s), to);
                }));
            out.append(slots);
        }
        return out;
    }

    nb::dict train_epoch(nb::object x, nb::object y, Vector<int64_t> order, int64_t batch_size,
                         Vector<float> learning_rates, int64_t first_step,
                         nb::object sample_weight) {
        Call call = read_call(x, &y, sample_weight);
        use_rows(call, order);
        if (batch_size < 1 || batch_size > spec_.max_batch)
            refuse("batch_size", "1 to " + number(spec_.max_batch) + " (max_batch)",
                   number(batch_size));
        if (first_step < 0) refuse("first_step", "0 or more", number(first_step));
        const int64_t n_steps = (call.batches.n_rows + batch_size - 1) / batch_size;
        if (static_cast<int64_t>(learning_rates.size()) != n_steps)
            refuse("learning_rates", number(n_steps) + " values, one a step",
                   number(learning_rates.size()));
        call.batches.batch_size = batch_size;
        call.batches.learning_rates = learning_rates.data();
        call.batches.first_step = first_step;
        return report(run(api_->train_epoch, call), true);
    }

    nb::dict evaluate(nb::object x, nb::object y, int64_t batch_size, nb::object sample_weight,
                      nb::object rows) {
        Call call = read_call(x, &y, sample_weight);
        use_optional_rows(call, rows, batch_size);
        return report(run(api_->evaluate, call), false);
    }

    NumPy predict(nb::object x, int64_t batch_size, nb::object rows) {
        Call call = read_call(x, nullptr, nb::none());
        use_optional_rows(call, rows, batch_size);
        const int64_t n_outputs = api_->n_outputs(net_);
        return new_array({static_cast<size_t>(call.batches.n_rows), static_cast<size_t>(n_outputs)},
                         [&](float* out) { api_->predict(net_, call.batches, out); });
    }

    nb::list gradients(nb::object x, nb::object y, Vector<int64_t> rows, nb::object sample_weight) {
        Call call = read_call(x, &y, sample_weight);
        use_rows(call, rows);
        if (call.batches.n_rows > spec_.max_batch)
            refuse("rows", "at most " + number(spec_.max_batch) + " rows (max_batch)",
                   number(call.batches.n_rows));
        {
            nb::gil_scoped_release release;
            api_->gradients(net_, call.batches);
        }
        nb::list out;
        for (int64_t w : trainable_)
            out.append(new_array(shape_of(weights_[static_cast<size_t>(w)]), [&](float* to) {
                api_->read_gradient(net_, w, to);
            }));
        return out;
    }

  private:
    // Views of the caller's arrays, and the objects that keep them alive.
    struct Call {
        Batches batches;
        std::vector<nb::object> owners;
    };

    template <class Array>
    Array keep(Call& call, nb::handle object, const char* name, const char* wanted) const {
        Array array;
        if (!nb::try_cast<Array>(object, array, false))  // no silent copies of the caller's data
            refuse(name, wanted, nb::cast<std::string>(nb::str(object.type())));
        call.owners.push_back(nb::borrow(object));
        return array;
    }

    static bool has_type(nb::handle object, const char* name) {
        if (!nb::hasattr(object, "dtype")) return false;
        const nb::object dtype = object.attr("dtype");
        return nb::cast<std::string>(nb::str(nb::handle(dtype))) == name;
    }

    void read_examples(Call& call, nb::handle object) const {
        Examples& x = call.batches.x;
        x.width = spec_.n_inputs;
        if (nb::isinstance<nb::tuple>(object)) {
            nb::tuple csr = nb::borrow<nb::tuple>(object);
            if (csr.size() != 3) refuse("x", "(data, indices, indptr)", number(csr.size()) + " items");
            auto data = keep<Vector<float>>(call, csr[0], "x", "CSR data as float32");
            auto indices = keep<Vector<int32_t>>(call, csr[1], "x", "CSR indices as int32");
            auto indptr = keep<Vector<int64_t>>(call, csr[2], "x", "CSR indptr as int64");
            if (indptr.size() < 1) refuse("x", "an indptr with a value at least", "none");
            x.data = data.data();
            x.indices = indices.data();
            x.indptr = indptr.data();
            x.n = static_cast<int64_t>(indptr.size()) - 1;
            check_csr(x, static_cast<int64_t>(data.size()), static_cast<int64_t>(indices.size()));
            return;
        }
        int64_t width = 0;
        if (has_type(object, "uint8")) {
            auto a = keep<Matrix<uint8_t>>(call, object, "x", "a C-contiguous matrix");
            x.bytes = a.data();
            x.n = static_cast<int64_t>(a.shape(0));
            width = static_cast<int64_t>(a.shape(1));
        } else {
            auto a = keep<Matrix<float>>(call, object, "x", "a C-contiguous uint8 or float32 matrix");
            x.floats = a.data();
            x.n = static_cast<int64_t>(a.shape(0));
            width = static_cast<int64_t>(a.shape(1));
        }
        if (width != x.width) refuse("x", number(x.width) + " columns", number(width));
    }

    bool wants_labels() const { return spec_.loss.kind.rfind("sparse_", 0) == 0; }

    void read_targets(Call& call, nb::handle object) const {
        Targets& y = call.batches.y;
        const int64_t n = call.batches.x.n, n_outputs = api_->n_outputs(net_);
        int64_t n_targets = 0;
        if (wants_labels()) {
            auto labels = keep<Vector<int32_t>>(call, object, "y", "a vector of int32 labels");
            n_targets = static_cast<int64_t>(labels.size());
            y.labels = labels.data();
            for (int64_t i = 0; i < n_targets; ++i)
                if (y.labels[i] < 0 || y.labels[i] >= n_outputs)
                    refuse("y", "labels from 0 to " + number(n_outputs - 1),
                           number(y.labels[i]) + " in row " + number(i));
        } else {
            auto values = keep<Matrix<float>>(call, object, "y", "a C-contiguous float32 matrix");
            n_targets = static_cast<int64_t>(values.shape(0));
            y.width = static_cast<int64_t>(values.shape(1));
            y.values = values.data();
            if (y.width != n_outputs) refuse("y", number(n_outputs) + " columns", number(y.width));
        }
        if (n_targets != n) refuse("y", number(n) + " rows, as x has", number(n_targets));
    }

    Call read_call(nb::object x, nb::object* y, nb::object sample_weight) const {
        Call call;
        read_examples(call, x);
        if (y) read_targets(call, *y);
        if (!sample_weight.is_none()) {
            auto weight = keep<Vector<float>>(call, sample_weight, "sample_weight",
                                              "a vector of float32");
            if (static_cast<int64_t>(weight.size()) != call.batches.x.n)
                refuse("sample_weight", number(call.batches.x.n) + " values", number(weight.size()));
            call.batches.sample_weight = weight.data();
        }
        call.batches.n_rows = call.batches.x.n;
        return call;
    }

    static void use_rows(Call& call, const Vector<int64_t>& rows) {
        call.batches.rows = rows.data();
        call.batches.n_rows = static_cast<int64_t>(rows.size());
        if (call.batches.n_rows == 0) refuse("rows", "at least one row", "none");
        for (int64_t i = 0; i < call.batches.n_rows; ++i)
            if (rows.data()[i] < 0 || rows.data()[i] >= call.batches.x.n)
                refuse("rows", "rows from 0 to " + number(call.batches.x.n - 1),
                       number(rows.data()[i]));
    }

    void use_optional_rows(Call& call, nb::handle rows, int64_t batch_size) const {
        if (batch_size < 1) refuse("batch_size", "1 or more", number(batch_size));
        if (!rows.is_none())
            use_rows(call, keep<Vector<int64_t>>(call, rows, "rows", "a vector of int64"));
        else if (call.batches.n_rows == 0)
            refuse("x", "at least one row", "none");
    }

    Outcome run(Outcome (*work)(Network*, const Batches&), const Call& call) const {
        nb::gil_scoped_release release;
        return work(net_, call.batches);
    }

    static nb::dict report(const Outcome& outcome, bool trained) {
        nb::dict out;
        out["loss"] = outcome.loss;
        out["metrics"] = outcome.metrics;
        out["finite"] = outcome.finite;
        if (!trained) return out;
        nb::dict phases;
        for (int p = 0; p < kPhases; ++p) phases[kPhaseNames[p]] = outcome.seconds[p];
        out["phases"] = phases;
        return out;
    }

    void check_values(const std::string& name, const std::vector<Values>& values,
                      const std::vector<int64_t>& weights) const {
        if (values.size() != weights.size())
            refuse(name, number(weights.size()) + " arrays", number(values.size()));
        for (size_t i = 0; i < values.size(); ++i) {
            const std::vector<size_t> wanted = shape_of(weights_[static_cast<size_t>(weights[i])]);
            std::vector<size_t> got;
            for (size_t d = 0; d < values[i].ndim(); ++d) got.push_back(values[i].shape(d));
            if (got != wanted)
                refuse(name + "[" + std::to_string(i) + "]", "shape " + shape_text(wanted),
                       shape_text(got));
        }
    }

    void check_mask() const {
        const size_t n = spec_.optimizer.decay_mask.size();
        if (n != 0 && n != trainable_.size()) {
            api_->destroy(net_);
            refuse("decay_mask", number(trainable_.size()) + " values, one a trainable weight",
                   number(n));
        }
    }

    const Api* api_;
    NetworkSpec spec_;
    Network* net_ = nullptr;
    std::vector<WeightInfo> weights_;
    std::vector<int64_t> trainable_;
};

}  // namespace

NB_MODULE(_core, m) {
    m.doc() = "The native engine's core: multilayer perceptrons trained on raw arrays.";
    m.def("isas", [] {
        std::vector<std::string> names;
        for (const Api* api : available()) names.push_back(api->name);
        return names;
    });
    m.def("default_isa", [] { return std::string(available().front()->name); });
    m.def("activations", activation_names);
    m.def("losses", loss_names);
    m.def("metrics", metric_names);
    m.def("optimizers", optimizer_names);
    nb::class_<PyNetwork>(m, "Network")
        .def(nb::init<int64_t, nb::list, nb::dict, nb::dict, int64_t, int, const std::string&>(),
             nb::arg("n_inputs"), nb::arg("layers"), nb::arg("loss"), nb::arg("optimizer"),
             nb::arg("max_batch"), nb::arg("threads"), nb::arg("isa") = "")
        .def_prop_ro("isa", &PyNetwork::isa)
        .def("slot_names", &PyNetwork::slot_names)
        .def("set_weights", &PyNetwork::set_weights, nb::arg("weights"))
        .def("get_weights", &PyNetwork::get_weights)
        .def("set_slots", &PyNetwork::set_slots, nb::arg("slots"))
        .def("get_slots", &PyNetwork::get_slots)
        .def("train_epoch", &PyNetwork::train_epoch, nb::arg("x"), nb::arg("y"), nb::arg("order"),
             nb::arg("batch_size"), nb::arg("learning_rates"), nb::arg("first_step"),
             nb::arg("sample_weight") = nb::none())
        .def("evaluate", &PyNetwork::evaluate, nb::arg("x"), nb::arg("y"), nb::arg("batch_size"),
             nb::arg("sample_weight") = nb::none(), nb::arg("rows") = nb::none())
        .def("predict", &PyNetwork::predict, nb::arg("x"), nb::arg("batch_size"),
             nb::arg("rows") = nb::none())
        .def("gradients", &PyNetwork::gradients, nb::arg("x"), nb::arg("y"), nb::arg("rows"),
             nb::arg("sample_weight") = nb::none());
}
