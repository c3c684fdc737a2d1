"""Adapting a Keras model's Normalization layers to the training part."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from mlplab.data import splits
from mlplab.data.lazy import in_parts
from mlplab.errors import RecipeError

_BATCH_SIZE = 4096  # examples fed forward at once; only memory depends on it


def adapt(model: keras.Model, x: Any) -> None:
    """Give the model's Normalization layers the mean and variance of what reaches them.

    Layers that were given a mean and a variance keep them. Where there are no others, nothing
    happens. Call it on the training part alone, before the first epoch. Above ``BLOCK_ROWS``
    examples mean and variance are taken part by part, in double.

    Args:
        model: a Sequential or functional model, changed in place.
        x: training examples, shape (n, ...), an array or rows to be read.

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
            _adapt(layer, model, x)


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


def _adapt(layer: keras.layers.Normalization, model: keras.Model, x: Any) -> None:
    """Give one layer the mean and variance of what the layers before it make of ``x``."""
    before = keras.Model(model.inputs, layer.input)

    def made(part: npt.NDArray[Any]) -> npt.NDArray[np.floating[Any]]:
        inputs: npt.NDArray[np.floating[Any]]
        inputs = before.predict(part, batch_size=_BATCH_SIZE, verbose=0)
        return inputs

    if len(x) <= splits.BLOCK_ROWS:
        layer.adapt(made(np.asarray(x)))
        return
    n_axes = len(layer.input.shape)
    kept = {axis % n_axes for axis in layer.axis}
    axes = tuple(axis for axis in range(n_axes) if axis not in kept)
    mean, variance = moments(map(made, in_parts(x)), axes)
    layer.adapt_mean.assign(mean)
    layer.adapt_variance.assign(variance)
    layer.finalize_state()


def moments(
    parts: Iterable[npt.NDArray[Any]], axes: tuple[int, ...]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return mean and variance over some axes of arrays as if they were one.

    With n, m, v of what came before and k, p, w of a part (count, mean, variance), and d = p - m:

        m' = m + d k / (n + k),    v' = (n v + k w + d^2 n k / (n + k)) / (n + k)

    That is the pairwise form of Chan, Golub and LeVeque (1979), which loses no digits where the
    mean is large.

    Args:
        parts: arrays that differ in the length of the first axis alone.
        axes: the axes to take them over, the first among them.

    Examples:
        >>> mean, variance = moments([np.array([[1.0], [3.0]]), np.array([[5.0]])], (0,))
        >>> float(mean[0]), round(float(variance[0]), 6)
        (3.0, 2.666667)
    """
    count, mean, variance = 0, np.zeros(()), np.zeros(())
    for part in parts:
        own = int(np.prod([part.shape[axis] for axis in axes]))
        own_mean = part.mean(axis=axes, dtype=np.float64)
        own_variance = part.var(axis=axes, dtype=np.float64)
        away, total = own_mean - mean, count + own
        variance = (count * variance + own * own_variance + away**2 * count * own / total) / total
        mean, count = mean + away * own / total, total
    return mean, variance
