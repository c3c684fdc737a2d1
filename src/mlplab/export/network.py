"""A trained network without its training: the steps from raw inputs to probabilities, as arrays.

Every export is written from a ``Network`` and checked against it. It needs NumPy alone, so that a
service starts without Keras.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
AnyArray = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Scale:
    """``x * scale + shift``: rescaled inputs, or batch normalization as it stands after training.

    Attributes:
        scale: float32, shape (n,), or (1,) where all features share one number.
        shift: the same.
    """

    scale: Array
    shift: Array


@dataclass(frozen=True, eq=False)
class Dense:
    """``x @ kernel + bias``.

    Attributes:
        kernel: float32, shape (n_inputs, n_units).
        bias: float32, shape (n_units,).
    """

    kernel: Array
    bias: Array


@dataclass(frozen=True, eq=False)
class Activation:
    """An activation function, by the name it has in ``ACTIVATIONS``.

    Attributes:
        function: the name.
        alpha: the slope or scale below zero, of ``leaky_relu`` and ``elu``.
    """

    function: str
    alpha: float = 0.0


@dataclass(frozen=True, eq=False)
class LayerNorm:
    """``(x - mean) / sqrt(variance + epsilon) * scale + shift``, over the features of an example.

    Attributes:
        scale: float32, shape (n,).
        shift: the same.
        epsilon: added to the variance.
    """

    scale: Array
    shift: Array
    epsilon: float


Step = Scale | Dense | Activation | LayerNorm


def _special(name: str, x: AnyArray) -> AnyArray:
    """Return a function of SciPy's of x; SciPy is imported by the few networks that need it."""
    from scipy import special

    result: AnyArray = getattr(special, name)(x)
    return result


def _softmax(x: AnyArray) -> AnyArray:
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    result: AnyArray = powers / powers.sum(axis=1, keepdims=True)
    return result


# Name -> f(x, alpha); the names are those of the core's steps.
ACTIVATIONS: dict[str, Callable[[AnyArray, float], AnyArray]] = {
    "relu": lambda x, _: np.maximum(x, 0),
    "leaky_relu": lambda x, alpha: np.where(x > 0, x, alpha * x),
    "elu": lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
    "selu": lambda x, _: (
        1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))
    ),
    "gelu": lambda x, _: 0.5 * x * (1 + _special("erf", x / math.sqrt(2))),
    "gelu_tanh": lambda x, _: (
        0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    ),
    "silu": lambda x, _: x * _special("expit", x),
    "sigmoid": lambda x, _: _special("expit", x),
    "tanh": lambda x, _: np.tanh(x),
    "softplus": lambda x, _: np.logaddexp(x, 0),
    "softmax": lambda x, _: _softmax(x),
}


@functools.singledispatch
def apply(step: Any, x: Array) -> AnyArray:
    """Return what a step makes of x, shape (n, n_features)."""
    raise TypeError(f"expected a step of a network, got {type(step).__name__}")


@apply.register
def _(step: Scale, x: Array) -> AnyArray:
    return x * step.scale + step.shift


@apply.register
def _(step: Dense, x: Array) -> AnyArray:
    return x @ step.kernel + step.bias


@apply.register
def _(step: Activation, x: Array) -> AnyArray:
    return ACTIVATIONS[step.function](x, step.alpha)


@apply.register
def _(step: LayerNorm, x: Array) -> AnyArray:
    centred = x - x.mean(axis=1, keepdims=True)
    variance = (centred**2).mean(axis=1, keepdims=True)
    normal: AnyArray = centred / np.sqrt(variance + step.epsilon)
    return normal * step.scale + step.shift


@dataclass(frozen=True, eq=False)
class Network:
    """The steps of one trained network.

    Attributes:
        input_shape: the shape of one example, as it was given to Keras: (28, 28) for a picture.
        steps: what is done to an example, in order, once it is one row of float32.

    Examples:
        >>> one = np.ones(1, np.float32)
        >>> half = Network((1, 2), (Scale(one / 2, 0 * one),))
        >>> half.probabilities(np.array([[[2, 4]]], np.uint8))
        array([[1., 2.]], dtype=float32)
    """

    input_shape: tuple[int, ...]
    steps: tuple[Step, ...]

    @property
    def n_inputs(self) -> int:
        """Features of an example as one row."""
        return math.prod(self.input_shape)

    @property
    def n_outputs(self) -> int:
        """Classes."""
        kernels = [step.kernel for step in self.steps if isinstance(step, Dense)]
        return kernels[-1].shape[1] if kernels else self.n_inputs

    def probabilities(self, x: npt.ArrayLike, batch_size: int = 1024) -> Array:
        """Return the network's output for x, shape (n, *input_shape) -> (n, n_outputs)."""
        rows = np.asarray(x).reshape(-1, self.n_inputs)
        parts = [
            functools.reduce(
                lambda values, step: apply(step, values).astype(np.float32, copy=False),
                self.steps,
                rows[first : first + batch_size].astype(np.float32),
            )
            for first in range(0, len(rows), batch_size)
        ]
        return np.concatenate(parts) if parts else np.empty((0, self.n_outputs), np.float32)
