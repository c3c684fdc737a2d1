"""Small services for Keras models: counting parameters, adapting normalization layers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from mlplab.errors import RecipeError

_WITH_KERNEL = (
    keras.layers.Dense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
)
_WITHOUT_KERNEL = (
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
    keras.layers.Normalization,
    keras.layers.PReLU,
)

_BATCH_SIZE = 4096  # examples fed forward at once; only memory depends on it


def parameter_counts(model: keras.Model) -> dict[str, int]:
    """Count a built model's parameters as ``model.summary()`` does.

    Returns:
        ``total``, ``trainable`` and ``frozen``. Frozen are those that training leaves to
        other rules, such as the moving averages of BatchNormalization.

    Examples:
        >>> layers = [keras.Input((4,)), keras.layers.Dense(3), keras.layers.BatchNormalization()]
        >>> parameter_counts(keras.Sequential(layers))
        {'total': 27, 'trainable': 21, 'frozen': 6}
    """
    trainable = _count(model.trainable_weights)
    frozen = _count(model.non_trainable_weights)
    return {"total": trainable + frozen, "trainable": trainable, "frozen": frozen}


def _count(weights: Iterable[Any]) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


def operations(model: keras.Model) -> int | None:
    """Count the multiply-adds that a built model's answer to one example takes.

    Counted are layers that multiply by a kernel, dense and convolutional ones, which is where the
    time goes: for each, the size of the kernel times the places it is applied at. Additions of
    biases, activations and normalizations are not.

    Returns:
        The count; None where a layer has a kernel and is of another kind.

    Examples:
        >>> layers = [keras.Input((784,)), keras.layers.Dense(32), keras.layers.Dense(10)]
        >>> operations(keras.Sequential(layers))
        25408
    """
    counts = [_multiply_adds(layer) for layer in model.layers]
    return None if None in counts else sum(count for count in counts if count is not None)


def _multiply_adds(layer: keras.layers.Layer) -> int | None:
    if isinstance(layer, keras.Model):
        return operations(layer)
    if not layer.weights or isinstance(layer, _WITHOUT_KERNEL):
        return 0
    if not isinstance(layer, _WITH_KERNEL):
        return None
    shape = layer.output.shape
    first = getattr(layer, "data_format", None) == "channels_first"
    places = shape[2:] if first else shape[1:-1]
    return math.prod((*layer.kernel.shape, *places)) if None not in places else None


def adapt(model: keras.Model, x: npt.NDArray[Any]) -> None:
    """Give the model's Normalization layers the mean and variance of what reaches them.

    Layers that were given a mean and a variance keep them. Where there are no others, nothing
    happens. Call it on the training part alone, before the first epoch.

    Args:
        model: a Sequential or functional model, changed in place.
        x: training examples, shape (n, ...).

    Raises:
        RecipeError: such a layer is inside a nested model.

    Examples:
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Normalization()])
        >>> adapt(model, np.array([[1.0], [3.0]]))
        >>> model.predict(np.array([[1.0], [3.0]]), verbose=0).ravel().tolist()
        [-1.0, 1.0]
    """
    for layer in model.layers:
        if isinstance(layer, keras.Model) and any(_learns(inner) for inner in layer.layers):
            raise RecipeError(
                f"expected Normalization outside of the nested model {layer.name!r}, got it "
                "inside; move it out, or give it a mean and a variance"
            )
        if _learns(layer):
            layer.adapt(_input_of(layer, model, x))


def adapts(model: keras.Model) -> bool:
    """Return whether ``adapt`` would change a model.

    Examples:
        >>> adapts(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]))
        False
    """
    return any(_learns(layer) for layer in model.layers)


def _learns(layer: keras.layers.Layer) -> bool:
    """Whether a layer waits for a mean and a variance."""
    return isinstance(layer, keras.layers.Normalization) and layer.input_mean is None


def _input_of(
    layer: keras.layers.Layer, model: keras.Model, x: npt.NDArray[Any]
) -> npt.NDArray[np.floating[Any]]:
    """What the layers before this one make of ``x``."""
    before = keras.Model(model.inputs, layer.input)
    inputs: npt.NDArray[np.floating[Any]] = before.predict(x, batch_size=_BATCH_SIZE, verbose=0)
    return inputs
