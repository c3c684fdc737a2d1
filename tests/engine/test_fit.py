"""``mlplab.fit`` with the keras engine: Keras's own training, in an order that a seed fixes."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import mlplab
from mlplab import DataError, EngineError, UsageError
from mlplab.engine import Streams, initial_weights

N_SAMPLES, BATCH = 250, 48  # the last batch is a partial one


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N_SAMPLES, 12)).astype(np.float32)
    return x, (x[:, :3].sum(axis=1) > 0).astype(np.int32)


def make_model(dropout: float = 0.0, seed: int = 1) -> keras.Model:
    with initial_weights(Streams.of(seed)):
        layers = [keras.Input((12,)), keras.layers.Dense(16, activation="relu")]
        if dropout:
            layers += [keras.layers.BatchNormalization(), keras.layers.Dropout(dropout)]
            layers += [keras.layers.Dense(8, activation="tanh"), keras.layers.Dropout(dropout)]
        model = keras.Sequential([*layers, keras.layers.Dense(2, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def weights(model: keras.Model) -> np.ndarray:
    return np.concatenate([np.ravel(weight) for weight in model.get_weights()])


def fit(
    model: keras.Model, data: tuple[np.ndarray, np.ndarray], **options: Any
) -> keras.callbacks.History:
    return mlplab.fit(
        model,
        *data,
        **{"batch_size": BATCH, "epochs": 3, "verbose": 0, "engine": "keras"} | options,
    )


def test_without_a_seed_it_is_keras_fit(data: tuple[np.ndarray, np.ndarray]) -> None:
    ours, theirs = make_model(), make_model()
    history = fit(ours, data, shuffle=False, validation_split=0.2)
    expected = theirs.fit(
        *data, batch_size=BATCH, epochs=3, verbose=0, shuffle=False, validation_split=0.2
    )
    assert np.array_equal(weights(ours), weights(theirs))
    assert history.history == expected.history


def test_with_a_seed_but_no_shuffle_it_is_keras_fit(data: tuple[np.ndarray, np.ndarray]) -> None:
    ours, theirs = make_model(), make_model()
    history = fit(ours, data, shuffle=False, validation_split=0.2, seed=0)
    expected = theirs.fit(
        *data, batch_size=BATCH, epochs=3, verbose=0, shuffle=False, validation_split=0.2
    )
    assert np.array_equal(weights(ours), weights(theirs))
    assert history.history == expected.history


def test_the_seed_orders_the_samples_as_epoch_order_says(
    data: tuple[np.ndarray, np.ndarray],
) -> None:
    ours, by_hand = make_model(), make_model()
    fit(ours, data, epochs=2, seed=7)
    for epoch in range(2):
        order = Streams.of(7).epoch_order(epoch, N_SAMPLES)
        for start in range(0, N_SAMPLES, BATCH):
            chosen = order[start : start + BATCH]
            by_hand.train_on_batch(data[0][chosen], data[1][chosen])
    np.testing.assert_allclose(weights(ours), weights(by_hand), rtol=1e-6, atol=1e-7)


def test_same_seed_same_bits_another_seed_others(data: tuple[np.ndarray, np.ndarray]) -> None:
    first, again, other = (make_model(dropout=0.4) for _ in range(3))
    history = fit(first, data, seed=5, validation_split=0.1)
    assert history.history == fit(again, data, seed=5, validation_split=0.1).history
    fit(other, data, seed=6, validation_split=0.1)
    assert np.array_equal(weights(first), weights(again))
    assert not np.array_equal(weights(first), weights(other))


def test_training_that_goes_on_equals_training_in_one_go(
    data: tuple[np.ndarray, np.ndarray],
) -> None:
    whole, parts = make_model(dropout=0.4), make_model(dropout=0.4)
    fit(whole, data, epochs=4, seed=5)
    fit(parts, data, epochs=2, seed=5)
    fit(parts, data, epochs=4, initial_epoch=2, seed=5)
    assert np.array_equal(weights(whole), weights(parts))


def test_sample_weights_and_class_weights_count(data: tuple[np.ndarray, np.ndarray]) -> None:
    by_class, by_sample, plain = make_model(), make_model(), make_model()
    fit(by_class, data, seed=0, class_weight={0: 1.0, 1: 3.0})
    fit(by_sample, data, seed=0, sample_weight=np.where(data[1] == 1, 3.0, 1.0).astype(np.float32))
    fit(plain, data, seed=0)
    np.testing.assert_allclose(weights(by_class), weights(by_sample), rtol=1e-6, atol=1e-7)
    assert not np.allclose(weights(by_class), weights(plain), atol=1e-4)


def test_validation_uses_its_own_sample_weights(data: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = data
    first_only = np.zeros(len(x), np.float32)
    first_only[:10] = 1
    model = make_model()
    history = fit(model, data, seed=0, epochs=1, validation_data=(x, y, first_only))
    scores = model.evaluate(x, y, sample_weight=first_only, verbose=0, return_dict=True)
    assert history.history["val_loss"][0] == pytest.approx(scores["loss"], rel=1e-4)
    plain = model.evaluate(x, y, verbose=0, return_dict=True)
    assert history.history["val_loss"][0] != pytest.approx(plain["loss"], rel=1e-2)


@pytest.mark.parametrize("threads", [0, -1, 1025, 1.5, True])
def test_threads_are_a_number_that_can_be_run(
    data: tuple[np.ndarray, np.ndarray], threads: Any
) -> None:
    model = make_model()
    for call in (
        lambda: mlplab.fit(model, *data, threads=threads),
        lambda: mlplab.predict(model, data[0], threads=threads),
        lambda: mlplab.evaluate(model, *data, threads=threads),
    ):
        with pytest.raises(UsageError, match=r"expected threads from 1 to 1024, or None, got"):
            call()


def test_no_examples_are_refused(data: tuple[np.ndarray, np.ndarray]) -> None:
    model, (x, y) = make_model(), data
    with pytest.raises(DataError, match="validation_data with at least one sample"):
        mlplab.fit(model, x, y, validation_data=(x[:0], y[:0]), engine="native")
    with pytest.raises(DataError, match="x with at least one example"):
        mlplab.predict(model, x[:0], engine="native")
    with pytest.raises(DataError, match="x with at least one example"):
        mlplab.evaluate(model, x[:0], y[:0], engine="native")


def test_one_callback_needs_no_list(data: tuple[np.ndarray, np.ndarray]) -> None:
    seen: list[int] = []
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    fit(make_model(), data, seed=0, epochs=2, callbacks=callback)
    assert seen == [0, 1]


def test_callbacks_run_and_can_stop_training(data: tuple[np.ndarray, np.ndarray]) -> None:
    stopper = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: setattr(stopper.model, "stop_training", epoch == 1)
    )
    history = fit(make_model(), data, seed=0, epochs=9, callbacks=[stopper])
    assert history.epoch == [0, 1]


def test_generators_work_without_a_seed_and_are_refused_with_one(
    data: tuple[np.ndarray, np.ndarray],
) -> None:
    class Batches(keras.utils.PyDataset):
        def __len__(self) -> int:
            return 2

        def __getitem__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
            return data[0][:BATCH], data[1][:BATCH]

    history = mlplab.fit(make_model(), Batches(), epochs=1, verbose=0)
    assert len(history.history["loss"]) == 1
    with pytest.raises(UsageError, match="seed= expects x and y as arrays, got x of type Batches"):
        mlplab.fit(make_model(), Batches(), epochs=1, verbose=0, seed=0, engine="keras")


def test_errors_are_exact(data: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = data
    with pytest.raises(DataError, match=r"expected y as long as x \(250\), got 249"):
        mlplab.fit(make_model(), x, y[:-1], seed=0, engine="keras")
    with pytest.raises(DataError, match=r"expected sample_weight as long as x \(250\), got 3"):
        mlplab.fit(make_model(), x, y, sample_weight=np.ones(3), seed=0, engine="keras")
    with pytest.raises(DataError, match=r"leaves samples on both sides, got 0.999 of 250"):
        mlplab.fit(make_model(), x, y, validation_split=0.999, seed=0, engine="keras")
    with pytest.raises(
        EngineError,
        match=r"expected an engine out of auto, native, jax, keras, got 'kears'; did you mean "
        r"'keras'\?",
    ):
        mlplab.fit(make_model(), x, y, engine="kears")
    with pytest.raises(UsageError, match=r"expected a compiled model; call model\.compile"):
        mlplab.fit(keras.Sequential([keras.Input((12,)), keras.layers.Dense(2)]), x, y)


def test_an_x_of_another_shape_is_said_before_keras_says_it_its_way() -> None:
    layers = keras.layers
    model = keras.Sequential([keras.Input((8, 8)), layers.Flatten(), layers.Dense(2)])
    model.compile("sgd", "mse")
    y = np.zeros((5, 2), np.float32)
    message = r"expected x of shape \(n, 8, 8\), as the model takes, got \(5, 64\)"
    for engine in ("auto", "keras", "native"):
        with pytest.raises(DataError, match=message):
            mlplab.fit(model, np.zeros((5, 64), np.float32), y, engine=engine, verbose=0)
        mlplab.fit(model, np.zeros((5, 8, 8, 1), np.float32), y, engine="keras", verbose=0)
