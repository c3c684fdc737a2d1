"""Models that cover every layer, loss and optimizer of the plan, for tests against Keras.

Two things blow rounding up and are kept out here, as they say nothing about an engine. Adam divides
a gradient by its own size, so one that is rounding alone moves a weight by a full step: hence
epsilons of 1e-3. And a bias in front of a BatchNormalization has such a gradient by construction:
hence ``use_bias=False``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers, optimizers, regularizers

from mlplab.engine import Streams, initial_weights

Array = npt.NDArray[Any]

N_SAMPLES, BATCH, EPOCHS = 300, 44, 29  # 7 steps an epoch, the last with 36 samples: 203 steps
SHAPE, N_CLASSES = (5, 4), 6


def _small(seed: int) -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(stddev=0.4, seed=seed)


def activations() -> list[Any]:
    dense = functools.partial(layers.Dense, 9)
    return [
        dense(activation="relu"),
        dense(activation="gelu"),
        dense(activation=functools.partial(keras.activations.gelu, approximate=True)),
        dense(activation="silu"),
        dense(activation="tanh"),
    ]


def activation_layers() -> list[Any]:
    kinds = [
        layers.LeakyReLU(0.1),
        layers.ELU(0.7),
        layers.ReLU(negative_slope=0.05),
        layers.Activation("selu"),
        layers.Activation("sigmoid"),
        layers.Activation("softplus"),
    ]
    return [layer for kind in kinds for layer in (layers.Dense(11), kind)]


def batch_norm() -> list[Any]:
    return [
        layers.Dense(17, use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Dense(12, use_bias=False),
        layers.BatchNormalization(momentum=0.8, epsilon=1e-2, scale=False),
        layers.Activation("tanh"),
        layers.BatchNormalization(center=False),
    ]


def layer_norm() -> list[Any]:
    return [
        layers.Dense(16, activation="silu"),
        layers.LayerNormalization(),
        layers.Dense(8),
        layers.LayerNormalization(center=False, epsilon=1e-2),
        layers.Softmax(),
        layers.LayerNormalization(scale=False),
    ]


def regularized() -> list[Any]:
    return [
        layers.Dense(
            14,
            "relu",
            kernel_regularizer=regularizers.L1L2(1e-4, 1e-3),
            bias_regularizer=regularizers.L2(1e-2),
            kernel_constraint=keras.constraints.MaxNorm(1.0),
        ),
        layers.Dense(
            10,
            "tanh",
            kernel_regularizer=regularizers.L1(1e-4),
            bias_constraint=keras.constraints.MaxNorm(0.05),
        ),
    ]


def frozen() -> list[Any]:
    return [
        layers.Dense(13, "relu", trainable=False, kernel_regularizer="l2"),
        layers.BatchNormalization(trainable=False),
        layers.Dense(7, "tanh"),
        layers.LayerNormalization(trainable=False),
    ]


def nothing_hidden() -> list[Any]:
    return []


HIDDEN: list[Callable[[], list[Any]]] = [
    activations,
    batch_norm,
    layer_norm,
    regularized,
    frozen,
    activation_layers,
    nothing_hidden,
]

# name -> (loss, activation of the last layer, metrics, kind of target)
LOSSES: dict[str, tuple[Any, str, list[Any], str]] = {
    "crossentropy": ("categorical_crossentropy", "softmax", ["accuracy"], "one-hot"),
    "sparse": (
        keras.losses.SparseCategoricalCrossentropy(),
        "softmax",
        ["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(2)],
        "class",
    ),
    "logits": (
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        "linear",
        [keras.metrics.TopKCategoricalAccuracy(k=3), "categorical_accuracy"],
        "one-hot",
    ),
    "sparse-logits": (
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        "linear",
        ["sparse_categorical_accuracy"],
        "class",
    ),
    "binary": ("binary_crossentropy", "sigmoid", ["accuracy"], "one-hot"),
    "binary-logits": (
        keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.2),
        "linear",
        [keras.metrics.BinaryAccuracy(threshold=0.0)],
        "one-hot",
    ),
    "mse": ("mse", "linear", ["mae"], "values"),
    "mae": (keras.losses.MeanAbsoluteError(), "tanh", ["mse", "mae"], "values"),
    "smoothed": (
        keras.losses.CategoricalCrossentropy(label_smoothing=0.05),
        "softmax",
        ["accuracy", "mse"],
        "one-hot",
    ),
}

_DECAY = optimizers.schedules.ExponentialDecay(0.05, 50, 0.7)
_COSINE = optimizers.schedules.CosineDecay(0.01, 150, warmup_target=0.05, warmup_steps=20)
_PIECES = optimizers.schedules.PiecewiseConstantDecay([30, 90], [0.05, 0.02, 0.01])

OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "sgd": lambda: optimizers.SGD(0.05),
    "adam": lambda: optimizers.Adam(epsilon=1e-3),
    "momentum": lambda: optimizers.SGD(0.02, momentum=0.9, weight_decay=1e-3),
    "adamw": lambda: optimizers.AdamW(0.002, epsilon=1e-3, weight_decay=0.02),
    "nesterov": lambda: optimizers.SGD(_DECAY, momentum=0.8, nesterov=True),
    "rmsprop": lambda: optimizers.RMSprop(epsilon=1e-2),
    "rmsprop-all": lambda: optimizers.RMSprop(
        momentum=0.5, centered=True, epsilon=1e-2, use_ema=True, ema_momentum=0.9
    ),
    "clipvalue": lambda: optimizers.SGD(_COSINE, clipvalue=0.01),
    "clipnorm": lambda: optimizers.Adam(epsilon=1e-3, clipnorm=0.05),
    "global": lambda: optimizers.SGD(_PIECES, momentum=0.9, global_clipnorm=0.1),
    "averaged": lambda: optimizers.Adam(epsilon=1e-3, use_ema=True, ema_momentum=0.95),
}


@dataclass(frozen=True)
class Case:
    """One model under one loss and one optimizer."""

    hidden: Callable[[], list[Any]]
    loss: str
    optimizer: str
    zeros: bool = False  # whether inputs are zero after rescaling, most of them: those are skipped

    def __str__(self) -> str:
        return f"{self.hidden.__name__}-{self.loss}-{self.optimizer}{'-zeros' * self.zeros}"

    def model(self) -> keras.Model:
        """Return the compiled model, always from the same weights."""
        loss, last, metrics, _ = LOSSES[self.loss]
        with initial_weights(Streams.of(1)):
            model = keras.Sequential(
                [
                    keras.Input(SHAPE),
                    layers.Flatten(),
                    layers.Rescaling(1 / 255, 0.0 if self.zeros else -0.2),
                    *self.hidden(),
                    layers.Dense(N_CLASSES, last),
                ]
            )
        optimizer = OPTIMIZERS[self.optimizer]()
        # Keras keeps the objects it is given; each model gets its own.
        config = keras.metrics.serialize
        fresh = [m if isinstance(m, str) else keras.metrics.get(config(m)) for m in metrics]
        model.compile(optimizer, loss, metrics=fresh)
        return model

    def data(self) -> tuple[Array, Array]:
        """Return bytes and targets of the loss's kind."""
        rng = np.random.default_rng(5)
        x = rng.integers(0, 256, size=(N_SAMPLES, *SHAPE), dtype=np.uint8)
        x[rng.random(x.shape) < (0.8 if self.zeros else 0.4)] = 0
        classes = (x.reshape(N_SAMPLES, -1) @ rng.normal(size=(20, N_CLASSES))).argmax(axis=1)
        return x, targets(LOSSES[self.loss][3], classes, rng)


def targets(kind: str, classes: Array, rng: np.random.Generator) -> Array:
    """Return targets of a kind for class numbers."""
    one_hot = np.eye(N_CLASSES, dtype=np.float32)[classes]
    return {
        "class": classes,
        "one-hot": one_hot,
        "values": (one_hot + 0.1 * rng.normal(size=one_hot.shape)).astype(np.float32) - 0.5,
    }[kind]


def covering_cases() -> list[Case]:
    """Return cases in which each hidden part meets several losses and optimizers.

    The lists have 7, 9 and 11 entries, so that stepping through all three at once meets new pairs
    for a long time.
    """
    losses, names = list(LOSSES), list(OPTIMIZERS)
    return [
        Case(HIDDEN[i % len(HIDDEN)], losses[i % len(losses)], names[i % len(names)], i % 2 == 1)
        for i in range(22)
    ]
