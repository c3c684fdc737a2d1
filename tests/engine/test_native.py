"""The native engine around the core: data, seeds, state in and out, and which engine is chosen."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import scipy.sparse

import mlplab
from mlplab import DataError, EngineError, UsageError
from mlplab.engine import core
from tests.engine.helpers import state, train
from tests.engine.small import (
    BATCH,
    N_INPUTS,
    N_SAMPLES,
    Data,
    by_keras,
    fit,
    make_model,
    weights,
)

# --- seeds, resuming, state ----------------------------------------------------------------------


def test_same_seed_same_bits_for_any_number_of_threads(data: Data) -> None:
    first = make_model(dropout=0.4)
    history = fit(first, data, seed=5, threads=1, validation_split=0.1).history
    for threads in (1, 2, 4):
        again = make_model(dropout=0.4)
        assert history == fit(again, data, seed=5, threads=threads, validation_split=0.1).history
        assert np.array_equal(weights(first), weights(again))
    other = make_model(dropout=0.4)
    fit(other, data, seed=6, validation_split=0.1)
    assert not np.array_equal(weights(first), weights(other))


def test_without_a_seed_keras_global_seed_holds(data: Data, network: str) -> None:
    runs = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        runs.append(make_model(dropout=0.3))
        train(network, runs[-1], *data, seed=None, batch_size=BATCH)
    assert np.array_equal(weights(runs[0]), weights(runs[1]))
    assert not np.array_equal(weights(runs[0]), weights(runs[2]))


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "sgd"])
def test_training_that_goes_on_equals_training_in_one_go(
    data: Data, network: str, optimizer: str, tmp_path: Path
) -> None:
    whole, part = make_model(0.4, optimizer), make_model(0.4, optimizer)
    train(network, whole, *data, batch_size=BATCH, epochs=4)
    train(network, part, *data, batch_size=BATCH, epochs=2)
    part.save(tmp_path / "part.keras")
    resumed = keras.models.load_model(tmp_path / "part.keras")
    train(network, resumed, *data, batch_size=BATCH, epochs=4, initial_epoch=2)
    assert np.array_equal(weights(whole), weights(resumed))
    assert int(resumed.optimizer.iterations) == 24


def test_training_goes_on_under_either_engine(data: Data, network: str) -> None:
    mixed, whole = make_model(), make_model()
    by_keras(whole, data, epochs=4)
    train(network, mixed, *data, batch_size=BATCH, epochs=1)
    by_keras(mixed, data, epochs=2, initial_epoch=1)
    train(network, mixed, *data, batch_size=BATCH, epochs=3, initial_epoch=2)
    by_keras(mixed, data, epochs=4, initial_epoch=3)
    for ours, theirs in zip(state(mixed).values(), state(whole).values(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)


def test_a_model_without_an_input_is_built_from_its_data(data: Data, network: str) -> None:
    model = keras.Sequential([keras.layers.Dense(4, "relu"), keras.layers.Dense(2)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    train(network, model, *data)
    assert model.input_shape == (None, N_INPUTS)


def test_threads_train_side_by_side_as_one_after_the_other(data: Data) -> None:
    alone = [make_model(dropout=0.3, seed=seed) for seed in range(4)]
    beside = [make_model(dropout=0.3, seed=seed) for seed in range(4)]
    for seed, model in enumerate(alone):
        fit(model, data, seed=seed)
    with ThreadPoolExecutor(2) as pool:
        jobs = [
            pool.submit(fit, model, data, seed=seed, threads=1) for seed, model in enumerate(beside)
        ]
        epochs = [job.result().epoch for job in jobs]
    assert epochs == [[0, 1, 2]] * 4
    for one, other in zip(alone, beside, strict=True):
        assert np.array_equal(weights(one), weights(other))


# --- data ----------------------------------------------------------------------------------------


def test_every_form_of_the_same_numbers_trains_the_same(
    data: Data, network: str, tmp_path: Path
) -> None:
    x, y = np.abs(data[0] * 40).astype(np.uint8), data[1]
    np.save(tmp_path / "x.npy", x)
    forms = {
        "float32": x.astype(np.float32),
        "float64": x.astype(np.float64),
        "int64": x.astype(np.int64),
        "strided": np.repeat(x, 2, axis=1)[:, ::2],
        "memory-mapped": np.load(tmp_path / "x.npy", mmap_mode="r"),
        "csr": scipy.sparse.csr_matrix(x.astype(np.float32)),
        "csc": scipy.sparse.csc_array(x.astype(np.float64)),
        "last axis of one": x[..., None],
        "tensor": keras.ops.convert_to_tensor(x.astype(np.float32)),
    }
    plain = make_model()
    train(network, plain, x, y, batch_size=BATCH, epochs=2, validation_split=0.2)
    for name, form in forms.items():
        model = make_model()
        train(network, model, form, y, batch_size=BATCH, epochs=2, validation_split=0.2)
        np.testing.assert_allclose(
            weights(model), weights(plain), rtol=1e-4, atol=1e-5, err_msg=name
        )


@pytest.mark.parametrize("how", ["class_weight", "sample_weight", "column"])
def test_weights_of_classes_and_samples_count_as_in_keras(
    data: Data, network: str, how: str
) -> None:
    per_sample = np.where(data[1] == 1, 3.0, 1.0)
    options: dict[str, Any] = {
        "class_weight": {"class_weight": {1: 3.0}},
        "sample_weight": {"sample_weight": per_sample},
        "column": {"sample_weight": per_sample[:, None]},
    }[how]
    ours, theirs = make_model(), make_model()
    history = train(network, ours, *data, batch_size=BATCH, epochs=3, **options)
    expected = by_keras(theirs, data, sample_weight=per_sample)
    np.testing.assert_allclose(weights(ours), weights(theirs), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(history.history["loss"], expected.history["loss"], rtol=1e-4)


def test_validation_weights_and_frequency_are_keras_own(data: Data, network: str) -> None:
    x, y = data
    weight = np.linspace(0, 2, len(x), dtype=np.float32)
    options = {"validation_data": (x, y, weight), "validation_freq": 2, "epochs": 4}
    history = train(network, make_model(), x, y, batch_size=BATCH, **options).history
    expected = by_keras(make_model(), data, **options).history
    assert len(history["val_loss"]) == 2
    for name, values in expected.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-4, err_msg=name)


def test_without_shuffle_the_order_is_the_order_given(data: Data, network: str) -> None:
    ours, theirs = make_model(), make_model()
    train(network, ours, *data, batch_size=BATCH, epochs=2, shuffle=False)
    theirs.fit(*data, batch_size=BATCH, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_allclose(weights(ours), weights(theirs), rtol=1e-3, atol=1e-5)


def test_what_does_not_fit_is_said(data: Data) -> None:
    x, y = data
    with pytest.raises(DataError, match="expected classes from 0 to 1 in y, got 0 to 2"):
        fit(make_model(), (x, y * 2))
    with pytest.raises(DataError, match=r"expected y as long as x \(250\), got 249"):
        fit(make_model(), (x, y[1:]))
    with pytest.raises(UsageError, match="expected class_weight or sample_weight, got both"):
        fit(make_model(), data, class_weight={0: 1.0}, sample_weight=np.ones(N_SAMPLES))
    with pytest.raises(DataError, match="expected at least one sample, got none"):
        fit(make_model(), (x[:0], y[:0]))
    with pytest.raises(DataError, match=r"expected x of shape \(n, 12\), as the model takes, got"):
        fit(make_model(), (x[:, 1:], y))
    with pytest.raises(
        EngineError, match=r"y has examples of shape \(2,\), where the loss takes \(\)"
    ):
        fit(make_model(), (x, np.eye(2)[y]))
    with pytest.raises(EngineError, match="steps_per_epoch is given, and the native engine runs"):
        fit(make_model(), data, steps_per_epoch=3)


# --- choosing ------------------------------------------------------------------------------------


class Batches(keras.callbacks.Callback):
    """Looks at every batch."""

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.last = batch


def test_auto_falls_back_to_keras_and_says_why(
    data: Data, caplog: pytest.LogCaptureFixture
) -> None:
    sentence = (
        "the callback Batches acts on batches (on_train_batch_end), and the native engine stops at "
        "epochs only"
    )
    watcher = Batches()
    with caplog.at_level(logging.INFO, logger="mlplab"):
        fit(make_model(), data, engine="auto", callbacks=[watcher])
    assert watcher.last == 5
    assert [r.getMessage() for r in caplog.records] == [f"Keras trains this model: {sentence}"]
    with pytest.raises(EngineError) as caught:
        fit(make_model(), data, callbacks=[Batches()])
    assert str(caught.value) == sentence


def test_a_lambda_callback_falls_back_for_its_batch_hook_alone(data: Data) -> None:
    seen: list[int] = []
    at_batches = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    with pytest.raises(EngineError, match=r"LambdaCallback acts on batches \(on_train_batch_end\)"):
        fit(make_model(), data, callbacks=[at_batches])
    at_epochs = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    fit(make_model(), data, callbacks=[at_epochs])
    assert seen == [0, 1, 2]


def test_auto_is_native_where_it_can_be(data: Data) -> None:
    auto, native = make_model(dropout=0.2), make_model(dropout=0.2)
    fit(auto, data, engine="auto")
    fit(native, data, engine="native")
    assert np.array_equal(weights(auto), weights(native))


def test_a_checkpoint_every_few_batches_needs_keras(data: Data, tmp_path: Path) -> None:
    checkpoint = keras.callbacks.ModelCheckpoint(str(tmp_path / "m.keras"), save_freq=2)
    with pytest.raises(EngineError, match=r"ModelCheckpoint acts on batches"):
        fit(make_model(), data, callbacks=[checkpoint])


def test_predict_and_evaluate_are_keras_own(data: Data) -> None:
    model = make_model(dropout=0.3)
    fit(model, data)
    x, y = data
    ours = mlplab.predict(model, x, engine="native")
    np.testing.assert_allclose(ours, model.predict(x, verbose=0), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(ours, mlplab.predict(model, scipy.sparse.csr_array(x)))
    weight = np.linspace(0, 1, len(x))
    scores = mlplab.evaluate(model, x, y, sample_weight=weight, engine="native")
    expected = model.evaluate(x, y, sample_weight=weight, verbose=0, return_dict=True)
    assert scores == pytest.approx(expected, rel=1e-4)
    by_keras_too = mlplab.evaluate(model, x, y, sample_weight=weight, engine="keras")
    assert scores == pytest.approx(by_keras_too, rel=1e-4)


def test_an_unknown_instruction_set_is_said(data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLPLAB_ISA", "avx3")
    known = ", ".join(core.load().isas())
    with pytest.raises(EngineError) as caught:
        fit(make_model(), data)
    assert str(caught.value).startswith(f"expected MLPLAB_ISA to be one of {known}, got 'avx3'")
