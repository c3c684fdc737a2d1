"""Samples on their way to the core, epoch by epoch.

Up to ``BLOCK_ROWS`` samples the core reads all of them where they lie, in one call. Beyond, memory
must not grow with the data: samples are gathered in the order of the epoch, some steps' worth at a
time, and each lot is a call. That is so for arrays in memory too, so that data trains to the same
bits wherever it lies.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mlplab.data import splits
from mlplab.data.lazy import LazyRows
from mlplab.engine.core import Features
from mlplab.engine.orders import Order

Array = npt.NDArray[Any]

LOT_BYTES = 1 << 25
"""Features gathered at a time; two lots are held, one in training and the next."""

# The core skips zeros below a density that is never above _MOST nor below _LEAST (core/gather.h),
# which it takes from 256 rows or somewhat more.
_MOST, _LEAST, _LOOKED_AT = 0.5, 0.125, 256


class Call(NamedTuple):
    """Samples of one call of the core, and the steps of the epoch that it makes."""

    x: Features
    y: Array
    order: npt.NDArray[np.int64]
    weight: npt.NDArray[np.float32] | None
    steps: slice


class AsTheyLie:
    """Samples that the core reads where they lie.

    Args:
        x: features as the core reads them.
        y: targets, as many.
        weight: sample weights, as many, or None.
        n_steps: steps an epoch.
        places: the row of each sample, where there are more rows than samples.
    """

    def __init__(
        self, x: Features, y: Array, weight: Any, n_steps: int, places: Array | None = None
    ) -> None:
        self.arrays, self.n_steps, self.places = (x, y, weight), n_steps, places

    @contextmanager
    def calls(self, order: Order) -> Iterator[Iterator[Call]]:
        """Give the calls of an epoch."""
        rows = order.rows(0, len(order))
        x, y, weight = self.arrays
        rows = rows if self.places is None else self.places[rows]
        yield iter([Call(x, y, rows, weight, slice(0, self.n_steps))])


class InLots:
    """Samples gathered lot by lot; the next lot is gathered while one is in training.

    Args:
        x: features as the core reads them, or rows to be read.
        y: targets, as many.
        weight: sample weights, as many, or None.
        batch_size: samples a step.
    """

    def __init__(self, x: Any, y: Any, weight: Any, batch_size: int) -> None:
        self.arrays, self.batch_size = (x, y, weight), batch_size
        rows = (
            splits.BLOCK_ROWS
            if isinstance(x, tuple)
            else LOT_BYTES // (x.shape[1] * x.dtype.itemsize)
        )
        self.steps_a_lot = max(1, rows // batch_size)

    @contextmanager
    def calls(self, order: Order) -> Iterator[Iterator[Call]]:
        """Give the calls of an epoch."""
        with ThreadPoolExecutor(1, "mlplab-gather") as reader:
            yield self._read_ahead(reader, order)

    def _read_ahead(self, reader: ThreadPoolExecutor, order: Order) -> Iterator[Call]:
        n_steps = -(-len(order) // self.batch_size)
        lots = [slice(at, at + self.steps_a_lot) for at in range(0, n_steps, self.steps_a_lot)]
        waiting = reader.submit(self._gathered, order, lots[0])
        for following in [*lots[1:], None]:
            ready = waiting.result()
            if following is not None:
                waiting = reader.submit(self._gathered, order, following)
            yield ready

    def _gathered(self, order: Order, steps: slice) -> Call:
        start, stop = steps.start * self.batch_size, steps.stop * self.batch_size
        rows = order.rows(start, min(stop, len(order)))
        x, y, weight = self.arrays
        if isinstance(x, tuple):  # a sparse matrix, which is in memory
            return Call(x, y, rows, weight, steps)
        own = None if weight is None else weight[rows]
        return Call(x[rows], y[rows], np.arange(len(rows), dtype=np.int64), own, steps)


Feed = AsTheyLie | InLots


def feed_of(x: Any, y: Any, weight: Any, batch_size: int) -> Feed:
    """Return how samples get to the core.

    Args:
        x: features as the core reads them, or rows to be read, (n, n_inputs).
        y: targets, as many, or rows to be read.
        weight: sample weights, as many, or None.
        batch_size: samples a step.
    """
    if len(y) > splits.BLOCK_ROWS:
        return InLots(x, np.asarray(y) if isinstance(x, tuple) else y, weight, batch_size)
    n_steps, y = -(-len(y) // batch_size), np.asarray(y)
    if not isinstance(x, LazyRows):
        return AsTheyLie(x, y, weight, n_steps)
    base = LazyRows(x.base, None, x.each)
    if x.rows is None or not _read_alike(base, x):
        return AsTheyLie(np.asarray(x), y, weight, n_steps)
    places = x.rows.at(np.arange(len(x)))
    if weight is not None:
        weight = _spread(weight, places, len(base))
    return AsTheyLie(np.asarray(base), _spread(y, places, len(base)), weight, n_steps, places)


def _spread(values: Array, places: Array, n_rows: int) -> Array:
    """Return an array of ``n_rows`` rows with the values at their places, and zeros elsewhere."""
    spread = np.zeros((n_rows, *values.shape[1:]), values.dtype)
    spread[places] = values
    return spread


def _read_alike(base: LazyRows, chosen: LazyRows) -> bool:
    """Return whether the core surely takes or skips the zeros of both alike.

    It looks at some rows of what it is given; where these are not the rows that it would look at,
    a density between the bounds could go either way.
    """
    densities = [_density(base), _density(chosen)]
    return min(densities) >= _MOST or max(densities) < _LEAST


def _density(x: LazyRows) -> float:
    looked_at: Array = x[np.arange(0, len(x), max(1, len(x) // _LOOKED_AT))]
    return int(np.count_nonzero(looked_at)) / max(1, looked_at.size)
