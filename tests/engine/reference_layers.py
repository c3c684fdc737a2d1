"""The layers of the slow, obvious network: NumPy, one equation after the other.

A layer holds its weights in Keras's order. ``forward`` keeps what ``backward`` needs; ``backward``
takes dL/d(output), leaves dL/d(weight) in ``gradients`` and returns dL/d(input). Shapes: a batch is
(n, n_units).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Settings = dict[str, Any]


class Layer:
    """A layer without weights that passes its input on."""

    def __init__(self, settings: Settings, n_inputs: int, dtype: npt.DTypeLike) -> None:
        self.settings, self.n_inputs, self.dtype = settings, n_inputs, dtype
        self.n_outputs = n_inputs
        self.trainable = settings.get("trainable", True)
        self.shapes: list[tuple[int, ...]] = []
        self.n_trained = 0  # how many of the weights, from the first, a gradient step moves
        self.weights: list[Array] = []
        self.gradients: list[Array] = []

    def forward(self, x: Array, *, training: bool, step: int) -> Array:
        return x

    def backward(self, dy: Array) -> Array:
        return dy

    def penalty(self) -> float:
        return 0.0

    def constrain(self) -> None:
        """Apply the constraints to the weights, after an optimizer's step."""


class Affine(Layer):
    """x * scale + offset"""

    def forward(self, x: Array, *, training: bool, step: int) -> Array:
        return x * self.dtype(self.settings["scale"]) + self.dtype(self.settings["offset"])

    def backward(self, dy: Array) -> Array:
        return dy * self.dtype(self.settings["scale"])


class Dense(Layer):
    """y = x W + b"""

    def __init__(self, settings: Settings, n_inputs: int, dtype: npt.DTypeLike) -> None:
        super().__init__(settings, n_inputs, dtype)
        self.n_outputs = settings["units"]
        self.shapes = [(n_inputs, self.n_outputs)]
        if settings["use_bias"]:
            self.shapes.append((self.n_outputs,))
        self.n_trained = len(self.shapes) if self.trainable else 0

    def forward(self, x: Array, *, training: bool, step: int) -> Array:
        self.x = x
        y = x @ self.weights[0]
        return y + self.weights[1] if self.settings["use_bias"] else y

    def backward(self, dy: Array) -> Array:
        self.gradients = [self.x.T @ dy, dy.sum(axis=0)][: len(self.shapes)]
        for place, (l1, l2) in enumerate(self._regularizers()):
            weight = self.weights[place]
            self.gradients[place] = (
                self.gradients[place] + l1 * np.sign(weight) + 2 * l2 * weight
            ).astype(self.dtype)
        return dy @ self.weights[0].T

    def _regularizers(self) -> list[tuple[float, float]]:
        names = ("kernel", "bias")[: self.n_trained]
        return [
            (self.settings.get(f"{name}_l1", 0.0), self.settings.get(f"{name}_l2", 0.0))
            for name in names
        ]

    def penalty(self) -> float:
        return sum(
            l1 * float(np.abs(weight).sum()) + l2 * float(np.square(weight).sum())
            for weight, (l1, l2) in zip(self.weights, self._regularizers(), strict=False)
        )

    def constrain(self) -> None:
        limits = (self.settings.get("max_norm", 0.0), self.settings.get("max_norm_bias", 0.0))
        for place, limit in enumerate(limits[: self.n_trained]):
            if limit:
                weight = self.weights[place]
                norms = np.sqrt(np.square(weight).sum(axis=0, keepdims=True))
                factor = np.clip(norms, 0, self.dtype(limit)) / (self.dtype(1e-7) + norms)
                self.weights[place] = weight * factor


SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def _sigmoid(x: Array) -> Array:
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small)


def _erf(x: Array) -> Array:
    from scipy.special import erf

    return erf(x)


