"""Models in ``.keras`` files: reading one safely, and asking it for probabilities."""

from __future__ import annotations

import json
import math
import zipfile
import zlib
from os import PathLike
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from mlplab.errors import DataError, ModelError

Array = npt.NDArray[Any]

_PARTS = ("config.json", "metadata.json", "model.weights.h5")
_CODE = ("Lambda", "__lambda__")


def load_model(path: str | PathLike[str]) -> keras.Model:
    """Read a Keras model from a ``.keras`` file, running no code that the file may hold.

    Args:
        path: a file written by ``model.save("name.keras")``.

    Raises:
        ModelError: there is no such file, it is no Keras model, or it holds Python code.

    Examples:
        >>> import tempfile
        >>> model = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten()])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(f"{folder}/flat.keras")
        ...     load_model(f"{folder}/flat.keras").output_shape
        (None, 784)
    """
    path = Path(path)
    _check_file(path)
    _check_no_code(path)
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    # Keras raises whatever its layers raise on a damaged or unknown configuration.
    except Exception as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(
            f"{path}: expected a Keras model, got a file that Keras cannot rebuild: {reason[0]}"
        ) from error
    if not isinstance(model, keras.Model):
        raise ModelError(
            f"{path}: expected a Keras model, got a {type(model).__name__}; save the model whole"
        )
    return model


def _check_file(path: Path) -> None:
    expected = f"{path}: expected a Keras model (.keras)"
    if not path.exists():
        raise ModelError(f"{expected}, got no such file; check the path")
    if path.is_dir():
        raise ModelError(f'{expected}, got a folder; save with model.save("NAME.keras")')
    if path.suffix != ".keras":
        what = f"a {path.suffix} file" if path.suffix else "a name without an ending"
        raise ModelError(f'{expected}, got {what}; save with model.save("NAME.keras")')
    if not zipfile.is_zipfile(path):
        raise ModelError(
            f"{expected}, got a file that is none or is truncated; copy or save it again"
        )
    with zipfile.ZipFile(path) as archive:
        missing = [part for part in _PARTS if part not in archive.namelist()]
    if missing:
        raise ModelError(f"{expected}, got a zip archive without {', '.join(missing)}")


def _check_no_code(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
    except (ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelError(
            f"{path}: expected a Keras model (.keras), got a damaged one; copy or save it again"
        ) from error
    if _holds_code(config):
        raise ModelError(
            f"{path}: expected a model of layers and weights, got one with Python code "
            "(a Lambda layer), which is never run; replace the Lambda by a Keras layer"
        )


def _holds_code(config: Any) -> bool:
    """Say whether a Keras configuration holds a Lambda layer or its code, at any depth."""
    if isinstance(config, dict):
        return config.get("class_name") in _CODE or any(map(_holds_code, config.values()))
    return isinstance(config, list) and any(map(_holds_code, config))


def example_shape(model: keras.Model) -> tuple[int | None, ...]:
    """Return the shape of one example that a model takes; None where any size will do.

    Raises:
        ModelError: the model takes several inputs, or its input's shape is not known.

    Examples:
        >>> example_shape(keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten()]))
        (28, 28)
    """
    try:
        shape = model.input_shape
    except AttributeError:
        raise ModelError(
            "expected a model whose input shape is known, got one that was never built; "
            "begin it with keras.Input"
        ) from None
    if not isinstance(shape, tuple):
        raise ModelError(f"expected a model with one input, got one with {len(shape)}")
    return shape[1:]


def class_count(model: keras.Model) -> int:
    """Return how many classes a model tells apart; one output unit tells two.

    Raises:
        ModelError: the model has several outputs, or one that is no row of classes.

    Examples:
        >>> class_count(keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]))
        3
    """
    shape = model.output_shape
    if not isinstance(shape, tuple):
        raise ModelError(f"expected a model with one output, got one with {len(shape)}")
    if len(shape) != 2 or shape[1] is None:
        raise ModelError(f"expected an output of shape (classes,), got {_text(shape[1:])}")
    return max(2, int(shape[1]))


def check_examples(model: keras.Model, x: Array) -> None:
    """Raise where examples cannot be given to a model.

    Args:
        model: a Keras model with one input.
        x: examples, shape (n, ...).

    Raises:
        ModelError: the examples' shape does not fit.
        DataError: there are none, or they hold values that are no finite numbers.
    """
    shape = example_shape(model)
    fits = x.ndim == len(shape) + 1 and all(map(_size_fits, shape, x.shape[1:]))
    if not fits:
        raise ModelError(f"expected examples of shape {_text(shape)}, got {_text(x.shape[1:])}")
    if len(x) == 0:
        raise DataError("expected at least one example, got none")
    if x.dtype.kind not in "buif":
        raise DataError(f"expected numbers, got {x.dtype}")
    bad = int(x.size - np.isfinite(x).sum())
    if bad:
        example = int(np.argwhere(~np.isfinite(x))[0][0])
        raise DataError(
            f"expected finite numbers, got {bad} NaN or infinite, the first in example {example}"
        )


def _size_fits(expected: int | None, got: int) -> bool:
    return expected in (None, got)


def _text(shape: tuple[int | None, ...]) -> str:
    if not shape:
        return "()"
    sizes = ["any" if size is None else str(size) for size in shape]
    return f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"


def predict_probabilities(
    model: keras.Model, x: Array, batch_size: int = 1024
) -> npt.NDArray[np.float32]:
    """Return the probability of each class for each example.

    A model with one output unit p gives two columns, 1 - p and p.

    Args:
        model: a Keras model with one input and one output of probabilities.
        x: examples, shape (n, ...).
        batch_size: examples a step; it changes the time taken and nothing else.

    Returns:
        Probabilities, shape (n, classes), float32; each row sums to 1.

    Raises:
        ModelError: the examples' shape does not fit, or the outputs are no probabilities.
        DataError: there are no examples, or they hold values that are no finite numbers.

    Examples:
        >>> layers = [keras.Input((4,)), keras.layers.Dense(3, activation="softmax")]
        >>> predict_probabilities(keras.Sequential(layers), np.zeros((2, 4))).round(2)
        array([[0.33, 0.33, 0.33],
               [0.33, 0.33, 0.33]], dtype=float32)
    """
    check_examples(model, x)
    class_count(model)  # raises where there is no row of classes
    outputs = np.asarray(model.predict(x, batch_size=batch_size, verbose=0), np.float32)
    if outputs.shape[1] == 1:
        outputs = np.hstack([1 - outputs, outputs])
    _check_probabilities(outputs)
    return outputs


def _check_probabilities(outputs: Array) -> None:
    low, high = float(outputs.min()), float(outputs.max())
    sums = outputs.sum(axis=1)
    if math.isfinite(low + high) and low >= 0 and np.allclose(sums, 1, atol=0.01):
        return
    raise ModelError(
        "expected outputs that are probabilities (0 to 1, each example's summing to 1), "
        f"got values from {low:.4g} to {high:.4g}; end the model with a softmax or sigmoid"
    )
