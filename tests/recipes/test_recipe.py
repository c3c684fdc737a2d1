"""Recipe: fresh compiled models, descriptions, fingerprints, targets, and what it refuses."""

from __future__ import annotations

import json
import pickle
import re
import subprocess
import sys
from collections.abc import Callable

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import layers

from mlplab.data import Dataset
from mlplab.errors import RecipeError
from mlplab.recipes import Recipe, adapt, notebook_recipes


def plain(dataset: Dataset) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input(dataset.input_shape),
            layers.Flatten(),
            layers.Dense(8, activation="relu"),
            layers.Dense(dataset.n_classes, activation="softmax"),
        ]
    )


def functional(dataset: Dataset, *, swap: bool = False) -> keras.Model:
    inputs = keras.Input(dataset.input_shape)
    flat = layers.Flatten()(inputs)
    left = layers.Dense(8, activation="relu")(flat)
    right = layers.Dense(8, activation="tanh")(flat)
    joined = layers.Subtract()([right, left] if swap else [left, right])
    return keras.Model(inputs, layers.Dense(dataset.n_classes, activation="softmax")(joined))


def nested(dataset: Dataset) -> keras.Model:
    inner_in = keras.Input((8,))
    inner = keras.Model(inner_in, layers.Add()([inner_in, layers.Dense(8)(inner_in)]))
    return keras.Sequential(
        [
            keras.Input(dataset.input_shape),
            layers.Flatten(),
            layers.Dense(8),
            inner,
            layers.Dense(dataset.n_classes, activation="softmax"),
        ]
    )


def without_input(dataset: Dataset) -> keras.Model:
    return keras.Sequential([layers.Flatten(), layers.Dense(dataset.n_classes)])


@pytest.fixture(scope="module")
def small(dataset_of: Callable[..., Dataset]) -> Dataset:
    return dataset_of((4, 3), 3, "float32")


@pytest.fixture(scope="module")
def two_classes(dataset_of: Callable[..., Dataset]) -> Dataset:
    return dataset_of((4,), 2, "float32")


# Models


def test_each_model_is_new(small: Dataset):
    recipe = Recipe("plain", plain, optimizer=keras.optimizers.SGD(0.5, momentum=0.9))
    one, two = recipe.model(small), recipe.model(small)
    assert one.compiled
    assert one.optimizer is not two.optimizer
    assert two.optimizer is not recipe.optimizer
    assert one.optimizer.momentum == 0.9
    one.fit(small.train.x, recipe.targets(small.train.y, 3), verbose=0)
    assert [int(model.optimizer.iterations.numpy()) for model in (one, two)] == [1, 0]


def test_a_schedule_is_copied_with_the_optimizer(small: Dataset):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    model = Recipe("plain", plain, optimizer=keras.optimizers.SGD(schedule)).model(small)
    assert model.optimizer.get_config()["learning_rate"]["config"]["decay_steps"] == 10


@pytest.mark.parametrize("build", [plain, functional, nested, without_input])
def test_any_model_trains_and_reports_accuracy(build: Callable[..., keras.Model], small: Dataset):
    loss = {"class": "SparseCategoricalCrossentropy", "from_logits": True}
    recipe = Recipe("any", build, loss=loss)
    model = recipe.model(small)
    history = model.fit(small.train.x, recipe.targets(small.train.y, 3), verbose=0)
    assert set(history.history) == {"loss", "accuracy"}


# Descriptions and fingerprints


@pytest.mark.parametrize("build", [plain, functional, nested, without_input])
def test_fingerprint_does_not_depend_on_what_was_built_before(
    build: Callable[..., keras.Model], small: Dataset
):
    recipe = Recipe("any", build)
    first = recipe.describe(small)
    recipe.model(small)
    layers.Dense(3)
    assert recipe.describe(small) == first
    assert json.loads(json.dumps(first)) == first
    assert not re.search(r"(dense|functional|input_layer|sequential)(_\d+)?\"", json.dumps(first))


