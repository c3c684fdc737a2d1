"""LayerList: a model written as a list of layers, which builds itself for a dataset's shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from mlplab.data.dataset import Dataset
from mlplab.errors import RecipeError
from mlplab.recipes.objects import make
from mlplab.recipes.problems import Problem, sentence

# Layers that settle how raw bytes are read; where one is listed, no Rescaling is added.
_READ_BYTES = (
    keras.layers.Rescaling,
    keras.layers.Normalization,
    keras.layers.Embedding,
    keras.layers.Discretization,
    keras.layers.CategoryEncoding,
    keras.layers.Hashing,
    keras.layers.IntegerLookup,
)


@dataclass(frozen=True)
class LayerList:
    """Layers as plain data; called with a Dataset, it builds a ``keras.Sequential``.

    For convenience, and visible in the model's summary: uint8 data first pass a
    ``Rescaling(1 / 255)`` unless the list says itself how to read them (Rescaling, Normalization,
    Embedding, ...); and the first Dense is preceded by a ``Flatten`` where its input is not yet
    one row an example, unless the list has a Flatten of its own.

    Attributes:
        layers: one entry a layer: a Keras class name, or a table with the key ``class``.

    Raises:
        RecipeError: a layer that Keras cannot put where it stands.

    Examples:
        >>> from mlplab.data import Dataset, Split
        >>> images = Split(np.zeros((6, 8, 8), "uint8"), np.arange(6) % 3)
        >>> dataset = Dataset("tiny", images, images, ("a", "b", "c"))
        >>> model = LayerList(({"class": "Dense", "units": "classes"},))(dataset)
        >>> [type(layer).__name__ for layer in model.layers], model.output_shape
        (['Rescaling', 'Flatten', 'Dense'], (None, 3))
    """

    layers: tuple[str | dict[str, Any], ...]

    def __call__(self, dataset: Dataset) -> keras.Model:
        """Build the model for a dataset's shapes and its number of classes."""
        model, problem = assemble(self.layers, dataset)
        if problem is not None:
            raise RecipeError(f"layers[{problem.path[0]}]: {problem.text}")
        return model


def assemble(
    layers: tuple[str | dict[str, Any], ...], dataset: Dataset
) -> tuple[keras.Sequential, Problem | None]:
    """Build the model as far as Keras goes along, and say which layer stopped it, if any did."""
    made = [make("layer", written, dataset.n_classes) for written in layers]
    model = keras.Sequential([keras.Input(dataset.input_shape)])
    if dataset.train.x.dtype == np.uint8 and not _has(made, _READ_BYTES):
        model.add(keras.layers.Rescaling(1 / 255))
    to_flatten = not _has(made, (keras.layers.Flatten,))
    for position, layer in enumerate(made):
        try:
            if to_flatten and isinstance(layer, keras.layers.Dense):
                to_flatten = False
                _flatten(model, dataset.input_shape)
            model.add(layer)
        except Exception as error:  # Keras raises whatever its code trips over; it is shown
            text = f"Keras says of {type(layer).__name__}: {sentence(error)}"
            return model, Problem((position,), text)
    return model, None


def _flatten(model: keras.Sequential, input_shape: tuple[int, ...]) -> None:
    """Add a Flatten, unless what comes so far is one row an example."""
    shape = model.output_shape[1:] if model.layers else input_shape
    if len(shape) > 1:
        model.add(keras.layers.Flatten())


def _has(layers: list[keras.layers.Layer], kinds: tuple[type, ...]) -> bool:
    return any(isinstance(layer, kinds) for layer in layers)
