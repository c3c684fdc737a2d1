"""Arrays as the core reads them, from what users give to ``fit``.

Bytes, booleans, float32 and float64 are read where they lie, in memory or in a file mapped into it;
other numbers become float32 once. Whatever Keras reads and the core does not (generators, several
inputs) is Unplannable.
"""

from __future__ import annotations

import numbers
from functools import partial
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import scipy.sparse

from mlplab.data.lazy import LazyRows
from mlplab.engine.plan import Plan, fits
from mlplab.errors import DataError, Unplannable

Array = npt.NDArray[Any]

_READ_IN_PLACE = (np.dtype(np.uint8), np.dtype(np.float32), np.dtype(np.float64))


def from_lists(thing: Any, name: str) -> Any:
    """Return plain lists of numbers, nested or not, as an array; anything else as it is.

    Raises:
        DataError: the lists are not of one length.

    Examples:
        >>> from_lists([[0, 1], [1, 0]], "x").shape
        (2, 2)
    """
    first = thing
    while isinstance(first, (list, tuple)) and len(first):
        first = first[0]
    if first is thing or not isinstance(first, numbers.Number):
        return thing
    try:
        return np.array(thing)
    except ValueError:
        raise DataError(
            f"expected {name} as lists of one length, got lists of different lengths"
        ) from None


def read_lists(x: Any, y: Any, sample_weight: Any, validation_data: Any) -> dict[str, Any]:
    """Return the data of ``fit`` by the names of its arguments, with arrays for plain lists.

    Raises:
        DataError: lists that are not of one length.
    """
    if isinstance(validation_data, (tuple, list)):
        validation_data = tuple(from_lists(part, "validation_data") for part in validation_data)
    return {
        "x": from_lists(x, "x"),
        "y": from_lists(y, "y"),
        "sample_weight": from_lists(sample_weight, "sample_weight"),
        "validation_data": validation_data,
    }


def check_shape(model: keras.Model, x: Any) -> None:
    """Raise DataError where an array cannot be the one input of a built model.

    As Keras does, a last axis of one is added or taken away.
    """
    inputs = getattr(model, "inputs", None)  # a subclass has none
    wanted = tuple(inputs[0].shape) if inputs and len(inputs) == 1 else None
    if wanted is None or not is_array(x):
        return
    shape = tuple(x.shape)
    if len(shape) + 1 == len(wanted) and wanted[-1] == 1:
        shape = (*shape, 1)
    elif len(shape) == len(wanted) + 1 and shape[-1] == 1:
        shape = shape[:-1]
    right = len(shape) == len(wanted) and all(
        size in (None, own) for size, own in zip(wanted[1:], shape[1:], strict=True)
    )
    if not right:
        example = ", ".join("any" if size is None else str(size) for size in wanted[1:])
        raise DataError(
            f"expected x of shape (n, {example}), as the model takes, got {tuple(x.shape)}"
        )


def is_array(thing: Any) -> bool:
    """Return whether ``thing`` is an array, a tensor, a data frame or a sparse matrix."""
    return scipy.sparse.issparse(thing) or (hasattr(thing, "shape") and hasattr(thing, "__array__"))


def as_array(thing: Any, name: str, engine: str = "native") -> Any:
    """Return an array, rows to be read, or a sparse matrix; ``engine`` is who asks.

    Raises:
        Unplannable: it is none of these; Keras may know what it is.
    """
    if isinstance(thing, LazyRows):
        return thing
    if not is_array(thing):
        raise Unplannable(
            f"{name} is a {type(thing).__name__}, where the {engine} engine reads arrays"
        )
    return scipy.sparse.csr_array(thing) if scipy.sparse.issparse(thing) else np.asarray(thing)


def at_hand(x: Any) -> Any:
    """Return an array or a sparse matrix as it is, rows to be read as an array."""
    return np.asarray(x) if isinstance(x, LazyRows) else x


def as_dense_array(thing: Any, name: str, engine: str = "native") -> Array:
    """Return an array, also of a sparse matrix; for targets and weights.

    Raises:
        Unplannable: as for ``as_array``.

    Examples:
        >>> as_dense_array(scipy.sparse.coo_array([[0, 1], [1, 0]]), "y").tolist()
        [[0, 1], [1, 0]]
    """
    array = as_array(thing, name, engine)
    if isinstance(array, LazyRows):
        return np.asarray(array)
    return np.asarray(array.toarray() if scipy.sparse.issparse(array) else array)


