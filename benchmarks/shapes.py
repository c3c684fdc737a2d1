"""Networks and data of any shape, for the curves of growth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

N_CLASSES = 10
MNIST_INPUTS, MNIST_EXAMPLES = 784, 60_000


@dataclass(frozen=True)
class Shape:
    """A network with hidden layers of one width, and the data it trains on.

    Attributes:
        width: units of each hidden layer.
        depth: hidden layers.
        batch: examples a step.
        density: the share of inputs that are not zero, drawn at random; MNIST's images where None.
        inputs: numbers an example: bytes 0..255 where there are 784, else floats.
        regularized: whether batch normalization and dropout of half follow each hidden layer.
    """

    width: int = 512
    depth: int = 2
    batch: int = 128
    density: float | None = None
    inputs: int = MNIST_INPUTS
    regularized: bool = False

    @property
    def weights(self) -> int:
        """Weights of all dense layers, biases left out."""
        hidden = self.width * self.width * (self.depth - 1)
        return self.inputs * self.width + hidden + self.width * N_CLASSES

    @property
    def n_examples(self) -> int:
        """Examples an epoch: about a second's worth, in whole batches, at most MNIST's 60,000.

        A step is taken for 6 operations a weight and example at 2e11 a second, 30 bytes a weight
        for the optimizer at 1e10 a second, and half a millisecond.
        """
        step = 6 * self.weights * self.batch / 2e11 + 30 * self.weights / 1e10 + 5e-4
        steps = max(2, round(1 / step))
        return min(MNIST_EXAMPLES, steps * self.batch)


def examples(shape: Shape, load: Callable[[str], Any]) -> tuple[Any, Any]:
    """Return inputs (n, inputs) and classes (n,).

    The classes of random inputs are those that a random linear map puts first, so that there is
    something to learn.
    """
    n = shape.n_examples
    if shape.density is None and shape.inputs == MNIST_INPUTS:
        train = load("mnist").train
        return train.x[:n].reshape(n, MNIST_INPUTS), train.y[:n].astype(np.int32)
    rng = np.random.default_rng(0)
    x: npt.NDArray[Any]
    if shape.inputs == MNIST_INPUTS:
        density = shape.density or 0.0
        x = rng.integers(1, 256, (n, shape.inputs), dtype=np.uint8)
        x[rng.random(x.shape, dtype=np.float32) >= density] = 0
        centred = (x / np.float32(255) - np.float32(0.5 * density)).astype(np.float32)
    else:
        centred = rng.standard_normal((n, shape.inputs), dtype=np.float32)
        x = centred
    teacher = rng.standard_normal((shape.inputs, N_CLASSES), dtype=np.float32)
    return x, (centred @ teacher).argmax(axis=1).astype(np.int32)


def build(shape: Shape, x: Any) -> Any:
    """Return the compiled Keras model."""
    import keras
    from keras import layers

    stack: list[Any] = [keras.Input((shape.inputs,))]
    if x.dtype == np.uint8:
        stack.append(layers.Rescaling(1 / 255))
    for _ in range(shape.depth):
        stack.append(layers.Dense(shape.width, activation="relu"))
        if shape.regularized:
            stack += [layers.BatchNormalization(), layers.Dropout(0.5)]
    stack.append(layers.Dense(N_CLASSES, activation="softmax"))
    model = keras.Sequential(stack)
    model.compile("adam", "sparse_categorical_crossentropy")
    return model
