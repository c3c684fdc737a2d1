"""Ensembles in ``.keras`` files: the model itself, or one functional model of several."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import keras

from mlplab.data.files import DAMAGED
from mlplab.engine import KERAS_LOCK
from mlplab.errors import ModelError
from mlplab.lazy_tensorflow import tensorflow_unread

FACTS = "mlplab.json"
"""The part of the archive that holds class names and facts; Keras leaves it alone."""


def write(
    models: Sequence[keras.Model], dtype: str, about: dict[str, Any], path: str | PathLike[str]
) -> None:
    """Write models into one ``.keras`` file: the model itself, or the average of several.

    Args:
        models: at least one; several share input and output shapes.
        dtype: the type of the numbers that several take: ``uint8``.
        about: what is known of them; kept in the archive as ``mlplab.json``.
        path: the file; its name ends in ``.keras``.

    Examples:
        >>> pair = [keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]) for _ in range(2)]
        >>> write(pair, "float32", {"recipe": "any"}, "pair.keras")
        >>> read_facts("pair.keras")
        {'recipe': 'any'}
    """
    path = Path(path)
    with KERAS_LOCK, tensorflow_unread():
        model = models[0] if len(models) == 1 else averaged(models, dtype)
        model.save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(FACTS, json.dumps(about))


def averaged(models: Sequence[keras.Model], dtype: str) -> keras.Model:
    """Return the functional model of the mean of several models' outputs."""
    taken = keras.Input(models[0].input_shape[1:], dtype=dtype)
    outputs = []
    for place, model in enumerate(models):
        member = keras.Model(model.inputs, model.outputs[0], name=f"member_{place}")
        outputs.append(member(taken))
    return keras.Model(taken, keras.layers.Average()(outputs))


def read_facts(path: str | PathLike[str]) -> dict[str, Any]:
    """Return what a ``.keras`` file that ``write`` wrote says of itself; nothing of any other.

    Raises:
        ModelError: what it says is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if FACTS not in archive.namelist():
                return {}
            return dict(json.loads(archive.read(FACTS)))
    except (*DAMAGED, TypeError) as error:
        raise ModelError(
            f"{path}: expected facts as mlplab keeps them in a file, got damaged ones: {error}"
        ) from error
