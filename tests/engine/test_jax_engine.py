"""The jax engine: an epoch one program, and the same weights as Keras's own training on JAX."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import scipy.sparse

import mlplab
from mlplab import Dataset, EngineError
from mlplab.engine import Streams, choose_engine, initial_weights, jax_memory
from mlplab.recipes import choose_notebook_recipes
from tests.engine.helpers import state

N_SAMPLES, BATCH = 400, 156  # the last batch has 88 samples
layers = keras.layers

Data = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def images(mnist: Dataset) -> tuple[Data, Data]:
    (x, y), (x_test, y_test) = mnist.train, mnist.test
    return (x[:N_SAMPLES], y[:N_SAMPLES]), (x_test[:200], y_test[:200])


def conv_network() -> keras.Model:
    """A network that the native engine does not run, with a random layer and a regularizer."""
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Reshape((28, 28, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(4, 3, strides=2, activation="relu"),
            layers.SpatialDropout2D(0.2),
            layers.Conv2D(6, 3, strides=2, activation="gelu"),
            layers.Flatten(),
            layers.Dense(10, activation="softmax", kernel_regularizer="l2"),
        ]
    )
    top = keras.metrics.SparseTopKCategoricalAccuracy(k=2, name="top2")
    optimizer = keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(0.01, 20))
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy", top])
    return model


def tiny_network() -> keras.Model:
    """A network that compiles quickly, with a random layer."""
    parts = [layers.Flatten(), layers.Rescaling(1 / 255), layers.Dense(16, "relu")]
    model = keras.Sequential(
        [keras.Input((28, 28)), *parts, layers.Dropout(0.2), layers.Dense(10, "softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


OWN = {"conv": conv_network, "tiny": tiny_network}


def notebook_network(name: str, dataset: Dataset) -> keras.Model:
    (recipe,) = choose_notebook_recipes([name])
    model = recipe.model(dataset)
    model.compile(recipe.optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def make(name: str, dataset: Dataset, seed: int = 0) -> keras.Model:
    with initial_weights(Streams.of(seed)):
        return OWN[name]() if name in OWN else notebook_network(name, dataset)


def train(
    model: keras.Model, images: tuple[Data, Data], engine: str, **options: Any
) -> dict[str, list[float]]:
    """Train and return the history."""
    asked = {"batch_size": BATCH, "epochs": 2, "validation_data": images[1], "seed": 5}
    fitted = mlplab.fit(model, *images[0], engine=engine, verbose=0, **asked | options)
    return dict(fitted.history)


_ALONE: dict[tuple[str, int], tuple[keras.Model, dict[str, list[float]]]] = {}


def alone(
    name: str, seed: int, dataset: Dataset, images: tuple[Data, Data]
) -> tuple[keras.Model, dict[str, list[float]]]:
    """Return a network trained by Keras itself under a seed, and its history."""
    if (name, seed) not in _ALONE:
        model = make(name, dataset, seed)
        _ALONE[name, seed] = model, train(model, images, "keras", seed=seed)
    return _ALONE[name, seed]


def assert_same(ours: keras.Model, theirs: keras.Model, close: float = 1e-6) -> None:
    """Weights, moments, counts and the states of random layers are the same but for rounding."""
    for (path, mine), other in zip(state(ours).items(), state(theirs).values(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=close, atol=close, err_msg=path)
    for mine, other in zip(
        ours.non_trainable_variables, theirs.non_trainable_variables, strict=True
    ):
        np.testing.assert_allclose(mine.numpy(), other.numpy(), rtol=close, atol=close)


def assert_same_history(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("name", ["relu-2", "conv"])
def test_weights_and_history_are_those_of_keras(
    name: str, mnist: Dataset, images: tuple[Data, Data]
) -> None:
    theirs, expected = alone(name, 5, mnist, images)
    ours = make(name, mnist, 5)
    assert_same_history(train(ours, images, "jax"), expected)
    assert_same(ours, theirs)


def test_weights_of_classes_and_samples_and_other_batches_of_validation(
    mnist: Dataset, images: tuple[Data, Data]
) -> None:
    x, y = images[1]
    options: dict[str, Any] = {
        "class_weight": {3: 2.0, 7: 0.5},
        "validation_data": (x, y, np.linspace(0, 1, len(y), dtype=np.float32)),
        "validation_batch_size": 64,
        "validation_freq": 2,
        "shuffle": False,
        "epochs": 2,
    }
    ours, theirs = make("conv", mnist), make("conv", mnist)
    assert_same_history(
        train(ours, images, "jax", **options), train(theirs, images, "keras", **options)
    )
    assert_same(ours, theirs)


def test_training_goes_on_as_if_it_had_not_stopped(
    mnist: Dataset, images: tuple[Data, Data]
) -> None:
    whole, parts = make("tiny", mnist), make("tiny", mnist)
    train(whole, images, "jax", epochs=2)
    train(parts, images, "jax", epochs=1)
    train(parts, images, "jax", epochs=2, initial_epoch=1)
    assert_same(parts, whole, close=0)


class Halves(keras.callbacks.Callback):
    """Reads the weights where an epoch ends, and halves the last bias."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[float] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        bias = self.model.trainable_variables[-1]
        self.seen.append(float(np.sum(np.abs(bias.numpy()))))
        bias.assign(bias.value / 2)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        kernel = self.model.trainable_variables[0]
        kernel.assign(kernel.value * 0.9)


