"""``fit_many``: copies of one model, each under its own seed, trained as one program."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import jax
import keras
import numpy as np
import numpy.typing as npt

from mlplab.engine.arrays import at_hand, check_shape, read_lists
from mlplab.engine.jax_engine import (
    all_rows,
    as_floats,
    build,
    check_fits,
    check_lengths,
    check_model,
    on_accelerator,
)
from mlplab.engine.jax_memory import most_copies
from mlplab.engine.jax_program import (
    BATCHED,
    LOOP,
    Data,
    Logs,
    Program,
    State,
    on_device,
    put_into,
    state_of,
)
from mlplab.engine.job import read_arguments, read_held_out
from mlplab.engine.keras_engine import FitArguments
from mlplab.engine.keras_private import LOCK
from mlplab.engine.streams import Streams, seed_dropout
from mlplab.errors import UsageError
from mlplab.recipes.describe import describe_model, describe_object

Thing = TypeVar("Thing")
Rows = npt.NDArray[Any]


class HeldOut(NamedTuple):
    """Validation examples: data on the device, rows of them, and how many pass at a time."""

    data: Data
    rows: Any
    batch_size: int


class Copies:
    """Copies of one model under training, each with its own state, order and random layers.

    Args:
        program: of the model, for as many copies.
        state: of the copies; it is used up.
        streams: the random streams of each copy.
        data: the examples that the copies share.
        rows: which of them are for training, (n,) for all or (n_copies, n).
        epochs: how many there will be.
        shuffle: whether each epoch shows them in a new order.
    """

    def __init__(
        self,
        program: Program,
        state: State,
        streams: Sequence[Streams],
        data: Data,
        rows: Rows,
        *,
        epochs: int,
        shuffle: bool = True,
    ) -> None:
        self.program, self.state, self.streams, self.data = program, state, streams, data
        self._rows, self._epochs, self._shuffle = rows, epochs, shuffle
        self._orders: dict[int, Any] = {}

    def run_epoch(self, epoch: int, held_out: HeldOut | None = None) -> Logs:
        """Train an epoch (0-based) and evaluate; return loss and metrics, (n_copies,) each.

        The orders of the next epoch are drawn while the device computes this one.
        """
        orders = self._orders.pop(epoch, None)
        if orders is None:
            orders = self._draw_orders(epoch)
        self.state, logs = self.program.train(self.state, self.data, orders)
        held_out_logs: Logs = {}
        if held_out:
            fixed, held_out_logs = self.program.evaluate(self.state, *held_out)
            self.state = self.state._replace(fixed=fixed)
        if epoch + 1 < self._epochs:
            self._orders[epoch + 1] = self._draw_orders(epoch + 1)
        logs = logs | {f"val_{name}": value for name, value in held_out_logs.items()}
        fetched: Logs = jax.device_get(logs)
        return fetched

    def _draw_orders(self, epoch: int) -> Any:
        if not self._shuffle:
            return jax.numpy.asarray(self._rows, np.int32)
        orders = np.empty((len(self.streams), self._rows.shape[-1]), np.int32)
        for copy, streams in enumerate(self.streams):
            own = self._rows if self._rows.ndim == 1 else self._rows[copy]
            orders[copy] = own[streams.epoch_order(epoch, len(own))]
        return jax.numpy.asarray(orders)

    def finish(self) -> None:
        """Bring the states to what Keras leaves after the last epoch."""
        self.state = self.program.finalized(self.state)

    def state_of_copy(self, copy: int) -> State:
        """Return the state of one copy."""
        state: State = jax.tree.map(lambda array: array[copy], self.state)
        return state


def way_here() -> str:
    """Return how programs go through copies on this device."""
    return BATCHED if on_accelerator() else LOOP


def stacked(states: Sequence[State]) -> State:
    """Return the states of copies as one, on the device."""
    state: State = jax.tree.map(
        lambda *arrays: jax.numpy.asarray(np.stack([np.asarray(a) for a in arrays])), *states
    )
    return state


def repeated(value: Any, n_copies: int) -> Any:
    """Return an array of one copy as that of many alike."""
    return jax.numpy.repeat(value[None], n_copies, axis=0)


def in_chunks(things: Sequence[Thing], most: int) -> tuple[list[list[Thing]], int]:
    """Return things in as few chunks as ``most`` allows, of about one size, and the largest size.

    Examples:
        >>> in_chunks([0, 1, 2, 3, 4], 3)
        ([[0, 1, 2], [3, 4]], 3)
    """
    size = math.ceil(len(things) / math.ceil(len(things) / most))
    return [list(things[at : at + size]) for at in range(0, len(things), size)], size


def filled(chunk: Sequence[Thing], size: int) -> list[Thing]:
    """Return a chunk of this size: its last repeated, so that one program serves all chunks.

    Examples:
        >>> filled([3, 4], 3)
        [3, 4, 4]
    """
    return [*chunk, *[chunk[-1]] * (size - len(chunk))]


def fit_many(
    models: Sequence[keras.Model],
    x: Any,
    y: Any,
    *,
    seeds: Iterable[int | Streams],
    batch_size: int | None = None,
    epochs: int = 1,
    validation_split: float = 0.0,
    validation_data: Any = None,
    validation_batch_size: int | None = None,
    shuffle: bool = True,
    class_weight: dict[int, float] | None = None,
    sample_weight: Any = None,
    most_bytes: int | None = None,
) -> list[keras.callbacks.History]:
    """Train models of one architecture, each under its own seed, as one program of JAX.

    Each model ends where ``mlplab.fit`` with its seed and the engine ``keras`` would leave it, but
    for rounding. The examples are on the device once, whatever the number of models. A model whose
    loss becomes no number does not touch the others.

    Args:
        models: compiled Keras models, alike but for the values of their variables; they are
            trained in place.
        x: features for all of them, shape (n, ...), a dense array or plain lists.
        y: targets, shape (n,) or (n, n_outputs), as the models' loss wants them.
        seeds: the seed of each model: its orders of the samples, its dropout masks.
        batch_size: samples a step; 32 where it is None.
        epochs: how many to train.
        validation_split: the fraction at the end of x and y to hold out for validation.
        validation_data: (x, y) or (x, y, sample_weight) to evaluate after each epoch.
        validation_batch_size: samples a validation step; ``batch_size`` where it is None.
        shuffle: whether each epoch shows the samples in a new order.
        class_weight: weight of each class in the loss.
        sample_weight: weight of each sample in the loss, shape (n,).
        most_bytes: memory to stay within; models that do not fit wait for the others. Where it is
            None, a share of what the device has free.

    Returns:
        The Keras ``History`` of each model.

    Raises:
        EngineError: Keras is not on JAX, or JAX cannot do what is asked.
        UsageError: models that differ, or as many seeds as there are not models.
        DataError: x, y and sample_weight differ in length, or x is not of the models' shape.

    Examples:
        >>> import keras, numpy as np
        >>> def model():
        ...     model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        ...     model.compile("sgd", "mse")
        ...     return model
        >>> x = np.array([[0.0, 1.0], [1.0, 0.0]])
        >>> histories = fit_many([model(), model()], x, x[:, :1], seeds=[0, 1], epochs=3)
        >>> [len(history.history["loss"]) for history in histories]
        [3, 3]
    """
    models, streams = list(models), [Streams.of(seed) for seed in seeds]
    check_alike(models, len(streams))
    check_shape(models[0], x)
    asked = FitArguments(
        **read_lists(x, y, sample_weight, validation_data),
        batch_size=batch_size,
        epochs=epochs,
        initial_epoch=0,
        shuffle=shuffle,
        validation_split=validation_split,
        callbacks=[],
        passed_on={
            "class_weight": class_weight,
            "steps_per_epoch": None,
            "validation_steps": None,
        },
    )
    arguments = read_arguments(asked, "jax")
    held_out = read_held_out(arguments.validation_data, "jax")
    check_lengths(held_out)
    check_fits(arguments.x)
    arrays = (at_hand(arguments.x), at_hand(arguments.y), arguments.sample_weight)
    for model, own in zip(models, streams, strict=True):
        build(model, arrays)
        seed_dropout(model, own)
    data = on_device(*arrays)
    watched = None
    if held_out:
        held_out_data = on_device(*held_out)
        size = validation_batch_size or arguments.samples_a_step
        watched = HeldOut(held_out_data, all_rows(held_out_data), size)
    return _in_chunks_that_fit(models, streams, data, watched, arguments, most_bytes)


def _in_chunks_that_fit(
    models: list[keras.Model],
    streams: list[Streams],
    data: Data,
    watched: HeldOut | None,
    arguments: FitArguments,
    most_bytes: int | None,
) -> list[keras.callbacks.History]:
    batch_size, n_samples = arguments.samples_a_step, len(data.y)
    one_copy = Program(models[0], batch_size)
    most = most_copies(one_copy, state_of(models[0]), data, n_samples, most_bytes)
    chunks, size = in_chunks(list(zip(models, streams, strict=True)), most)
    program = Program(models[0], batch_size, size, way_here())
    histories = []
    for chunk in chunks:
        full = filled(chunk, size)
        copies = Copies(
            program,
            stacked([state_of(model) for model, _ in full]),
            [own for _, own in full],
            data,
            np.arange(n_samples),
            epochs=arguments.epochs,
            shuffle=arguments.shuffle,
        )
        logs = [copies.run_epoch(epoch, watched) for epoch in range(arguments.epochs)]
        copies.finish()
        for place, (model, _) in enumerate(chunk):
            with LOCK:
                put_into(model, copies.state_of_copy(place))
            histories.append(_history(model, logs, place))
    return histories


def _history(model: keras.Model, logs: list[Logs], place: int) -> keras.callbacks.History:
    history = keras.callbacks.History()
    history.set_model(model)
    history.on_train_begin()
    for epoch, figures in enumerate(logs):
        own = jax.tree.map(lambda array: array[place], figures)
        history.on_epoch_end(epoch, as_floats(own))
    model.history = history
    return history


def check_alike(models: Sequence[keras.Model], n_seeds: int) -> None:
    """Raise an error unless there are models, compiled, of one architecture, each with a seed."""
    if not models or len(models) != n_seeds:
        raise UsageError(f"expected models and a seed for each, got {len(models)} and {n_seeds}")
    for place, model in enumerate(models):
        if not getattr(model, "compiled", False):
            raise UsageError(
                f"expected compiled models, got one that is not at place {place}; "
                "call model.compile(optimizer, loss) first"
            )
        check_model(model)
    if len({id(model) for model in models}) < len(models):
        raise UsageError("expected a model for each seed, got one of them more than once")
    first = _nature(models[0])
    for place, model in enumerate(models[1:], start=1):
        if _nature(model) != first:
            raise UsageError(
                "expected models that are alike but for the values of their variables, "
                f"got another at place {place} than at place 0"
            )


def _nature(model: keras.Model) -> list[Any]:
    """Return what a model is, but for the values of variables and its initializers' seeds."""
    parts = [describe_model(model), describe_object(model.optimizer)]
    return [_without_values(part) for part in (*parts, _loss_of(model))]


def _loss_of(model: keras.Model) -> Any:
    loss = model.loss
    return describe_object(loss) if isinstance(loss, keras.losses.Loss) else repr(loss)


_VALUES = ("learning_rate", "seed")  # the one a variable, the other the start of one


def _without_values(part: Any) -> Any:
    if isinstance(part, dict):
        return {
            key: _without_values(value)
            for key, value in part.items()
            if key not in _VALUES or isinstance(value, dict)
        }
    return [_without_values(item) for item in part] if isinstance(part, list) else part
