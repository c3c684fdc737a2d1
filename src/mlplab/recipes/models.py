"""Small services for Keras models: counting parameters and operations."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import keras

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
