"""The order of an epoch's samples, whole or drawn block by block.

Up to ``BLOCK_ROWS`` samples an order is one permutation. Beyond, memory would grow with the data,
and rows mapped from a disk would be read one by one from all over it. So runs of ``RUN_ROWS``
neighbouring samples are shuffled, and the samples of every block of runs among themselves: a block
of a million samples comes from a thousand places of the data, in no order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from mlplab.data import splits

Rows = npt.NDArray[np.int64]
RngOf = Callable[..., np.random.Generator]

RUN_ROWS = 1 << 10


class Order(Protocol):
    """The order of an epoch's samples."""

    def __len__(self) -> int:
        """Return the number of samples."""

    def rows(self, start: int, stop: int) -> Rows:
        """Return the samples at places ``start`` to ``stop`` of the order."""


class InTurn:
    """Samples as they lie.

    Examples:
        >>> InTurn(5).rows(2, 4).tolist()
        [2, 3]
    """

    def __init__(self, n_samples: int) -> None:
        self.n_samples = n_samples

    def __len__(self) -> int:
        return self.n_samples

    def rows(self, start: int, stop: int) -> Rows:
        """Return the samples at places ``start`` to ``stop``."""
        return np.arange(start, stop, dtype=np.int64)


class Whole:
    """An order that is held as one permutation."""

    def __init__(self, permutation: Rows) -> None:
        self.permutation = permutation

    def __len__(self) -> int:
        return len(self.permutation)

    def rows(self, start: int, stop: int) -> Rows:
        """Return the samples at places ``start`` to ``stop``."""
        return self.permutation[start:stop]


class ByBlocks:
    """An order that is drawn block by block, when its samples are asked for.

    Args:
        n_samples: how many there are.
        rng_of: gives the generator of the runs' order, and with a number that of a block.

    Examples:
        >>> order = ByBlocks(3_000_000, lambda *block: np.random.default_rng(block))
        >>> seen = np.concatenate([order.rows(at, at + 10**6) for at in range(0, 3_000_000, 10**6)])
        >>> bool((np.sort(seen) == np.arange(3_000_000)).all())
        True
    """

    def __init__(self, n_samples: int, rng_of: RngOf) -> None:
        self.n_samples, self.rng_of = n_samples, rng_of
        self.runs_a_block = splits.BLOCK_ROWS // RUN_ROWS
        self.runs = rng_of().permutation(-(-n_samples // RUN_ROWS))
        sizes = np.minimum(RUN_ROWS, n_samples - self.runs * RUN_ROWS)  # the last run is shorter
        sizes = np.add.reduceat(sizes, np.arange(0, len(sizes), self.runs_a_block))
        self.starts = np.concatenate([[0], np.cumsum(sizes)])
        self._drawn: tuple[int, Rows] = (-1, np.empty(0, np.int64))

    def __len__(self) -> int:
        return self.n_samples

    def rows(self, start: int, stop: int) -> Rows:
        """Return the samples at places ``start`` to ``stop``."""
        first = int(np.searchsorted(self.starts, start, side="right")) - 1
        found = []
        while start < stop:
            begin, end = self.starts[first], min(stop, self.starts[first + 1])
            found.append(self._block(first)[start - begin : end - begin])
            start, first = end, first + 1
        return np.concatenate(found) if found else np.empty(0, np.int64)

    def _block(self, block: int) -> Rows:
        if self._drawn[0] != block:
            runs = self.runs[block * self.runs_a_block : (block + 1) * self.runs_a_block]
            rows = (runs[:, np.newaxis] * RUN_ROWS + np.arange(RUN_ROWS)).ravel()
            rows = rows[rows < self.n_samples]
            self._drawn = (block, self.rng_of(block).permutation(rows))
        return self._drawn[1]
