"""``fit``: one way to train a Keras model, whichever engine does the work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras

from mlplab.engine import keras_engine
from mlplab.engine.keras_engine import FitArguments
from mlplab.engine.streams import Streams
from mlplab.errors import EngineError, UsageError, did_you_mean

Engine = Callable[[keras.Model, FitArguments, Streams | None], keras.callbacks.History]

ENGINES: dict[str, Engine] = {"keras": keras_engine.fit}


def choose_engine(name: str) -> str:
    """Return the name of the engine that ``name`` stands for; ``auto`` is ``keras``."""
    if name == "auto":
        return "keras"
    if name not in ENGINES:
        known = ["auto", *ENGINES]
        raise EngineError(
            f"expected an engine out of {', '.join(known)}, got {name!r}{did_you_mean(name, known)}"
        )
    return name


def fit(
    model: keras.Model,
    x: Any,
    y: Any = None,
    *,
    batch_size: int | None = None,
    epochs: int = 1,
    verbose: str | int = "auto",
    callbacks: Sequence[keras.callbacks.Callback] | None = None,
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
) -> keras.callbacks.History:
    """Train a compiled Keras model, as ``keras.Model.fit`` does.

    All arguments but the last two are those of ``keras.Model.fit`` and mean the same.

    Args:
        model: a compiled Keras model; it is trained in place.
        x: features, shape (n, ...); or anything else that ``keras.Model.fit`` takes.
        y: targets, shape (n,) or (n, n_outputs), as the model's loss wants them.
        batch_size: samples a step; Keras takes 32 where it is None.
        epochs: the epoch to stop at; training runs from ``initial_epoch`` to here.
        verbose: ``"auto"``, 0 (silent), 1 (progress bar) or 2 (one line an epoch).
        callbacks: Keras callbacks.
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
            None leaves both to Keras.
        engine: ``"keras"``, or ``"auto"`` to let mlplab choose.

    Returns:
        The Keras ``History``: ``history.history["loss"]`` is a list with one loss an epoch.

    Raises:
        EngineError: there is no such engine.
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
    train = ENGINES[choose_engine(engine)]
    if not getattr(model, "compiled", False):
        raise UsageError("expected a compiled model; call model.compile(optimizer, loss) first")
    arguments = FitArguments(
        x=x,
        y=y,
        sample_weight=sample_weight,
        batch_size=batch_size,
        epochs=epochs,
        initial_epoch=initial_epoch,
        shuffle=shuffle,
        validation_split=validation_split,
        validation_data=validation_data,
        callbacks=list(callbacks or []),
        passed_on={
            "verbose": verbose,
            "class_weight": class_weight,
            "steps_per_epoch": steps_per_epoch,
            "validation_steps": validation_steps,
            "validation_batch_size": validation_batch_size,
            "validation_freq": validation_freq,
        },
    )
    return train(model, arguments, None if seed is None else Streams.of(seed))