def _gelu_tanh(x: Array, _: float) -> Array:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def _gelu_tanh_slope(x: Array, _: float) -> Array:
    root = np.sqrt(2 / np.pi)
    t = np.tanh(root * (x + 0.044715 * x**3))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t**2) * root * (1 + 3 * 0.044715 * x**2)


def _exp_below(x: Array) -> Array:
    return np.exp(np.minimum(x, 0))


Function = Callable[[Array, float], Array]

# name -> (f(x, alpha), f'(x, alpha))
ELEMENTWISE: dict[str, tuple[Function, Function]] = {
    "linear": (lambda x, a: x, lambda x, a: np.ones_like(x)),
    "relu": (lambda x, a: np.maximum(x, 0), lambda x, a: np.where(x > 0, 1, 0)),
    "leaky_relu": (lambda x, a: np.where(x >= 0, x, a * x), lambda x, a: np.where(x >= 0, 1, a)),
    "elu": (
        lambda x, a: np.where(x > 0, x, a * np.expm1(np.minimum(x, 0))),
        lambda x, a: np.where(x > 0, 1, a * _exp_below(x)),
    ),
    "selu": (
        lambda x, a: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0))),
        lambda x, a: SELU_SCALE * np.where(x > 0, 1, SELU_ALPHA * _exp_below(x)),
    ),
    "gelu": (
        lambda x, a: x * (1 + _erf(x / np.sqrt(2))) / 2,
        lambda x, a: (1 + _erf(x / np.sqrt(2))) / 2 + x * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi),
    ),
    "gelu_tanh": (_gelu_tanh, _gelu_tanh_slope),
    "silu": (
        lambda x, a: x * _sigmoid(x),
        lambda x, a: _sigmoid(x) * (1 + x * (1 - _sigmoid(x))),
    ),
    "sigmoid": (lambda x, a: _sigmoid(x), lambda x, a: _sigmoid(x) * (1 - _sigmoid(x))),
    "tanh": (lambda x, a: np.tanh(x), lambda x, a: 1 - np.tanh(x) ** 2),
    "softplus": (lambda x, a: np.logaddexp(x, 0), lambda x, a: _sigmoid(x)),
}


class Activation(Layer):
    """y = f(x), element by element."""

    def forward(self, x: Array, *, training: bool, step: int) -> Array:
        self.x = x
        function, _ = ELEMENTWISE[self.settings["function"]]
        return function(x, self.settings.get("alpha", 0.0)).astype(self.dtype)

    def backward(self, dy: Array) -> Array:
        _, slope = ELEMENTWISE[self.settings["function"]]
        return (dy * slope(self.x, self.settings.get("alpha", 0.0))).astype(self.dtype)


class Softmax(Layer):
    """y_i = exp(x_i - max x) / sum_j exp(x_j - max x); dx = y (dy - sum_j dy_j y_j)"""

    def forward(self, x: Array, *, training: bool, step: int) -> Array:
        exponents = np.exp(x - x.max(axis=1, keepdims=True))
        self.y = exponents / exponents.sum(axis=1, keepdims=True)
        return self.y

    def backward(self, dy: Array) -> Array:
        return self.y * (dy - (dy * self.y).sum(axis=1, keepdims=True))


