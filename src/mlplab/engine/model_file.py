"""Model files: reading them safely, and asking a model for probabilities."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from mlplab.errors import ModelError

Array = npt.NDArray[Any]


def load_model(path: str | Path) -> keras.Model:
    """Read a Keras model from a ``.keras`` file, running no code that the file may carry.

    Args:
        path: the file, as ``model.save`` or ``mlplab run --keep models`` writes it.

    Raises:
        ModelError: there is no such file, it holds no Keras model, or a model with code in it.
    """
    path = Path(path)
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no such file"
        raise ModelError(f"{path}: expected a .keras model file, got {what}")
    if not is_keras_archive(path):
        raise ModelError(
            f"{path}: expected a .keras model file, got something else; "
            f"save a model with model.save('name.keras') or mlplab run --keep models"
        )
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises many kinds for files that are damaged or unsafe
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise ModelError(f"{path}: Keras cannot read this model: {first_line}") from error


def is_keras_archive(path: Path) -> bool:
    """Say whether a file is a zip archive with the parts of a Keras model."""
    if path.suffix != ".keras" or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return {"config.json", "model.weights.h5"} <= set(archive.namelist())


def input_shape(model: keras.Model) -> tuple[int | None, ...]:
    """Return the shape of one example that a model takes.

    Raises:
        ModelError: the model has more than one input.
    """
    shape = model.input_shape
    if not isinstance(shape, tuple):
        raise ModelError(f"expected a model with one input, got one with {len(shape)}")
    return shape[1:]


def predict_probabilities(
    model: keras.Model, x: Array, batch_size: int = 1024
) -> npt.NDArray[np.float32]:
    """Return a model's probabilities, after checking that the examples fit it.

    Args:
        model: a classifier.
        x: examples, shape (n, ...) as the model takes them.
        batch_size: examples a step.

    Returns:
        Shape (n, n_classes). A single sigmoid unit p becomes the two columns 1 - p and p.

    Raises:
        ModelError: the examples have another shape than the model takes, or its answers are no
            vector an example.

    Examples:
        >>> import keras, numpy as np
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, "sigmoid")])
        >>> predict_probabilities(model, np.zeros((2, 3), np.float32))
        array([[0.5, 0.5],
               [0.5, 0.5]], dtype=float32)
    """
    expected, got = input_shape(model), x.shape[1:]
    fits = len(expected) == len(got) and all(
        side in (None, size) for side, size in zip(expected, got, strict=True)
    )
    if not fits:
        raise ModelError(f"expected examples of shape {expected}, got {got}")
    answers = np.asarray(model.predict(x, batch_size=batch_size, verbose=0), np.float32)
    if answers.ndim != 2:
        raise ModelError(
            f"expected a model that answers with a vector, got shape {answers.shape[1:]}"
        )
    return np.hstack([1 - answers, answers]) if answers.shape[1] == 1 else answers