def test_fingerprint_is_the_same_in_another_process(images: Dataset):
    code = """
import keras, numpy as np
from mlplab.data import Dataset, Split
from mlplab.recipes import notebook_recipes
keras.layers.Dense(3)
split = Split(np.zeros((10, 28, 28), "uint8"), np.arange(10))
dataset = Dataset("other", split, split, tuple("0123456789"))
for recipe in notebook_recipes()[:3]: print(recipe.fingerprint(dataset))
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    here = [recipe.fingerprint(images) for recipe in notebook_recipes()[:3]]
    assert result.stdout.split() == here
    assert all(re.fullmatch("[0-9a-f]{64}", fingerprint) for fingerprint in here)


def other_activation(dataset: Dataset) -> keras.Model:
    model = plain(dataset)
    model.layers[1].activation = keras.activations.tanh
    return model


def frozen(dataset: Dataset) -> keras.Model:
    model = plain(dataset)
    model.layers[1].trainable = False
    return model


def half_precision(dataset: Dataset) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input(dataset.input_shape),
            layers.Flatten(),
            layers.Dense(8, activation="relu", dtype="float16"),
            layers.Dense(dataset.n_classes, activation="softmax"),
        ]
    )


def test_any_change_changes_the_fingerprint(small: Dataset):
    base = Recipe("base", plain)
    changed = [
        base,
        base.replace(batch_size=64),
        base.replace(epochs=21),
        base.replace(optimizer="SGD"),
        base.replace(optimizer={"class": "Adam", "learning_rate": 0.002}),
        base.replace(loss={"class": "CategoricalCrossentropy", "label_smoothing": 0.1}),
        *(
            base.replace(build=build)
            for build in (
                functional,
                lambda dataset: functional(dataset, swap=True),
                nested,
                other_activation,
                frozen,
                half_precision,
            )
        ),
    ]
    assert len({recipe.fingerprint(small) for recipe in changed}) == len(changed)


def test_what_is_the_same_has_the_same_fingerprint(small: Dataset):
    base = Recipe("base", plain)
    same = [
        base.replace(name="other"),
        base.replace(optimizer="Adam"),
        base.replace(optimizer={"class": "Adam"}),
        base.replace(optimizer=keras.optimizers.Adam(name="mine")),
        base.replace(loss="CategoricalCrossentropy"),
        base.replace(loss=keras.losses.CategoricalCrossentropy()),
    ]
    assert {recipe.fingerprint(small) for recipe in same} == {base.fingerprint(small)}


class Gate(layers.Layer):
    """A layer that does not say what it was made with."""

    def __init__(self, gate: object):
        super().__init__()

    def call(self, inputs):
        return inputs


def test_a_layer_that_cannot_be_described(small: Dataset):
    recipe = Recipe("x", sequential((4, 3), Gate(object()), layers.Flatten(), layers.Dense(3)))
    with pytest.raises(
        RecipeError, match=r"^recipe 'x': Keras cannot describe the model: Object Gate .*get_config"
    ):
        recipe.fingerprint(small)


def test_describing_does_not_touch_the_recipe_or_a_trained_model(small: Dataset):
    recipe = Recipe("plain", plain)
    model = recipe.model(small)
    before = [weight.numpy() for weight in model.weights]
    recipe.fingerprint(small)
    assert all(np.array_equal(a, b.numpy()) for a, b in zip(before, model.weights, strict=True))


def test_recipes_travel_between_processes(images: Dataset):
    for recipe in notebook_recipes():
        assert pickle.loads(pickle.dumps(recipe)) == recipe  # noqa: S301 (our own bytes)


# Targets


@given(st.lists(st.integers(0, 4), min_size=1), st.sampled_from(["int64", "uint8"]))
def test_one_hot_targets_point_back_at_the_labels(labels: list[int], dtype: str):
    targets = Recipe("any", plain).targets(np.array(labels, dtype), 5)
    assert (targets.dtype, targets.shape) == (np.float32, (len(labels), 5))
    assert targets.argmax(axis=1).tolist() == labels
    assert targets.sum() == len(labels)


def test_sparse_targets_are_integers():
    targets = Recipe("any", plain, loss="sparse_categorical_crossentropy").targets(
        np.array([2, 0], "uint8"), 3
    )
    assert (targets.dtype, targets.tolist()) == (np.int32, [2, 0])


def test_two_classes_under_a_binary_loss_are_one_unit(two_classes: Dataset):
    recipe = Recipe(
        "yes-no",
        lambda dataset: keras.Sequential(
            [keras.Input(dataset.input_shape), layers.Dense(1, activation="sigmoid")]
        ),
        loss="binary_crossentropy",
    )
    targets = recipe.targets(np.array([1, 0]), 2)
    assert (targets.dtype, targets.tolist()) == (np.float32, [[1.0], [0.0]])
    assert recipe.targets(np.array([1, 0]), 3).shape == (2, 3)
    model = recipe.model(two_classes)
    history = model.fit(
        two_classes.train.x, recipe.targets(two_classes.train.y, 2), verbose=0, batch_size=8
    )
    accuracy = np.mean((model.predict(two_classes.train.x, verbose=0)[:, 0] > 0.5) == [0, 1] * 4)
    assert 0 <= history.history["accuracy"][0] <= 1
    assert model.evaluate(two_classes.train.x, targets_of(two_classes), verbose=0)[
        1
    ] == pytest.approx(accuracy)


def targets_of(dataset: Dataset) -> np.ndarray:
    return dataset.train.y.astype("float32")[:, None]


# Refusals


def refusal(**changes: object) -> str:
    with pytest.raises(RecipeError) as caught:
        Recipe(**({"name": "x", "build": plain} | changes))
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"epochs": 0}, "expected epochs to be a whole number above 0, got 0"),
        ({"batch_size": -1}, "expected batch_size to be a whole number above 0, got -1"),
        ({"epochs": 2.5}, "expected epochs to be a whole number above 0, got 2.5"),
        ({"epochs": True}, "expected epochs to be a whole number above 0, got True"),
        (
            {"build": "relu-2"},
            "expected a function that builds a model from a Dataset, got 'relu-2'",
        ),
        ({"optimizer": "adm"}, "unknown optimizer 'adm'; did you mean 'Adam'?"),
        ({"loss": 3}, "expected the Keras name of a loss, or a table, got 3"),
        (
            {"optimizer": {"class": "SGD", "momentun": 0.9}},
            "optimizer.momentun: unknown argument 'momentun' of SGD; did you mean 'momentum'?",
        ),
        (
            {"optimizer": {"class": "SGD", "momentum": 3}},
            "Keras says of SGD: `momentum` must be a float between [0, 1].",
        ),
    ],
)
def test_settings_that_cannot_be(changes: dict[str, object], text: str):
    assert refusal(**changes) == f"recipe 'x': {text}"


@pytest.mark.parametrize("name", ["", "a b", "../x", "-x", "ä", "x\n"])
def test_names_that_are_not_for_files(name: str):
    assert refusal(name=name) == (
        f"recipe {name!r}: expected a name of letters, digits and . _ + - that starts with a "
        f"letter or digit, got {name!r}"
    )


def test_all_settings_are_refused_at_once():
    assert refusal(epochs=0, batch_size=0, loss="mes").count("\n") == 2


def test_replace_knows_its_fields():
    with pytest.raises(RecipeError) as caught:
        Recipe("x", plain).replace(epoch=3)
    assert str(caught.value) == "recipe 'x': a recipe has no 'epoch'; did you mean 'epochs'?"


class Subclass(keras.Model):
    def call(self, inputs):
        return inputs


def compiled(dataset: Dataset) -> keras.Model:
    model = plain(dataset)
    model.compile()
    return model


def sequential(shape: tuple[int, ...], *more: keras.layers.Layer) -> Callable[..., keras.Model]:
    return lambda dataset: keras.Sequential([keras.Input(shape), *more])


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda dataset: 3, "expected build to return a keras.Model, got 3"),
        (
            compiled,
            "expected build to return a new, uncompiled model, got a compiled one; "
            "leave out compile(): loss and optimizer are the recipe's",
        ),
        (
            lambda dataset: Subclass(),
            "expected a Sequential or functional keras.Model, which can be described, "
            "got the subclass Subclass",
        ),
        (
            sequential((5,), layers.Dense(3)),
            "the model takes inputs of shape (5,); tiny has (4, 3)",
        ),
        (
            sequential((4, 3), layers.Dense(3)),
            "expected one row of 3 units an example, the model gives (4, 3); "
            "a Flatten may be missing",
        ),
        (
            sequential((4, 3), layers.Flatten(), layers.Dense(4)),
            "expected 3 units in the last layer for the 3 classes of tiny, got 4",
        ),
    ],
)
def test_models_that_cannot_be(build: Callable[..., keras.Model], text: str, small: Dataset):
    recipe = Recipe("x", build)
    for use in (recipe.model, recipe.describe):
        with pytest.raises(RecipeError) as caught:
            use(small)
        assert str(caught.value) == f"recipe 'x': {text}"


def test_two_units_under_a_binary_loss(two_classes: Dataset):
    with pytest.raises(RecipeError) as caught:
        Recipe("x", plain, loss="binary_crossentropy").model(two_classes)
    assert str(caught.value) == (
        "recipe 'x': expected 1 unit in the last layer for the 2 classes of tiny, got 2"
    )


# Normalization


def test_adapt_gives_each_layer_what_reaches_it(small: Dataset):
    first, second = layers.Normalization(axis=None), layers.Normalization()
    model = keras.Sequential(
        [keras.Input((4, 3)), first, layers.Rescaling(3.0, offset=1.0), layers.Flatten(), second]
    )
    adapt(model, small.train.x)
    assert float(np.array(first.mean).squeeze()) == pytest.approx(small.train.x.mean(), rel=1e-4)
    out = model.predict(small.train.x, verbose=0)
    assert out.mean(axis=0) == pytest.approx(np.zeros(12), abs=1e-4)
    assert out.std(axis=0) == pytest.approx(np.ones(12), rel=1e-3)


def test_adapt_leaves_the_rest_alone(small: Dataset):
    given_values = layers.Normalization(axis=None, mean=2.0, variance=4.0)
    model = keras.Sequential([keras.Input((4, 3)), given_values])
    adapt(model, small.train.x)
    assert model.predict(np.full((1, 4, 3), 4.0), verbose=0).ravel() == pytest.approx(np.ones(12))
    adapt(Recipe("plain", plain).model(small), small.train.x)


def test_adapt_refuses_a_nested_normalization(small: Dataset):
    inner = keras.Sequential([keras.Input((4, 3)), layers.Normalization()], name="inner")
    with pytest.raises(RecipeError) as caught:
        adapt(keras.Sequential([keras.Input((4, 3)), inner]), small.train.x)
    assert str(caught.value) == (
        "expected Normalization outside of the nested model 'inner', got it inside; "
        "move it out, or give it a mean and a variance"
    )