def features(x: Any, plan: Plan) -> Any:
    """Return x as the core reads it: (n, n_inputs), or the three arrays of a CSR matrix.

    Of rows to be read, these are rows that are read like that.

    Raises:
        Unplannable: x does not have the model's input shape.
    """
    if not fits(x.shape[1:], plan.input_shape):
        raise Unplannable(
            f"x has examples of shape {x.shape[1:]}, where the model takes {plan.input_shape}"
        )
    if scipy.sparse.issparse(x):
        return _compressed(x)
    if x.dtype.kind not in "buif":
        raise Unplannable(f"x has dtype {x.dtype}, where the native engine reads numbers")
    if isinstance(x, LazyRows):
        return x.then(partial(_rows, n_inputs=plan.n_inputs))
    return _rows(x, plan.n_inputs)


def _compressed(x: Any) -> tuple[Array, Array, Array]:
    """Return (data, indices, indptr), indices increasing within a row; x stays as it is."""
    matrix = scipy.sparse.csr_array(x)
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    return (
        matrix.data.astype(np.float32, copy=False),
        matrix.indices.astype(np.int32, copy=False),
        matrix.indptr.astype(np.int64, copy=False),
    )


def _rows(x: Array, n_inputs: int) -> Array:
    """Return x as a matrix (n, n_inputs): a view wherever the core can read x as it lies."""
    if x.dtype == np.bool_:
        x = x.view(np.uint8)
    elif x.dtype not in _READ_IN_PLACE:
        x = x.astype(np.float32)
    x = x.reshape(len(x), n_inputs)
    row, element = x.strides
    readable = element == x.itemsize and row % x.itemsize == 0 and x.flags.aligned
    return x if readable else np.require(x, requirements=["C", "A"])


def targets(y: Any, plan: Plan) -> Any:
    """Return y as the core reads it: class numbers int32 (n,), or vectors float32 (n, n_outputs).

    Raises:
        Unplannable: y does not have the shape of the model's output.
        DataError: a class number is out of range.
    """
    if isinstance(y, LazyRows):
        return y.then(partial(targets, plan=plan))
    y = np.asarray(y.todense() if scipy.sparse.issparse(y) else y)
    if y.dtype.kind not in "buif":
        raise Unplannable(f"y has dtype {y.dtype}, where the native engine reads numbers")
    example = () if plan.sparse else (plan.n_outputs,)
    if not fits(y.shape[1:], example):
        raise Unplannable(f"y has examples of shape {y.shape[1:]}, where the loss takes {example}")
    y = y.reshape((len(y), *example))
    if not plan.sparse:
        return np.ascontiguousarray(y, np.float32)
    if len(y) and not 0 <= y.min() <= y.max() < plan.n_outputs:  # before a cast could wrap it
        raise DataError(
            f"expected classes from 0 to {plan.n_outputs - 1} in y, got {y.min()} to {y.max()}"
        )
    return np.ascontiguousarray(y, np.int32)


def sample_weights(weight: Any, n_samples: int) -> npt.NDArray[np.float32] | None:
    """Return weights as the core reads them: float32 (n,).

    Raises:
        Unplannable: there is more than one weight a sample.
        DataError: there are more or fewer weights than samples.
    """
    if weight is None:
        return None
    array = np.ascontiguousarray(as_array(weight, "sample_weight"), np.float32)
    if not array.shape or len(array) != n_samples:
        raise DataError(f"expected {n_samples} sample weights, got shape {array.shape}")
    if array.size != n_samples:
        raise Unplannable(f"sample_weight has shape {array.shape}, more than one weight a sample")
    return array.reshape(n_samples)


def class_weights(y: Array, class_weight: dict[int, float]) -> npt.NDArray[np.float32]:
    """Return the weight of each sample's class; 1 for a class that has none.

    Args:
        y: class numbers (n,) or (n, 1), or vectors (n, n_outputs) whose largest entry is the class.
        class_weight: class -> weight.

    Examples:
        >>> class_weights(np.array([0, 1, 2, 1]), {1: 3.0}).tolist()
        [1.0, 3.0, 1.0, 3.0]
    """
    y = np.asarray(y)
    classes = y.argmax(axis=1) if y.ndim > 1 and y.shape[1] > 1 else y.reshape(len(y))
    classes, places = np.unique(np.round(classes).astype(np.int64), return_inverse=True)
    weights = [class_weight.get(int(name), 1.0) for name in classes]
    return np.array(weights, np.float32)[places]
