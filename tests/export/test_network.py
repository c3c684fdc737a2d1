"""The network of arrays that exports are written from gives what Keras gives."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from mlplab.engine.plan_layers import ACTIVATIONS
from mlplab.errors import ModelError
from mlplab.export.from_keras import read_network

layers = keras.layers


def built(*stack: keras.layers.Layer, shape: tuple[int, ...] = (6, 5)) -> keras.Model:
    """Return a model with weights and moving statistics as after training."""
    model = keras.Sequential([keras.Input(shape), layers.Flatten(), *stack])
    rng = np.random.default_rng(0)
    for weight in model.weights:
        drawn = rng.normal(0, 0.5, weight.shape)
        weight.assign(np.abs(drawn) + 0.1 if "variance" in weight.name else drawn)
    return model


def largest_difference(model: keras.Model) -> float:
    x = np.random.default_rng(1).integers(0, 256, (300, *model.input_shape[1:])).astype(np.uint8)
    expected = model.predict(x, verbose=0)
    return float(np.abs(read_network(model).probabilities(x, batch_size=128) - expected).max())


@pytest.mark.parametrize("function", list(ACTIVATIONS), ids=lambda f: f.__name__)
def test_every_activation_that_the_engine_trains_can_be_exported(function):
    model = built(layers.Rescaling(1 / 255, -0.5), layers.Dense(7, function), layers.Dense(3))
    assert largest_difference(model) < 1e-4


@pytest.mark.parametrize(
    "stack",
    [
        [layers.Dense(9, use_bias=False), layers.BatchNormalization(), layers.ReLU()],
        [layers.Dense(9, "relu"), layers.BatchNormalization(scale=False), layers.Dropout(0.5)],
        [layers.BatchNormalization(center=False), layers.Dense(9, "elu")],
        [layers.LayerNormalization(scale=False), layers.GaussianNoise(1.0), layers.LeakyReLU(0.3)],
        [layers.BatchNormalization(), layers.BatchNormalization(), layers.ELU(0.5)],
        [layers.Activation("gelu"), layers.LayerNormalization(center=False)],
        [],
    ],
    ids=lambda stack: "-".join(type(layer).__name__ for layer in stack) or "none",
)
def test_every_layer_that_the_engine_trains_can_be_exported(stack):
    model = built(layers.Rescaling(1 / 255), *stack, layers.Dense(4, "softmax"))
    assert largest_difference(model) < 1e-5


def test_scales_between_dense_layers_are_multiplied_in_and_the_one_at_the_input_stays():
    model = built(
        layers.Rescaling(1 / 255),
        layers.Dense(5),
        layers.BatchNormalization(),
        layers.Activation("relu"),
        layers.BatchNormalization(),
        layers.Dense(3),
    )
    kinds = [type(step).__name__ for step in read_network(model).steps]
    assert kinds == ["Scale", "Dense", "Activation", "Dense"]


def test_a_layer_that_cannot_be_exported_is_named():
    model = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(2, 3), layers.Flatten()])
    with pytest.raises(ModelError, match="Conv2D"):
        read_network(model)
