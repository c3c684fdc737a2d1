"""Multiply-adds counted by hand, and the two networks with the deviations that were meant."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

import mlplab
from mlplab import Dataset, RecipeError
from mlplab.recipes import fan_in_recipes, notebook_recipes, operations


def test_dense_and_convolutional_layers_by_hand():
    small = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(5, 3, padding="same"),  # 64 places x 3 * 3 * 3 * 5
            layers.BatchNormalization(),
            layers.Conv2D(4, 2, strides=2),  # 16 places x 2 * 2 * 5 * 4
            layers.Dense(7),  # at each of the 16 places: 4 * 7
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10),  # 16 * 7 * 10
        ]
    )
    by_hand = 64 * 3 * 3 * 3 * 5 + 16 * 2 * 2 * 5 * 4 + 16 * 4 * 7 + 16 * 7 * 10
    assert operations(small) == by_hand
    nested = keras.Sequential([keras.Input((8, 8, 3)), small, layers.Dense(2)])
    assert operations(nested) == by_hand + 10 * 2


def test_layers_of_another_kind_are_not_guessed():
    model = keras.Sequential([keras.Input((5, 3)), layers.LSTM(4), layers.Dense(2)])
    assert operations(model) is None


def test_the_notebooks_networks(mnist: Dataset):
    counted = [operations(recipe.model(mnist)) for recipe in notebook_recipes()]
    assert counted[:2] == [784 * 10, 784 * 556 + 556 * 156 + 156 * 10]


@pytest.mark.parametrize(
    ("name", "units"), [("relu-2", (556, 156)), ("bn-dropout-3", (580, 325, 125))]
)
def test_fan_in_recipes_differ_in_their_deviations_alone(
    name: str, units: tuple[int, ...], mnist: Dataset
):
    ((like,), (fan_in,)) = (
        [recipe for recipe in recipes if recipe.name.startswith(name)]
        for recipes in (notebook_recipes(), fan_in_recipes())
    )
    ours, theirs = fan_in.describe(mnist), like.describe(mnist)
    fans = (784, *units[:-1])
    kernels = [
        layer["config"]["kernel_initializer"]["config"]["stddev"]
        for layer in ours["model"]["config"]["layers"]
        if "stddev" in str(layer)
    ]
    assert kernels == pytest.approx([np.sqrt(2 / fan) for fan in fans])
    for one, other in zip(
        ours["model"]["config"]["layers"], theirs["model"]["config"]["layers"], strict=True
    ):
        if "stddev" in str(one):
            fan_out = one["config"]["units"]
            published = other["config"]["kernel_initializer"]["config"]["stddev"]
            assert published == pytest.approx(np.sqrt(2 / fan_out), rel=0.02)
            other["config"]["kernel_initializer"] = one["config"]["kernel_initializer"]
    assert ours == theirs
    model = fan_in.model(mnist)
    first = next(layer for layer in model.layers if layer.weights)
    assert np.std(np.asarray(first.kernel)) == pytest.approx(np.sqrt(2 / 784), rel=0.02)


def test_asking_takes_a_network_that_has_the_slip():
    assert [r.name for r in fan_in_recipes(["softmax", "bn-dropout-3"])] == ["bn-dropout-3-fan-in"]
    with pytest.raises(RecipeError, match="takes relu-2 or bn-dropout-3, got softmax; name one"):
        mlplab.recipes.fan_in_recipes(["softmax"])