def test_callbacks_see_and_change_the_model(mnist: Dataset, images: tuple[Data, Data]) -> None:
    def callbacks() -> list[keras.callbacks.Callback]:
        return [
            keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5),
            keras.callbacks.EarlyStopping(
                "loss", patience=0, min_delta=9.0, restore_best_weights=True
            ),
            Halves(),
        ]

    ours, theirs = (make("tiny", mnist) for _ in range(2))
    own, other = callbacks(), callbacks()
    history = train(ours, images, "jax", epochs=4, callbacks=own)
    assert_same_history(history, train(theirs, images, "keras", epochs=4, callbacks=other))
    assert len(history["loss"]) == 2  # stopped early, the best weights put back
    assert own[-1].seen == pytest.approx(other[-1].seen, rel=1e-5)
    assert_same(ours, theirs)


class OwnStep(keras.Sequential):
    """Trains in a way of its own, written for Keras on JAX."""

    def train_step(self, state: Any, data: Any) -> Any:
        logs, state = super().train_step(state, data)
        trained, *rest = state
        return logs, ([value * 0.999 for value in trained], *rest)


def test_a_train_step_of_the_users_own_is_followed(images: tuple[Data, Data]) -> None:
    def own() -> keras.Model:
        with initial_weights(Streams.of(1)):
            model = OwnStep([keras.Input((28, 28)), layers.Flatten(), layers.Dense(10)])
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        return model

    ours, theirs = own(), own()
    train(ours, images, "jax", epochs=1)
    train(theirs, images, "keras", epochs=1)
    assert_same(ours, theirs)


def test_metrics_may_give_an_array(images: tuple[Data, Data]) -> None:
    (x, y), _ = images
    histories = []
    for engine in ("jax", "keras"):
        model = tiny_network()
        each_class = keras.metrics.F1Score(average=None, name="f1")
        model.compile("sgd", "categorical_crossentropy", metrics=[each_class])
        model.set_weights([np.full(w.shape, 0.01) for w in model.get_weights()])
        fitted = mlplab.fit(
            model, x, np.eye(10, dtype=np.float32)[y], engine=engine, verbose=0, seed=0
        )
        histories.append(fitted.history)
    assert histories[0]["f1"][0].shape == (10,)
    assert_same_history(*histories)


class OnBatches(keras.callbacks.Callback):
    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        pass


def dense(**how: Any) -> Callable[[], keras.Model]:
    def model() -> keras.Model:
        made = keras.Sequential([keras.Input((28, 28)), layers.Flatten(), layers.Dense(10)])
        made.compile("sgd", "mse", **how)
        return made

    return model


