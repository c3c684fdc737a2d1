"""Models that only Keras can run, as the one kind of file that a service needs Keras for."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from mlplab.engine.model_file import class_count, example_shape, predict_probabilities
from mlplab.errors import ModelError
from mlplab.export.keras_file import read_facts


class KerasReader:
    """A Keras model that is asked by its own ``predict``: milliseconds an example, one at a time.

    Args:
        model: with one input of known shape.
        class_names: empty where they are not known.
        facts: what is known of it.

    Attributes:
        class_names: as given, or 0, 1, ...
        facts: as given.
        input_shape: the shape of one example.
        runtime: Keras, its version and backend.

    Raises:
        ModelError: the shape of its input or output is not known.
    """

    def __init__(
        self, model: keras.Model, class_names: tuple[str, ...], facts: dict[str, Any]
    ) -> None:
        shape = example_shape(model)
        if None in shape:
            raise ModelError(
                f"expected a model that takes examples of one shape, got one that takes {shape}"
            )
        self.input_shape: tuple[int, ...] = tuple(int(size or 0) for size in shape)
        self.class_names = class_names or tuple(map(str, range(class_count(model))))
        self.facts = facts
        self.runtime = f"Keras {keras.__version__} on {keras.backend.backend()}"
        self._model, self._lock = model, threading.Lock()

    def probabilities(self, x: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Return the model's outputs, (n, *input_shape) -> (n, n_classes)."""
        with self._lock:
            return predict_probabilities(self._model, x)


def said(path: Path) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return class names and facts of a file that ``mlplab export`` made; else nothing.

    Raises:
        ModelError: what it says is damaged.
    """
    about = read_facts(path)
    return tuple(map(str, about.get("class_names", ()))), dict(about.get("facts", {}))
