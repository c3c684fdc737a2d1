"""``predict`` and ``evaluate`` on a network that is kept from call to call."""

from __future__ import annotations

import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np
import pytest

import mlplab
from mlplab.engine import core, kept

X = np.random.default_rng(0).normal(size=(300, 20)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int32)


def make_model(seed: int = 0) -> keras.Model:
    layers = [
        keras.layers.Dense(16, "relu", kernel_initializer=keras.initializers.GlorotUniform(seed)),
        keras.layers.BatchNormalization(),
        keras.layers.Dense(2, "softmax"),
    ]
    model = keras.Sequential([keras.Input((20,)), *layers])
    model.compile(keras.optimizers.SGD(0.5), "sparse_categorical_crossentropy")
    return model


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The networks made while a test runs."""
    networks: list[Any] = []
    make = core.make_network

    def counted(*arguments: Any) -> Any:
        networks.append(make(*arguments))
        return networks[-1]

    monkeypatch.setattr(core, "make_network", counted)
    return networks


def agree(model: keras.Model) -> bool:
    ours, theirs = mlplab.predict(model, X, engine="native"), model.predict(X, verbose=0)
    return np.allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_a_network_is_made_once_and_made_anew_where_the_call_differs(made: list[Any]) -> None:
    model = make_model()
    for _ in range(3):
        mlplab.predict(model, X, engine="native")
    assert len(made) == 1
    mlplab.predict(model, X, engine="native", batch_size=7)
    assert len(made) == 2
    mlplab.evaluate(model, X, Y, engine="native", batch_size=7)
    mlplab.evaluate(model, X, Y, engine="native", batch_size=7)
    assert len(made) == 3


CHANGES: dict[str, Callable[[keras.Model], Any]] = {
    "fit": lambda model: mlplab.fit(model, X, Y, verbose=0, engine="native"),
    "keras fit": lambda model: model.fit(X, Y, verbose=0),
    "set_weights": lambda model: model.set_weights([w + 0.5 for w in model.get_weights()]),
    "assign": lambda model: model.layers[0].kernel.assign(model.layers[0].kernel * 2),
    "moving mean": lambda model: model.layers[1].moving_mean.assign_add(np.ones(16)),
    "activation": lambda model: setattr(model.layers[0], "activation", keras.activations.tanh),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_in_the_model_changes_the_answer(change: str) -> None:
    model = make_model()
    before = mlplab.predict(model, X, engine="native")
    CHANGES[change](model)
    after = mlplab.predict(model, X, engine="native")
    assert np.abs(after - before).max() > 1e-3
    model.predict_function = None  # Keras compiled it with the activation there was
    assert agree(model)


def test_threads_ask_one_model_at_once() -> None:
    model = make_model()
    expected = mlplab.predict(model, X, engine="native")
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda _: mlplab.predict(model, X, engine="native"), range(40))
    for answer in answers:
        np.testing.assert_array_equal(answer, expected)


def test_the_network_goes_with_the_model() -> None:
    model = make_model()
    mlplab.predict(model, X, engine="native")
    assert model in kept._KEPT
    n_kept = len(kept._KEPT)
    del model
    gc.collect()
    keras.backend.clear_session()
    gc.collect()
    assert len(kept._KEPT) < n_kept
