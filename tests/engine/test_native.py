"""The native engine around the core: data, callbacks, progress, seeds, state in and out."""

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
from mlplab.engine import Streams, core, initial_weights
from tests.engine.helpers import NETWORKS, state, train

N_SAMPLES, BATCH, N_INPUTS = 250, 48, 12  # six steps an epoch, the last a partial one

Data = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def data() -> Data:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N_SAMPLES, N_INPUTS)).astype(np.float32)
    x[rng.random(x.shape) < 0.5] = 0
    return x, (x[:, :3].sum(axis=1) > 0).astype(np.int32)


@pytest.fixture(params=NETWORKS)
def network(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def make_model(dropout: float = 0.0, optimizer: Any = "adam", seed: int = 1) -> keras.Model:
    with initial_weights(Streams.of(seed)):
        hidden = [keras.layers.Dense(16, activation="relu")]
        if dropout:
            hidden += [keras.layers.Dropout(dropout), keras.layers.Dense(8, activation="tanh")]
        last = keras.layers.Dense(2, activation="softmax")
        model = keras.Sequential([keras.Input((N_INPUTS,)), *hidden, last])
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def weights(model: keras.Model) -> np.ndarray:
    return np.concatenate([np.ravel(weight) for weight in model.get_weights()])


def fit(model: keras.Model, data: Data, **options: Any) -> keras.callbacks.History:
    given = {"batch_size": BATCH, "epochs": 3, "verbose": 0, "engine": "native", "seed": 0}
    return mlplab.fit(model, *data, **given | options)


def by_keras(model: keras.Model, data: Data, **options: Any) -> keras.callbacks.History:
    return fit(model, data, **{"engine": "keras"} | options)


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
    with pytest.raises(EngineError, match=r"x has examples of shape \(11,\), where the model tak"):
        fit(make_model(), (x[:, 1:], y))
    with pytest.raises(
        EngineError, match=r"y has examples of shape \(2,\), where the loss takes \(\)"
    ):
        fit(make_model(), (x, np.eye(2)[y]))
    with pytest.raises(EngineError, match="steps_per_epoch is given, and the native engine runs"):
        fit(make_model(), data, steps_per_epoch=3)


# --- callbacks -----------------------------------------------------------------------------------


class Spy(keras.callbacks.Callback):
    """Keeps the weights, the step count and the rate it sees after each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[np.ndarray, int, float]] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        optimizer = self.model.optimizer
        rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
        self.seen.append((weights(self.model), int(optimizer.iterations), rate))


def test_callbacks_see_live_weights_steps_and_rates(data: Data, network: str) -> None:
    rate = keras.optimizers.schedules.ExponentialDecay(0.05, 6, 0.5)
    ours, theirs = Spy(), Spy()
    train(network, make_model(optimizer=keras.optimizers.SGD(rate)), *data,
          batch_size=BATCH, epochs=3, callbacks=[ours])  # fmt: skip
    by_keras(make_model(optimizer=keras.optimizers.SGD(rate)), data, callbacks=[theirs])
    for mine, other in zip(ours.seen, theirs.seen, strict=True):
        np.testing.assert_allclose(mine[0], other[0], rtol=1e-3, atol=1e-5)
        assert mine[1:] == pytest.approx(other[1:])


def test_callbacks_may_change_weights_and_rates(data: Data, network: str) -> None:
    def halve(model: keras.Model) -> keras.callbacks.Callback:
        def act(epoch: int, logs: Any) -> None:
            model.set_weights([weight / 2 for weight in model.get_weights()])
            model.optimizer.learning_rate = 0.1 / (epoch + 2)

        return keras.callbacks.LambdaCallback(on_epoch_end=act)

    ours, theirs = make_model(optimizer="sgd"), make_model(optimizer="sgd")
    train(network, ours, *data, batch_size=BATCH, epochs=3, callbacks=[halve(ours)])
    by_keras(theirs, data, callbacks=[halve(theirs)])
    np.testing.assert_allclose(weights(ours), weights(theirs), rtol=1e-3, atol=1e-6)


def test_keras_own_callbacks_do_what_they_do_under_keras(
    data: Data, network: str, tmp_path: Path
) -> None:
    def callbacks(folder: Path) -> list[keras.callbacks.Callback]:
        folder.mkdir()
        made = keras.callbacks
        return [
            made.CSVLogger(str(folder / "log.csv")),
            made.ModelCheckpoint(str(folder / "{epoch}.weights.h5"), save_weights_only=True),
            made.ReduceLROnPlateau("loss", patience=1, min_delta=0.5, factor=0.5),
            made.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
            made.EarlyStopping("val_loss", patience=2, min_delta=9, restore_best_weights=True),
            made.TerminateOnNaN(),
        ]

    ours, theirs = make_model(), make_model()
    options = {"epochs": 9, "validation_split": 0.2}
    history = train(network, ours, *data, batch_size=BATCH,
                    callbacks=callbacks(tmp_path / "ours"), **options)  # fmt: skip
    expected = by_keras(theirs, data, callbacks=callbacks(tmp_path / "theirs"), **options)
    assert history.epoch == expected.epoch
    assert len(history.epoch) < 9
    for name, values in expected.history.items():
        np.testing.assert_allclose(history.history[name], values, rtol=1e-3, err_msg=name)
    np.testing.assert_allclose(weights(ours), weights(theirs), rtol=1e-3, atol=1e-5)
    for path in sorted((tmp_path / "theirs").iterdir()):
        assert (tmp_path / "ours" / path.name).exists()
    mine, other = ((tmp_path / who / "log.csv").read_text() for who in ("ours", "theirs"))
    assert mine.splitlines()[0] == other.splitlines()[0]


def test_backup_and_restore_goes_on_after_a_crash(data: Data, network: str, tmp_path: Path) -> None:
    def crash(epoch: int, logs: Any) -> None:
        if epoch == 2:
            raise KeyboardInterrupt

    def backup() -> keras.callbacks.Callback:
        return keras.callbacks.BackupAndRestore(str(tmp_path / "backup"))

    whole, broken, resumed = (make_model(dropout=0.3) for _ in range(3))
    train(network, whole, *data, batch_size=BATCH, epochs=5)
    crasher = keras.callbacks.LambdaCallback(on_epoch_begin=crash)
    with pytest.raises(KeyboardInterrupt):
        train(network, broken, *data, batch_size=BATCH, epochs=5, callbacks=[backup(), crasher])
    history = train(network, resumed, *data, batch_size=BATCH, epochs=5, callbacks=[backup()])
    assert history.epoch == [2, 3, 4]
    assert np.array_equal(weights(whole), weights(resumed))


def test_an_interrupted_training_leaves_its_weights(data: Data, network: str) -> None:
    class Breaking(keras.callbacks.History):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 2:
                raise KeyboardInterrupt

    two, three = make_model(), make_model()
    train(network, two, *data, batch_size=BATCH, epochs=2)
    with pytest.raises(KeyboardInterrupt):
        train(network, three, *data, batch_size=BATCH, epochs=3, callbacks=[Breaking()])
    assert np.array_equal(weights(two), weights(three))


def test_averaged_weights_come_back_at_the_end(data: Data, network: str) -> None:
    def averaging() -> Any:
        return keras.optimizers.Adam(use_ema=True, ema_momentum=0.9)

    ours, theirs = make_model(optimizer=averaging()), make_model(optimizer=averaging())
    train(network, ours, *data, batch_size=BATCH, epochs=3)
    by_keras(theirs, data)
    np.testing.assert_allclose(weights(ours), weights(theirs), rtol=1e-3, atol=1e-5)


def test_a_diverging_run_says_at_which_epoch(
    data: Data, network: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    x = data[0].copy()
    model = keras.Sequential(
        [keras.Input((N_INPUTS,)), keras.layers.Dense(8), keras.layers.Dense(1)]
    )
    model.compile(keras.optimizers.SGD(5.0), "mse")
    with caplog.at_level(logging.WARNING, logger="mlplab"), np.errstate(all="ignore"):
        history = train(network, model, x, x[:, :1], batch_size=8, epochs=6,
                        callbacks=[keras.callbacks.TerminateOnNaN()])  # fmt: skip
    losses = history.history["loss"]
    first = next(i for i, loss in enumerate(losses) if not np.isfinite(loss))
    assert [record.getMessage() for record in caplog.records] == [
        f"the loss is not finite from epoch {first + 1} on"
    ]
    assert len(losses) == first + 1
    assert "Invalid loss, terminating training" in capsys.readouterr().out


def test_progress_reads_as_under_keras(
    data: Data, network: str, capsys: pytest.CaptureFixture[str]
) -> None:
    train(network, make_model(), *data, batch_size=BATCH, epochs=2, verbose=2, validation_split=0.2)
    ours = capsys.readouterr().out.splitlines()
    by_keras(make_model(), data, epochs=2, verbose=2, validation_split=0.2)
    theirs = capsys.readouterr().out.splitlines()
    assert [line.split(" - ")[3:] for line in ours] == [line.split(" - ")[3:] for line in theirs]
    assert ours[0] == theirs[0] == "Epoch 1/2"
    train(network, make_model(), *data, batch_size=BATCH, epochs=1, verbose=1)
    assert "6/6" in capsys.readouterr().out


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
