"""The ``keras`` engine: the model's own ``fit``, with the random streams of a run.

Who owns what: Keras owns the loop, the batches' arithmetic and the callbacks. This file owns the
order of the samples and the state of dropout, and only when a seed is given.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import scipy.sparse

from mlplab.data.lazy import LazyRows
from mlplab.engine.arrays import at_hand
from mlplab.engine.orders import InTurn, Order
from mlplab.engine.streams import Streams, seed_dropout
from mlplab.errors import DataError, UsageError

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class FitArguments:
    """The arguments of ``keras.Model.fit`` that an engine has to understand.

    ``passed_on`` holds the rest of them. ``threads`` is not Keras's: the native engine reads it.
    """

    x: Any
    y: Any
    sample_weight: Any
    batch_size: int | None
    epochs: int
    initial_epoch: int
    shuffle: bool
    validation_split: float
    validation_data: Any
    callbacks: list[keras.callbacks.Callback]
    passed_on: dict[str, Any]
    threads: int | None = None

    @property
    def samples_a_step(self) -> int:
        """Samples a step; where none are asked for, as many as Keras takes."""
        return self.batch_size or 32

    @property
    def keywords(self) -> dict[str, Any]:
        """All arguments as ``keras.Model.fit`` takes them."""
        own = ("passed_on", "threads")
        return {n: value for n, value in vars(self).items() if n not in own} | self.passed_on


def fit(
    model: keras.Model, arguments: FitArguments, streams: Streams | None
) -> keras.callbacks.History:
    """Train a compiled model with its own ``fit``; with streams, in their order."""
    lazy = isinstance(arguments.x, LazyRows) or isinstance(arguments.y, LazyRows)
    if streams is None and not lazy:
        return model.fit(**arguments.keywords)
    streams = streams or Streams.of(random.getrandbits(63))
    arguments = with_held_out_at_hand(carve_tail(check_arrays(arguments)))
    n_samples, batch_size = arguments.x.shape[0], arguments.samples_a_step
    steps = math.ceil(n_samples / batch_size)
    seed_dropout(model, streams, steps_done=arguments.initial_epoch * steps)
    if not arguments.shuffle and not lazy:
        return model.fit(**arguments.keywords)
    batches = OrderedBatches(arguments.x, arguments.y, arguments.sample_weight, batch_size)
    leaders = [EpochOrder(batches, streams)] if arguments.shuffle else []
    ordered = replace(
        arguments,
        x=batches,
        y=None,
        sample_weight=None,
        batch_size=None,
        shuffle=False,
        callbacks=[*leaders, *arguments.callbacks],
    )
    validation_batch_size = arguments.passed_on.get("validation_batch_size") or batch_size
    return model.fit(**ordered.keywords | {"validation_batch_size": validation_batch_size})


def check_arrays(arguments: FitArguments) -> FitArguments:
    """Return the arguments with x, y and sample_weight as arrays of one length, or say why not."""
    if arguments.y is None or isinstance(arguments.x, (dict, list, tuple)):
        raise UsageError(
            f"seed= expects x and y as arrays, got x of type {type(arguments.x).__name__} and "
            f"y of type {type(arguments.y).__name__}; "
            "leave seed= out to let Keras order the samples"
        )
    x = _rows_at_hand(arguments.x)
    y = arguments.y if isinstance(arguments.y, LazyRows) else np.asarray(arguments.y)
    weight = None if arguments.sample_weight is None else np.asarray(arguments.sample_weight)
    for name, array in (("y", y), ("sample_weight", weight)):
        if array is not None and len(array) != x.shape[0]:
            raise DataError(f"expected {name} as long as x ({x.shape[0]}), got {len(array)}")
    return replace(arguments, x=x, y=y, sample_weight=weight)


def with_held_out_at_hand(arguments: FitArguments) -> FitArguments:
    """Return the arguments with validation data in memory, where they are rows to be read."""
    held_out = arguments.validation_data
    if isinstance(held_out, tuple):
        held_out = tuple(map(at_hand, held_out))
    return replace(arguments, validation_data=held_out)


def _rows_at_hand(x: Any) -> Any:
    """Return x as an array, as rows to be read, or as a sparse matrix whose rows can be taken."""
    if isinstance(x, LazyRows):
        return x
    return scipy.sparse.csr_array(x) if scipy.sparse.issparse(x) else np.asarray(x)


def carve_tail(arguments: FitArguments) -> FitArguments:
    """Return the arguments with ``validation_split`` taken from the last samples, as Keras does."""
    if not arguments.validation_split or arguments.validation_data is not None:
        return replace(arguments, validation_split=0.0)
    n_samples = arguments.x.shape[0]
    start = math.floor(n_samples * (1.0 - arguments.validation_split))
    if not 0 < start < n_samples:
        raise DataError(
            f"expected a validation_split that leaves samples on both sides, "
            f"got {arguments.validation_split} of {n_samples}"
        )
    arrays = [arguments.x, arguments.y, arguments.sample_weight]
    head = [None if array is None else _part(array, 0, start) for array in arrays]
    tail = [_part(array, start, n_samples) for array in arrays if array is not None]
    return replace(
        arguments,
        x=head[0],
        y=head[1],
        sample_weight=head[2],
        validation_split=0.0,
        validation_data=tuple(tail),
    )


def _part(array: Any, start: int, stop: int) -> Any:
    return array.part(start, stop) if isinstance(array, LazyRows) else array[start:stop]


class OrderedBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of arrays in an order that is set from outside, once an epoch."""

    def __init__(self, x: Array, y: Array, sample_weight: Array | None, batch_size: int) -> None:
        super().__init__()
        self.arrays: list[Any] = [array for array in (x, y, sample_weight) if array is not None]
        self.batch_size = batch_size
        self.order: Order = InTurn(x.shape[0])

    def __len__(self) -> int:
        return math.ceil(len(self.order) / self.batch_size)

    def __getitem__(self, step: int) -> tuple[Array, ...]:
        start = step * self.batch_size
        chosen = self.order.rows(start, min(start + self.batch_size, len(self.order)))
        rows = (array[chosen] for array in self.arrays)
        return tuple(part.toarray() if scipy.sparse.issparse(part) else part for part in rows)


class EpochOrder(keras.callbacks.Callback):  # type: ignore[misc]
    """Gives the batches each epoch's order before its first step."""

    def __init__(self, batches: OrderedBatches, streams: Streams) -> None:
        super().__init__()
        self.batches, self.streams = batches, streams

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Set the order of this epoch."""
        self.batches.order = self.streams.order_in_blocks(epoch, len(self.batches.order))
