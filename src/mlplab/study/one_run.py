"""One run: a recipe on a dataset under a seed, from building the model to its test outcome."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import keras
import numpy as np
import numpy.typing as npt
from scipy.special import expit, softmax

from mlplab.data import Dataset
from mlplab.engine import (
    KERAS_LOCK,
    Streams,
    choose_engine,
    evaluate,
    fit,
    initial_weights,
    predict,
)
from mlplab.recipes import Recipe, adapt
from mlplab.study.file import now


class Epoch(NamedTuple):
    """What one epoch showed.

    Attributes:
        epoch: its number, from 1.
        loss: mean training loss over the samples, dropout on.
        accuracy: training accuracy, likewise.
        val_loss: loss on the validation examples after the epoch.
        val_accuracy: accuracy on them.
        seconds: wall-clock seconds of training and validation.
    """

    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    seconds: float

    @classmethod
    def of(cls, epoch: int, logs: dict[str, Any], seconds: float) -> Epoch:
        """Return what Keras's logs of an epoch (from 1) say; NaN where they say nothing."""
        names = ("loss", "accuracy", "val_loss", "val_accuracy")
        figures = {name: float(logs.get(name, math.nan)) for name in names}
        return cls(epoch=epoch, **figures, seconds=seconds)

    @property
    def diverged(self) -> bool:
        """Whether a loss is no finite number."""
        return not (math.isfinite(self.loss) and math.isfinite(self.val_loss))


@dataclass
class RunResult:
    """What a run leaves behind.

    Attributes:
        status: ``done``, or ``diverged`` when a loss was not a finite number.
        engine: the engine that trained it.
        started: when it began, UTC, ISO 8601.
        seconds: wall-clock seconds from building the model to its test outcome.
        epochs: one entry an epoch that ended.
        model: the trained Keras model; None where it was trained in another process.
        test_loss: mean loss over the test examples; NaN when diverged.
        test_accuracy: share of the test examples answered rightly; NaN when diverged.
        outcome: whether each test example was answered rightly, (n_test,); None when diverged.
        probabilities: the model's answers, float16, (n_test, n_classes); None when diverged.
        model_bytes: the ``.keras`` file of a model trained in another process, if it is kept.
        environment: what the run was made with, where that is not this process's.
    """

    status: str
    engine: str
    started: str
    seconds: float
    epochs: list[Epoch]
    model: keras.Model
    test_loss: float = math.nan
    test_accuracy: float = math.nan
    outcome: npt.NDArray[np.bool_] | None = None
    probabilities: npt.NDArray[np.float16] | None = None
    model_bytes: bytes | None = None
    environment: dict[str, Any] | None = None


def train(
    recipe: Recipe,
    dataset: Dataset,
    streams: Streams,
    engine: str = "auto",
    threads: int | None = None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> RunResult:
    """Train one recipe once and look at the test set once.

    Args:
        recipe: what to train.
        dataset: with its validation split carved.
        streams: the random streams of the run.
        engine: what trains it.
        threads: how many cores the native engine uses; where it is None, all of them, or one for
            so little work that more would be slower.
        on_epoch: called at the end of each epoch.
    """
    clock = time.perf_counter()
    result = train_unseen(recipe, dataset, streams, engine, threads, on_epoch)
    if result.status == "done":
        look_at_test_set(result, recipe, dataset, threads)
        result.seconds = time.perf_counter() - clock
    return result


def train_unseen(
    recipe: Recipe,
    dataset: Dataset,
    streams: Streams,
    engine: str = "auto",
    threads: int | None = None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> RunResult:
    """Train one recipe once as ``train`` does, the test set staying unseen."""
    started, clock = now(), time.perf_counter()
    x, y = recipe.training_part(dataset.train, streams.rng("augment"))
    with KERAS_LOCK:
        with initial_weights(streams):
            model = recipe.model(dataset)
        adapt(model, x)
        engine = choose_engine(engine, model, x)
    watch = Watch(on_epoch)
    assert dataset.validation is not None  # carved by the caller
    fit(
        model,
        x,
        recipe.targets(y, dataset.n_classes),
        batch_size=recipe.batch_size,
        epochs=recipe.epochs,
        validation_data=(
            dataset.validation.x,
            recipe.targets(dataset.validation.y, dataset.n_classes),
        ),
        callbacks=[watch],
        verbose=0,
        seed=streams,
        engine=engine,
        threads=threads,
    )
    return RunResult(
        status="diverged" if watch.diverged else "done",
        engine=engine,
        started=started,
        seconds=time.perf_counter() - clock,
        epochs=watch.epochs,
        model=model,
    )


def look_at_test_set(
    result: RunResult, recipe: Recipe, dataset: Dataset, threads: int | None
) -> None:
    """Fill in a run's test loss, accuracy, outcome and probabilities."""
    x, y = dataset.test
    how: dict[str, Any] = {"engine": result.engine, "threads": threads}
    targets = recipe.targets(y, dataset.n_classes)
    scores = evaluate(result.model, x, targets, batch_size=recipe.batch_size, **how)
    outputs = predict(result.model, x, batch_size=recipe.batch_size, **how)
    keep_answers(result, float(scores["loss"]), outputs, y)


def keep_answers(
    result: RunResult,
    test_loss: float,
    outputs: npt.NDArray[np.float32],
    y: npt.NDArray[np.integer[Any]],
) -> None:
    """Fill in a run's test scores from its model's outputs, (n_test, n_outputs), and the labels."""
    probabilities = as_probabilities(outputs, from_logits(result.model))
    result.outcome = probabilities.argmax(axis=1) == y
    result.probabilities = probabilities.astype(np.float16)
    result.test_loss = test_loss
    result.test_accuracy = float(result.outcome.mean())


def from_logits(model: keras.Model) -> bool:
    """Say whether a compiled model's loss takes logits, so that its outputs are some."""
    return bool(keras.losses.get(model.loss).get_config().get("from_logits", False))


def as_probabilities(
    outputs: npt.NDArray[np.float32], logits: bool
) -> npt.NDArray[np.floating[Any]]:
    """Return outputs, shape (n, n_outputs), as a column a class.

    One output is that of class 1, of two classes.

    Examples:
        >>> as_probabilities(np.array([[0.25], [1.0]]), logits=False)
        array([[0.75, 0.25],
               [0.  , 1.  ]])
        >>> as_probabilities(np.array([[0.0, 0.0]]), logits=True)
        array([[0.5, 0.5]])
    """
    if outputs.shape[1] == 1:
        positive = expit(outputs) if logits else outputs
        return np.hstack([1 - positive, positive])
    return np.asarray(softmax(outputs, axis=1)) if logits else outputs


@dataclass
class Watch(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps each epoch's figures and seconds, and stops a run whose loss is no finite number."""

    on_epoch: Callable[[Epoch], None]
    epochs: list[Epoch] = field(default_factory=list)
    diverged: bool = False
    clock: float = 0.0
    looks_at_weights: ClassVar[bool] = False  # so the engine need not write them every epoch

    def __post_init__(self) -> None:
        super().__init__()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the clock."""
        self.clock = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keep the epoch's figures."""
        entry = Epoch.of(epoch + 1, logs or {}, time.perf_counter() - self.clock)
        self.epochs.append(entry)
        self.on_epoch(entry)
        if entry.diverged:
            self.diverged = True
            self.model.stop_training = True
