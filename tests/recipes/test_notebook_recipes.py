"""The notebook's four networks, against the figures of its summaries."""

from __future__ import annotations

import keras
import pytest

from mlplab.data import Dataset
from mlplab.recipes import PUBLISHED, notebook_recipes, parameter_counts

RECIPES = {recipe.name: recipe for recipe in notebook_recipes()}

COUNTS = {
    "softmax": (7_850, 7_850, 0),
    "relu-2": (524_922, 524_922, 0),
    "bn-dropout-3": (690_255, 688_195, 2_060),
    "bn-dropout-5": (1_284_547, 1_280_361, 4_186),
}
DENSE_COUNTS = {
    "softmax": [7_850],
    "relu-2": [436_460, 86_892, 1_570],
    "bn-dropout-3": [455_300, 188_825, 40_750, 1_260],
    "bn-dropout-5": [516_530, 345_975, 215_660, 143_850, 52_650, 1_510],
}
NORMALIZATION_COUNTS = {
    "softmax": [],
    "relu-2": [],
    "bn-dropout-3": [2_320, 1_300, 500],
    "bn-dropout-5": [2_632, 2_100, 1_640, 1_400, 600],
}
DEVIATIONS = {
    "softmax": [],
    "relu-2": [0.059, 0.113],
    "bn-dropout-3": [0.058, 0.078, 0.126],
    "bn-dropout-5": [0.055, 0.061, 0.069, 0.075, 0.115],
}


def of_kind(model: keras.Model, kind: type) -> list[keras.layers.Layer]:
    return [layer for layer in model.layers if isinstance(layer, kind)]


@pytest.fixture(scope="module", params=RECIPES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def model(name: str, images: Dataset) -> keras.Model:
    return RECIPES[name].model(images)


def test_the_four_in_order():
    assert list(RECIPES) == ["softmax", "relu-2", "bn-dropout-3", "bn-dropout-5"]
    assert list(PUBLISHED) == list(RECIPES)


def test_parameters_in_all(name: str, model: keras.Model):
    total, trainable, frozen = COUNTS[name]
    assert parameter_counts(model) == {"total": total, "trainable": trainable, "frozen": frozen}
    assert model.count_params() == total


def test_parameters_a_layer(name: str, model: keras.Model):
    dense = of_kind(model, keras.layers.Dense)
    assert [layer.count_params() for layer in dense] == DENSE_COUNTS[name]
    normalization = of_kind(model, keras.layers.BatchNormalization)
    assert [layer.count_params() for layer in normalization] == NORMALIZATION_COUNTS[name]


def test_hidden_layers(name: str, model: keras.Model):
    *hidden, last = of_kind(model, keras.layers.Dense)
    initializers = [layer.kernel_initializer for layer in hidden]
    assert [initializer.stddev for initializer in initializers] == DEVIATIONS[name]
    assert {type(initializer) for initializer in initializers} <= {keras.initializers.RandomNormal}
    assert {layer.activation for layer in hidden} <= {keras.activations.relu}
    assert last.activation is keras.activations.softmax
    assert isinstance(last.kernel_initializer, keras.initializers.GlorotUniform)


def test_order_of_layers(name: str, model: keras.Model):
    block = ["Dense", "BatchNormalization", "Dropout"] if name.startswith("bn") else ["Dense"]
    middle = block * len(DEVIATIONS[name])
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds == ["Flatten", "Rescaling", *middle, "Dense"]
    assert all(layer.rate == 0.5 for layer in of_kind(model, keras.layers.Dropout))


def test_initial_weights_have_the_deviation(name: str, model: keras.Model):
    for layer, stddev in zip(
        of_kind(model, keras.layers.Dense), DEVIATIONS[name], strict=False
    ):  # the last layer has none
        assert layer.kernel.numpy().std() == pytest.approx(stddev, rel=0.03)


def test_settings(name: str, model: keras.Model):
    recipe = RECIPES[name]
    assert (recipe.batch_size, recipe.epochs) == (156, 20)
    assert recipe.loss == "categorical_crossentropy"
    kind, rate = ("SGD", 0.01) if name == "softmax" else ("Adam", 0.001)
    assert type(model.optimizer).__name__ == kind
    assert float(model.optimizer.learning_rate.numpy()) == pytest.approx(rate)


def test_bytes_become_0_to_1(images: Dataset):
    model = RECIPES["softmax"].model(images)
    inputs = keras.Model(model.inputs, model.layers[-1].input).predict(images.train.x, verbose=0)
    assert inputs.shape == (len(images.train.x), 784)
    assert inputs.ravel() == pytest.approx(images.train.x.ravel() / 255)


def test_published_figures():
    assert [(p.test_loss, p.test_accuracy) for p in PUBLISHED.values()] == [
        (0.3456, 0.9051),
        (0.0968, 0.9802),
        (0.0555, 0.9837),
        (0.0625, 0.9846),
    ]
    assert [len(p.training_loss) for p in PUBLISHED.values()] == [0, 4, 20, 17]
    assert [p.seconds_per_epoch for p in PUBLISHED.values()] == ["", "7", "12-14", "23-25"]
    assert PUBLISHED["bn-dropout-3"].training_loss[::19] == (0.6143, 0.0578)
    assert PUBLISHED["bn-dropout-5"].training_loss[::16] == (0.8993, 0.0799)
    assert "0.229, 0.085, 0.053, 0.036" in PUBLISHED["relu-2"].note
