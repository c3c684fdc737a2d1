// The caller's dictionaries, read and checked.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <vector>

#include "api.h"

namespace core {

// Throws std::invalid_argument: "name: expected ..., got ...".
[[noreturn]] void refuse(const std::string& name, const std::string& expected,
                         const std::string& got);

template <class T>
std::string number(T value) {
    return std::to_string(value);
}
std::string shape_text(const std::vector<size_t>& shape);

NetworkSpec read_spec(int64_t n_inputs, nanobind::list layers, nanobind::dict loss,
                      nanobind::dict optimizer, int64_t max_batch, int threads);

}  // namespace core
