"""The native engine under Keras's callbacks: what they see, what they change, what they print."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.engine.helpers import train
from tests.engine.small import (
    BATCH,
    N_INPUTS,
    Data,
    by_keras,
    make_model,
    weights,
)


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


class Blind(Spy):
    """Says that it looks at no weights; here it does, to see that they are left alone."""

    looks_at_weights = False


def test_a_callback_that_looks_at_no_weights_spares_their_writing(data: Data, network: str) -> None:
    model, blind = make_model(optimizer="sgd"), Blind()
    before = weights(model)
    train(network, model, *data, batch_size=BATCH, epochs=3, callbacks=[blind])
    assert all(np.array_equal(seen, before) for seen, _, _ in blind.seen)
    steps = [steps for _, steps, _ in blind.seen]
    assert steps == [steps[0], 2 * steps[0], 3 * steps[0]]
    watched = make_model(optimizer="sgd")
    train(network, watched, *data, batch_size=BATCH, epochs=3, callbacks=[Spy()])
    assert np.array_equal(weights(model), weights(watched))


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