class Norm(Layer):
    """y = gamma (x - mean) / sqrt(variance + epsilon) + beta, over ``axis``."""

    axis = 0

    def __init__(self, settings: Settings, n_inputs: int, dtype: npt.DTypeLike) -> None:
        super().__init__(settings, n_inputs, dtype)
        self.n_trained = settings["scale"] + settings["center"]
        self.shapes = [(n_inputs,)] * self.n_trained
        if not self.trainable:
            self.n_trained = 0

    @property
    def gamma(self) -> Array | float:
        return self.weights[0] if self.settings["scale"] else self.dtype(1)

    @property
    def beta(self) -> Array | float:
        return self.weights[int(self.settings["scale"])] if self.settings["center"] else 0

    def moments(self, x: Array) -> tuple[Array, Array]:
        return x.mean(axis=self.axis, keepdims=True), x.var(axis=self.axis, keepdims=True)

    def normalise(self, x: Array, mean: Array, variance: Array) -> Array:
        self.inverse = 1 / np.sqrt(variance + self.dtype(self.settings["epsilon"]))
        self.normal = (x - mean) * self.inverse
        return self.normal * self.gamma + self.beta

    def forward(self, x: Array, *, training: bool, step: int) -> Array:
        return self.normalise(x, *self.moments(x))

    def backward(self, dy: Array) -> Array:
        self.gradients = []
        if self.settings["scale"]:
            self.gradients.append((dy * self.normal).sum(axis=0))
        if self.settings["center"]:
            self.gradients.append(dy.sum(axis=0))
        return self.input_gradient(dy * self.gamma)

    def input_gradient(self, dn: Array) -> Array:
        """dx = (dn - mean(dn) - n mean(dn n)) / sqrt(variance + epsilon), n = normalised x."""
        mean = dn.mean(axis=self.axis, keepdims=True)
        slope = (dn * self.normal).mean(axis=self.axis, keepdims=True)
        return (dn - mean - self.normal * slope) * self.inverse


class BatchNorm(Norm):
    """Statistics of the batch in training, moving averages otherwise and where it is frozen."""

    def __init__(self, settings: Settings, n_inputs: int, dtype: npt.DTypeLike) -> None:
        super().__init__(settings, n_inputs, dtype)
        self.shapes += [(n_inputs,)] * 2
        self.update_statistics = True

    def forward(self, x: Array, *, training: bool, step: int) -> Array:
        self.of_batch = training and self.trainable
        if not self.of_batch:
            return self.normalise(x, *self.weights[-2:])
        mean, variance = self.moments(x)
        if self.update_statistics:
            momentum = self.dtype(self.settings["momentum"])
            for place, statistic in ((-2, mean[0]), (-1, variance[0])):
                self.weights[place] = self.weights[place] * momentum + statistic * (1 - momentum)
        return self.normalise(x, mean, variance)

    def input_gradient(self, dn: Array) -> Array:
        return super().input_gradient(dn) if self.of_batch else dn * self.inverse


class LayerNorm(Norm):
    """Statistics of each example over its units."""

    axis = 1


class Dropout(Layer):
    """y = x mask / (1 - rate); a unit is kept with probability 1 - rate."""

    def forward(self, x: Array, *, training: bool, step: int) -> Array:
        rate = self.settings["rate"]
        self.mask = np.ones_like(x)
        if training and rate > 0:
            draws = np.random.default_rng([self.settings["key"], step]).random(x.shape)
            self.mask = np.where(draws >= rate, 1 / (1 - rate), 0).astype(self.dtype)
        return x * self.mask

    def backward(self, dy: Array) -> Array:
        return dy * self.mask


class GaussianNoise(Layer):
    """y = x + noise in training, with standard deviation ``stddev``."""

    def forward(self, x: Array, *, training: bool, step: int) -> Array:
        if not training:
            return x
        noise = np.random.default_rng([self.settings["key"], step]).normal(size=x.shape)
        return (x + self.settings["stddev"] * noise).astype(self.dtype)


KINDS: dict[str, type[Layer]] = {
    "affine": Affine,
    "dense": Dense,
    "activation": Activation,
    "batch_norm": BatchNorm,
    "layer_norm": LayerNorm,
    "dropout": Dropout,
    "gaussian_noise": GaussianNoise,
}


def make_layer(settings: Settings, n_inputs: int, dtype: npt.DTypeLike) -> Layer:
    """Return the layer that a dict of the seam names, with zero weights."""
    kind = Softmax if settings.get("function") == "softmax" else KINDS[settings["kind"]]
    layer = kind(settings, n_inputs, dtype)
    layer.weights = [np.zeros(shape, dtype) for shape in layer.shapes]
    return layer
