// The arrays of a call, checked, as the core reads them. Everything behind this file may trust what
// passed here: types, shapes, labels and row numbers within their ranges.
#pragma once

#include <nanobind/ndarray.h>

#include "specs.h"

namespace core {

template <class T>
using Vector = nanobind::ndarray<const T, nanobind::ndim<1>, nanobind::c_contig, nanobind::device::cpu>;
template <class T>
using Matrix = nanobind::ndarray<const T, nanobind::ndim<2>, nanobind::c_contig, nanobind::device::cpu>;
template <class T>
using Rows = nanobind::ndarray<const T, nanobind::ndim<2>, nanobind::device::cpu>;  // any stride
using Values = nanobind::ndarray<const float, nanobind::c_contig, nanobind::device::cpu>;

// What one call works on: views of the caller's arrays, and the objects that keep them alive.
struct Call {
    Batches batches;
    std::vector<nanobind::object> owners;
};

// Each throws std::invalid_argument, "name: expected ..., got ...", where an array does not fit.

// (n, n_inputs), or the tuple (data, indices, indptr) of a CSR matrix; all rows, in order.
void read_examples(Call& call, nanobind::handle x, int64_t n_inputs);

// Class numbers (n,) below n_outputs, or vectors (n, n_outputs), for the examples already read.
void read_labels(Call& call, nanobind::handle y, int64_t n_outputs);
void read_vectors(Call& call, nanobind::handle y, int64_t n_outputs);

// One weight an example, or None.
void read_weights(Call& call, nanobind::handle sample_weight);

// The rows to work on and their order; None leaves all.
void use_rows(Call& call, const Vector<int64_t>& rows);
void use_optional_rows(Call& call, nanobind::handle rows);

std::vector<size_t> shape_of(const WeightInfo& weight);

// An array for each of `weights`, in its shape.
void check_values(const std::string& name, const std::vector<Values>& values,
                  const std::vector<WeightInfo>& weights);

}  // namespace core
