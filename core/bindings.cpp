// The module mlplab.engine._core: its functions and the class Network.
#include "py_network.h"

namespace nb = nanobind;
using namespace core;

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
