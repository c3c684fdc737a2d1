"""What only the edge of Keras's ways shows: interrupts, swapped weights, settings of zero."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import scipy.sparse

import mlplab
from mlplab.engine import core, explain, initial_weights
from mlplab.engine.streams import Streams
from tests.engine import helpers
from tests.engine.helpers import NETWORKS

Data = tuple[np.ndarray, np.ndarray]


@pytest.fixture
def data() -> Data:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(120, 6)).astype(np.float32)
    x[rng.random(x.shape) < 0.6] = 0
    return x, (x.sum(axis=1) > 0).astype(np.int32)


def make_model(optimizer: Any = "adam", **dense: Any) -> keras.Model:
    with initial_weights(Streams.of(1)):
        hidden = keras.layers.Dense(8, activation="relu", **dense)
        layers = [keras.Input((6,)), hidden, keras.layers.Dense(2, activation="softmax")]
        model = keras.Sequential(layers)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model


def train(model: keras.Model, x: Any, y: Any, **options: Any) -> keras.callbacks.History:
    settings = {"epochs": 2, "batch_size": 32, "verbose": 0, "seed": 0, "engine": "native"}
    return mlplab.fit(model, x, y, **settings | options)


class InterruptedNetwork:
    """The compiled network; the signal of Ctrl-C is seen when an epoch has been trained."""

    def __init__(self, *arguments: Any) -> None:
        self.network = core.load().Network(*arguments, "")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.network, name)

    def train_epoch(self, *arguments: Any) -> Any:
        self.network.train_epoch(*arguments)
        raise KeyboardInterrupt


def test_steps_count_with_the_weights_that_an_interrupt_leaves(
    data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, broken = make_model(), make_model()
    train(whole, *data, epochs=1)
    monkeypatch.setitem(NETWORKS, "interrupted", InterruptedNetwork)
    with pytest.raises(KeyboardInterrupt):
        helpers.train("interrupted", broken, *data, batch_size=32, epochs=2)
    assert int(broken.optimizer.iterations.numpy()) == 4
    for one, other in zip(whole.get_weights(), broken.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    for model in (whole, broken):
        train(model, *data, initial_epoch=1)
    for one, other in zip(whole.get_weights(), broken.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_weights_swapped_for_validation_are_those_validated(data: Data) -> None:
    class Blank(keras.callbacks.Callback):
        """Validates a model of zeros, and trains the other on."""

        def on_test_begin(self, logs: Any = None) -> None:
            self.kept = self.model.get_weights()
            self.model.set_weights([np.zeros_like(weight) for weight in self.kept])

        def on_test_end(self, logs: Any = None) -> None:
            self.model.set_weights(self.kept)

    swapped, plain = make_model(), make_model()
    history = train(swapped, *data, validation_data=data, callbacks=[Blank()])
    train(plain, *data, validation_data=data)
    assert history.history["val_loss"] == pytest.approx([np.log(2)] * 2, rel=1e-5)
    for one, other in zip(swapped.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_callback_derived_from_one_that_swaps_is_left_to_keras(data: Data) -> None:
    class Swapping(keras.callbacks.SwapEMAWeights):
        """Another name."""

    model = make_model(keras.optimizers.Adam(use_ema=True))
    with pytest.raises(mlplab.EngineError, match="Swapping swaps weights inside Keras's own loop"):
        train(model, *data, callbacks=[Swapping()])


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (
            lambda: make_model(keras.optimizers.Adam(use_ema=True, ema_momentum=0.0)),
            "averages weights with ema_momentum 0, where the native engine takes one above 0",
        ),
        (
            lambda: make_model(kernel_constraint=keras.constraints.MaxNorm(0)),
            r"MaxNorm\(0\); the native engine takes a norm above 0",
        ),
    ],
)
def test_settings_of_zero_are_left_to_keras(model: Any, reason: str, data: Data) -> None:
    ours, theirs = model(), model()
    found = explain(ours)
    assert found is not None
    with pytest.raises(mlplab.EngineError, match=reason):
        train(ours, *data)
    train(ours, *data, engine="auto")
    train(theirs, *data, engine="keras")
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("form", ["coo", "csc", "bsr", "lil", "dok"])
def test_any_sparse_matrix_is_read_as_the_dense_one(data: Data, form: str) -> None:
    x, y = data
    dense, sparse = make_model(), make_model()
    expected = train(dense, x, y, validation_split=0.25)
    one_hot = scipy.sparse.csr_array(np.eye(2, dtype=np.float32)[y])
    history = train(sparse, scipy.sparse.csr_array(x).asformat(form), y, validation_split=0.25)
    assert history.history["loss"] == pytest.approx(expected.history["loss"], rel=1e-5)
    sparse.compile("adam", "categorical_crossentropy")
    dense.compile("adam", "categorical_crossentropy")
    dense.set_weights(sparse.get_weights())
    weighted = {"class_weight": {0: 1.0, 1: 2.0}}
    expected = train(dense, x, one_hot.toarray(), **weighted)
    history = train(sparse, x, one_hot, **weighted)
    assert history.history["loss"] == expected.history["loss"]


def test_a_batch_larger_than_the_data_takes_memory_for_the_data_alone(
    data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    make_network = core.make_network

    def listening(*arguments: Any) -> Any:
        asked.append(arguments[4])
        return make_network(*arguments)

    monkeypatch.setattr(core, "make_network", listening)
    monkeypatch.setitem(NETWORKS, "listening", listening)
    huge, usual = make_model(), make_model()
    helpers.train("listening", huge, *data, batch_size=1_000_000, epochs=2)
    helpers.train("listening", usual, *data, batch_size=len(data[0]), epochs=2)
    assert asked == [120, 120]
    for one, other in zip(huge.get_weights(), usual.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(
        mlplab.predict(huge, data[0], batch_size=1_000_000), mlplab.predict(huge, data[0])
    )
    assert asked[2] == 4096