@pytest.mark.parametrize(
    ("model", "options", "sentence"),
    [
        (
            dense(),
            {"callbacks": [OnBatches()]},
            "the callback OnBatches acts on batches (on_train_batch_end), and the jax engine stops "
            "at epochs only",
        ),
        (
            dense(run_eagerly=True),
            {},
            "the model is compiled with run_eagerly=True, which only Keras can do",
        ),
        (
            dense(jit_compile=False),
            {},
            "the model is compiled with jit_compile=False, which only Keras can do",
        ),
        (
            dense(),
            {"steps_per_epoch": 2},
            "steps_per_epoch is given, and the jax engine runs whole epochs",
        ),
        (
            dense(),
            {"validation_data": iter(())},
            "validation_data is a tuple_iterator, where the jax engine takes (x, y) or (x, y, "
            "sample_weight)",
        ),
    ],
)
def test_what_only_keras_can_do_is_named(
    model: Callable[[], keras.Model],
    options: dict[str, Any],
    sentence: str,
    images: tuple[Data, Data],
) -> None:
    with pytest.raises(EngineError) as caught:
        train(model(), images, "jax", **options)
    assert str(caught.value) == sentence


def test_sparse_features_are_for_other_engines(images: tuple[Data, Data]) -> None:
    x = scipy.sparse.csr_array(images[0][0].reshape(N_SAMPLES, -1))
    model = keras.Sequential([keras.Input((784,)), layers.Dense(10)])
    model.compile("sgd", "mse")
    with pytest.raises(EngineError, match="x is a csr_array, where the jax engine reads dense"):
        mlplab.fit(model, x, images[0][1], engine="jax", verbose=0)


def test_data_larger_than_the_memory_are_for_other_engines() -> None:
    x = np.broadcast_to(np.zeros((1, 784), np.uint8), (10**10, 784))  # no memory, many rows
    y = np.broadcast_to(np.zeros(1, np.int32), len(x))
    model = keras.Sequential([keras.Input((784,)), layers.Dense(10)])
    model.compile("sgd", "mse")
    with pytest.raises(EngineError, match=r"x takes 7,840,000 MB, and the jax engine has all of"):
        mlplab.fit(model, x, y, engine="jax", verbose=0)


def test_auto_takes_jax_unless_there_are_convolutions(caplog: pytest.LogCaptureFixture) -> None:
    normalized = keras.Sequential(
        [keras.Input((5,)), layers.Dense(4), layers.GroupNormalization(2), layers.Dense(1)]
    )
    edges = keras.Sequential([keras.Input((5, 1)), layers.Conv1D(4, 3), layers.Flatten()])
    x = np.ones((8, 5), np.float32)
    told = []
    for model, y in ((normalized, x[:, :1]), (edges, np.ones((8, 12), np.float32))):
        model.compile("sgd", "mse")
        with caplog.at_level(logging.INFO, logger="mlplab"):
            mlplab.fit(model, x[..., None] if model is edges else x, y, verbose=0, seed=0)
        told.append((choose_engine("auto", model), caplog.records[-1].getMessage()[:30]))
    assert told == [
        ("jax", "the jax engine trains this mod"),
        ("keras", "Keras trains this model: layer"),
    ]


def test_other_backends_are_told_what_to_do() -> None:
    program = (
        "import mlplab, keras, numpy as np\n"
        "model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])\n"
        "model.compile('sgd', 'mse')\n"
        "try:\n    mlplab.fit(model, np.ones((4, 2)), np.ones((4, 1)), engine='jax')\n"
        "except mlplab.EngineError as error:\n    print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"KERAS_BACKEND": "numpy"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == (
        "the jax engine trains with Keras on JAX, and here Keras is on numpy; set "
        "KERAS_BACKEND=jax before Keras is imported\n"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell")
def test_memory_that_holds_files_is_free() -> None:
    told = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    available = int(told["MemAvailable"].split()[0]) * 1024
    assert 0.8 < jax_memory.free_bytes() / (available / 2) < 1.2
