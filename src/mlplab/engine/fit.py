"""The doors of the engines: ``fit``, ``predict``, ``evaluate``, and ``explain`` which chooses."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy.typing as npt

from mlplab.engine import core, inference, jax_engine, keras_engine, native
from mlplab.engine.arrays import check_shape, from_lists, read_lists
from mlplab.engine.epochs import EpochLoop
from mlplab.engine.job import check_compiled
from mlplab.engine.keras_engine import FitArguments
from mlplab.engine.keras_private import LOCK
from mlplab.engine.plan import plan
from mlplab.engine.streams import Streams
from mlplab.errors import EngineError, Unplannable, UsageError, did_you_mean
from mlplab.lazy_tensorflow import tensorflow_unread

Engine = Callable[[keras.Model, FitArguments, Streams | None], keras.callbacks.History]

ENGINES: dict[str, Engine] = {
    "native": native.fit,
    "jax": jax_engine.fit,
    "keras": keras_engine.fit,
}

MOST_THREADS = 1024

logger = logging.getLogger("mlplab")


def check_engine(name: str) -> None:
    """Raise EngineError where ``name`` is no engine and not ``auto``."""
    known = ["auto", *ENGINES]
    if name not in known:
        raise EngineError(
            f"expected an engine out of {', '.join(known)}, got {name!r}{did_you_mean(name, known)}"
        )


def check_threads(threads: int | None) -> None:
    """Raise UsageError where ``threads`` is no number of threads that the core runs."""
    whole = isinstance(threads, int) and not isinstance(threads, bool)
    if threads is not None and not (whole and 1 <= threads <= MOST_THREADS):
        raise UsageError(f"expected threads from 1 to {MOST_THREADS}, or None, got {threads!r}")


def explain(model: keras.Model) -> str | None:
    """Return why the native engine cannot train a compiled model, in one sentence, or None.

    Data and callbacks can add reasons of their own, which only ``fit`` sees.

    Examples:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((8, 1)), keras.layers.Conv1D(4, 3, name="edges")])
        >>> model.compile("sgd", "mse")
        >>> explain(model)
        "layer 0 (Conv1D 'edges') is not one the native engine trains"
    """
    try:
        with LOCK:
            plan(model)
        core.load()
    except Unplannable as reason:
        return str(reason)
    return None


def choose_engine(name: str, model: keras.Model, x: Any = None) -> str:
    """Return the engine that trains a compiled model: ``auto`` is the first that covers it.

    On a processor that is native, jax or Keras, on an accelerator jax or Keras; docs/many-seeds.md
    has the measurements. Jax does not cover features ``x`` that are larger than the device.

    Raises:
        EngineError: there is no such engine.
    """
    check_engine(name)
    if name != "auto":
        return name
    return next(name for name in preferred() if COVERS[name](model, x))


def preferred() -> tuple[str, ...]:
    """Return the engines in the order in which ``auto`` asks them; the last can do everything."""
    return ("jax", "keras") if jax_engine.on_accelerator() else ("native", "jax", "keras")


def _jax_is_quick(model: keras.Model, x: Any) -> bool:
    try:
        jax_engine.check_model(model)
        jax_engine.check_fits(x)
        jax_engine.check_quick(model)
    except Unplannable:
        return False
    return True


COVERS: dict[str, Callable[[keras.Model, Any], bool]] = {
    "native": lambda model, x: explain(model) is None,
    "jax": _jax_is_quick,
    "keras": lambda model, x: True,
}


def fit(
    model: keras.Model,
    x: Any,
    y: Any = None,
    *,
    batch_size: int | None = None,
    epochs: int = 1,
    verbose: str | int = "auto",
    callbacks: keras.callbacks.Callback | Sequence[keras.callbacks.Callback] | None = None,
    validation_split: float = 0.0,
    validation_data: Any = None,
    shuffle: bool = True,
    class_weight: dict[int, float] | None = None,
    sample_weight: Any = None,
    initial_epoch: int = 0,
    steps_per_epoch: int | None = None,
    validation_steps: int | None = None,
    validation_batch_size: int | None = None,
    validation_freq: int = 1,
    seed: int | Streams | None = None,
    engine: str = "auto",
    threads: int | None = None,
) -> keras.callbacks.History:
    """Train a compiled Keras model, as ``keras.Model.fit`` does.

    All arguments but the last three are those of ``keras.Model.fit`` and mean the same.

    Args:
        model: a compiled Keras model; it is trained in place.
        x: features, shape (n, ...), as an array, a SciPy sparse matrix, plain lists of numbers, or
            anything else that ``keras.Model.fit`` takes.
        y: targets, shape (n,) or (n, n_outputs), as the model's loss wants them.
        batch_size: samples a step; Keras takes 32 where it is None.
        epochs: the epoch to stop at; training runs from ``initial_epoch`` to here.
        verbose: ``"auto"``, 0 (silent), 1 (progress bar) or 2 (one line an epoch).
        callbacks: one Keras callback, or several.
        validation_split: the fraction at the end of x and y to hold out for validation.
        validation_data: (x, y) or (x, y, sample_weight) to evaluate after each epoch.
        shuffle: whether each epoch shows the samples in a new order.
        class_weight: weight of each class in the loss.
        sample_weight: weight of each sample in the loss, shape (n,).
        initial_epoch: the epoch to start from, 0-based.
        steps_per_epoch: steps after which an epoch ends.
        validation_steps: steps after which validation ends.
        validation_batch_size: samples a validation step.
        validation_freq: epochs between two validations.
        seed: fixes the order of the samples and the dropout masks; the same seed, model and data
            give the same weights, also when training stops and goes on with ``initial_epoch``.
            None draws a seed (native) or leaves both to Keras (keras).
        engine: ``"native"``, ``"jax"``, ``"keras"``, or ``"auto"``: the first of them that covers
            the model, the data and the callbacks; on an accelerator jax or Keras. The logger
            ``mlplab`` says why.
        threads: how many cores the native engine uses; where it is None, all of them, or one for
            so little work that more would be slower.

    Returns:
        The Keras ``History``: ``history.history["loss"]`` is a list with one loss an epoch.

    Raises:
        EngineError: there is no such engine, or it does not cover what is asked.
        UsageError: the model is not compiled, or ``seed`` is given with x and y that are no arrays.
        DataError: x, y and sample_weight differ in length.

    Examples:
        >>> import keras, numpy as np
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> x = np.array([[0.0, 1.0], [1.0, 0.0]])
        >>> history = fit(model, x, x[:, :1], epochs=3, verbose=0, seed=0)
        >>> len(history.history["loss"])
        3
    """
    check_engine(engine)
    check_threads(threads)
    check_compiled(model)
    check_shape(model, x)
    arguments = FitArguments(
        **read_lists(x, y, sample_weight, validation_data),
        batch_size=batch_size,
        epochs=epochs,
        initial_epoch=initial_epoch,
        shuffle=shuffle,
        validation_split=validation_split,
        callbacks=keras.tree.flatten(callbacks) if callbacks is not None else [],
        passed_on={
            "verbose": verbose,
            "class_weight": class_weight,
            "steps_per_epoch": steps_per_epoch,
            "validation_steps": validation_steps,
            "validation_batch_size": validation_batch_size,
            "validation_freq": validation_freq,
        },
        threads=threads,
    )
    with tensorflow_unread():  # callbacks may save the model
        return _train(model, arguments, None if seed is None else Streams.of(seed), engine)


def _quick_jax(model: keras.Model, arguments: FitArguments, streams: Streams | None) -> EpochLoop:
    jax_engine.check_model(model)
    jax_engine.check_quick(model)
    return jax_engine.ready(model, arguments, streams)


READY: dict[str, Callable[[keras.Model, FitArguments, Streams | None], EpochLoop]] = {
    "native": native.ready,
    "jax": _quick_jax,
}


def _train(
    model: keras.Model, arguments: FitArguments, streams: Streams | None, engine: str
) -> keras.callbacks.History:
    """Train with an engine; ``auto`` is the first that covers everything."""
    if engine != "auto":
        return ENGINES[engine](model, arguments, streams)
    reasons: list[str] = []
    for name in preferred()[:-1]:
        try:
            training = READY[name](model, arguments, streams)
        except Unplannable as reason:
            reasons.append(str(reason))
            continue
        if reasons:
            logger.info("the %s engine trains this model: %s", name, reasons[0])
        return training.run()
    logger.info("Keras trains this model: %s", reasons[0])
    return keras_engine.fit(model, arguments, streams)


def predict(
    model: keras.Model,
    x: Any,
    *,
    batch_size: int | None = None,
    engine: str = "auto",
    threads: int | None = None,
) -> npt.NDArray[Any]:
    """Return a model's output for each example, shape (n, n_outputs).

    Args:
        model: a Keras model, compiled or not.
        x: features, shape (n, ...): an array, a SciPy sparse matrix or plain lists.
        batch_size: examples that pass at a time; it bounds memory and changes no result.
        engine: see ``fit``.
        threads: how many cores the native engine uses; where it is None, all of them, or one for
            so little work that more would be slower.

    Raises:
        EngineError: there is no such engine, or ``"native"`` does not cover what is asked.

    Examples:
        >>> import keras, numpy as np
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
        >>> predict(model, np.ones((5, 2))).shape
        (5, 3)
    """
    check_engine(engine)
    check_threads(threads)
    return inference.predict(model, from_lists(x, "x"), batch_size, engine, threads)


def evaluate(
    model: keras.Model,
    x: Any,
    y: Any,
    *,
    batch_size: int | None = None,
    sample_weight: Any = None,
    engine: str = "auto",
    threads: int | None = None,
) -> dict[str, float]:
    """Return a compiled model's loss and metrics by name.

    Args:
        model: a compiled Keras model.
        x: features, shape (n, ...): an array, a SciPy sparse matrix or plain lists.
        y: targets, as the model's loss wants them.
        batch_size: examples that pass at a time.
        sample_weight: weight of each sample in the loss, shape (n,).
        engine: see ``fit``.
        threads: how many cores the native engine uses; where it is None, all of them, or one for
            so little work that more would be slower.

    Raises:
        EngineError: there is no such engine, or ``"native"`` does not cover what is asked.
        UsageError: the model is not compiled.
        DataError: x, y and sample_weight differ in length.

    Examples:
        >>> import keras, numpy as np
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse", metrics=["mae"])
        >>> sorted(evaluate(model, np.ones((5, 2)), np.ones((5, 1))))
        ['loss', 'mae']
    """
    check_engine(engine)
    check_threads(threads)
    return inference.evaluate(
        model,
        from_lists(x, "x"),
        from_lists(y, "y"),
        batch_size,
        from_lists(sample_weight, "sample_weight"),
        engine,
        threads,
    )
