#include "arguments.h"

namespace nb = nanobind;

namespace core {
namespace {

template <class Array>
Array keep(Call& call, nb::handle object, const char* name, const char* wanted) {
    Array array;
    if (!nb::try_cast<Array>(object, array, false))  // no silent copies of the caller's data
        refuse(name, wanted, nb::cast<std::string>(nb::str(object.type())));
    call.owners.push_back(nb::borrow(object));
    return array;
}

bool has_type(nb::handle object, const char* name) {
    if (!nb::hasattr(object, "dtype")) return false;
    const nb::object dtype = object.attr("dtype");
    return nb::cast<std::string>(nb::str(nb::handle(dtype))) == name;
}

// Other Python threads run meanwhile, as in every loop over the caller's arrays.
void check_csr(const Examples& x, int64_t nnz, int64_t n_indices) {
    nb::gil_scoped_release release;
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

void read_csr(Call& call, nb::tuple csr) {
    Examples& x = call.batches.x;
    if (csr.size() != 3) refuse("x", "(data, indices, indptr)", number(csr.size()) + " items");
    const auto data = keep<Vector<float>>(call, csr[0], "x", "CSR data as float32");
    const auto indices = keep<Vector<int32_t>>(call, csr[1], "x", "CSR indices as int32");
    const auto indptr = keep<Vector<int64_t>>(call, csr[2], "x", "CSR indptr as int64");
    if (indptr.size() < 1) refuse("x", "an indptr with a value at least", "none");
    x.data = data.data();
    x.indices = indices.data();
    x.indptr = indptr.data();
    x.n = static_cast<int64_t>(indptr.size()) - 1;
    check_csr(x, static_cast<int64_t>(data.size()), static_cast<int64_t>(indices.size()));
}

// Rows may lie apart, as in a slice of columns or every second row; a row itself is contiguous.
template <class T>
const T* read_rows(Call& call, nb::handle object) {
    const char* wanted = "a uint8, float32 or float64 matrix whose rows are contiguous";
    Examples& x = call.batches.x;
    const auto rows = keep<Rows<T>>(call, object, "x", wanted);
    const int64_t width = static_cast<int64_t>(rows.shape(1));
    if (width != x.width) refuse("x", number(x.width) + " columns", number(width));
    if (width > 1 && rows.stride(1) != 1)
        refuse("x", wanted, "elements " + number(rows.stride(1)) + " apart");
    x.n = static_cast<int64_t>(rows.shape(0));
    x.stride = rows.stride(0);
    return rows.data();
}

void check_length(const Call& call, size_t n_targets) {
    const int64_t n = call.batches.x.n;
    if (static_cast<int64_t>(n_targets) != n)
        refuse("y", number(n) + " rows, as x has", number(n_targets));
}

}  // namespace

void read_examples(Call& call, nb::handle object, int64_t n_inputs) {
    Examples& x = call.batches.x;
    x.width = n_inputs;
    if (nb::isinstance<nb::tuple>(object))
        read_csr(call, nb::borrow<nb::tuple>(object));
    else if (has_type(object, "uint8"))
        x.bytes = read_rows<uint8_t>(call, object);
    else if (has_type(object, "float64"))
        x.doubles = read_rows<double>(call, object);
    else
        x.floats = read_rows<float>(call, object);
    call.batches.n_rows = x.n;
}

void read_labels(Call& call, nb::handle object, int64_t n_outputs) {
    const auto labels = keep<Vector<int32_t>>(call, object, "y", "a vector of int32 labels");
    const int32_t* values = labels.data();
    nb::gil_scoped_release release;
    for (size_t i = 0; i < labels.size(); ++i)
        if (values[i] < 0 || values[i] >= n_outputs)
            refuse("y", "labels from 0 to " + number(n_outputs - 1),
                   number(values[i]) + " in row " + number(i));
    call.batches.y.labels = values;
    check_length(call, labels.size());
}

void read_vectors(Call& call, nb::handle object, int64_t n_outputs) {
    Targets& y = call.batches.y;
    const auto values = keep<Matrix<float>>(call, object, "y", "a C-contiguous float32 matrix");
    y.values = values.data();
    y.width = static_cast<int64_t>(values.shape(1));
    if (y.width != n_outputs) refuse("y", number(n_outputs) + " columns", number(y.width));
    check_length(call, values.shape(0));
}

void read_weights(Call& call, nb::handle object) {
    if (object.is_none()) return;
    const auto weight = keep<Vector<float>>(call, object, "sample_weight", "a vector of float32");
    const int64_t n = call.batches.x.n;
    if (static_cast<int64_t>(weight.size()) != n)
        refuse("sample_weight", number(n) + " values", number(weight.size()));
    call.batches.sample_weight = weight.data();
}

void use_rows(Call& call, const Vector<int64_t>& rows) {
    call.batches.rows = rows.data();
    call.batches.n_rows = static_cast<int64_t>(rows.size());
    if (call.batches.n_rows == 0) refuse("rows", "at least one row", "none");
    nb::gil_scoped_release release;
    for (int64_t i = 0; i < call.batches.n_rows; ++i)
        if (rows.data()[i] < 0 || rows.data()[i] >= call.batches.x.n)
            refuse("rows", "rows from 0 to " + number(call.batches.x.n - 1),
                   number(rows.data()[i]));
}

void use_optional_rows(Call& call, nb::handle rows) {
    if (!rows.is_none())
        use_rows(call, keep<Vector<int64_t>>(call, rows, "rows", "a vector of int64"));
    else if (call.batches.n_rows == 0)
        refuse("x", "at least one row", "none");
}

std::vector<size_t> shape_of(const WeightInfo& weight) {
    if (weight.is_vector) return {static_cast<size_t>(weight.columns)};
    return {static_cast<size_t>(weight.rows), static_cast<size_t>(weight.columns)};
}

void check_values(const std::string& name, const std::vector<Values>& values,
                  const std::vector<WeightInfo>& weights) {
    if (values.size() != weights.size())
        refuse(name, number(weights.size()) + " arrays", number(values.size()));
    for (size_t i = 0; i < values.size(); ++i) {
        const std::vector<size_t> wanted = shape_of(weights[i]);
        std::vector<size_t> got;
        for (size_t d = 0; d < values[i].ndim(); ++d) got.push_back(values[i].shape(d));
        if (got != wanted)
            refuse(name + "[" + std::to_string(i) + "]", "shape " + shape_text(wanted),
                   shape_text(got));
    }
}

}  // namespace core
