"""Rows of an array, made when they are asked for: what lets data be larger than memory.

A split of mapped data is the mapped array and which of its rows; targets are labels and what turns
them into vectors. Nothing is copied until rows are read, and then those rows alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Places = npt.NDArray[np.int64]

PART_BYTES = 1 << 24
"""What is read of a large array at once where all of it is read once."""


@dataclass(frozen=True)
class AllBut:
    """The places 0..n-1 without those that are left out, in their order.

    Attributes:
        n: how many places there are.
        left_out: those left out, increasing.

    Examples:
        >>> places = AllBut(6, np.array([1, 4]))
        >>> len(places), places.at(np.arange(4)).tolist()
        (4, [0, 2, 3, 5])
    """

    n: int
    left_out: Places

    def __len__(self) -> int:
        return self.n - len(self.left_out)

    def at(self, which: Places) -> Places:
        """Return the places of that number, counted from 0 without those left out."""
        # left_out[i] - i places that stay lie before left_out[i].
        before = np.searchsorted(self._kept_before, which, side="right")
        return which + before

    @cached_property
    def _kept_before(self) -> Places:
        return self.left_out - np.arange(len(self.left_out))


@dataclass(frozen=True)
class Listed:
    """Places one by one.

    Examples:
        >>> Listed(np.array([5, 2])).at(np.array([1])).tolist()
        [2]
    """

    places: Places

    def __len__(self) -> int:
        return len(self.places)

    def at(self, which: Places) -> Places:
        """Return the places of that number."""
        return self.places[which]


@dataclass(frozen=True)
class Within:
    """The places from one number up to another, of those that others give.

    Examples:
        >>> places = Within(AllBut(6, np.array([1, 4])), 1, 3)
        >>> len(places), places.at(np.arange(2)).tolist()
        (2, [2, 3])
    """

    places: AllBut | Listed | Within
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def at(self, which: Places) -> Places:
        """Return the places of that number, counted from ``start``."""
        return self.places.at(which + self.start)


class LazyRows:
    """Rows of an array, each read when it is asked for.

    It has the shape, type and indexing of the array it stands for; ``np.asarray`` reads all of it.
    Pickled, it becomes that array.

    Args:
        base: the array, shape (n, ...), as a rule mapped from a file.
        rows: which of its rows; all where it is None.
        each: what turns rows of ``base`` into rows of this, many at once.

    Examples:
        >>> base = np.arange(12).reshape(6, 2)
        >>> rows = LazyRows(base, AllBut(6, np.array([0])))
        >>> rows.shape, rows[1].tolist(), rows[3:].tolist()
        ((5, 2), [4, 5], [[8, 9], [10, 11]])
    """

    def __init__(
        self,
        base: Any,
        rows: AllBut | Listed | Within | None = None,
        each: Callable[[Array], Array] | None = None,
    ) -> None:
        self.base, self.rows, self.each = base, rows, each
        one = self._made(np.asarray(base[:1]))
        self.dtype: np.dtype[Any] = one.dtype
        self.shape: tuple[int, ...] = (len(base if rows is None else rows), *one.shape[1:])

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """Bytes of all of it, were it read."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> Any:
        first, rest = (index[0], index[1:]) if isinstance(index, tuple) else (index, ())
        if isinstance(first, int | np.integer) and not isinstance(first, bool):
            place = range(len(self))[int(first)]  # counts from the end, and refuses what is beyond
            row = self.between(place, place + 1)[0]
            return row[rest] if rest else row
        if isinstance(first, slice):
            rows = self.between(*first.indices(len(self)))
        elif isinstance(first, list | np.ndarray) and np.ndim(first) == 1 and not rest:
            return self.take(self._as_places(np.asarray(first)))
        else:
            return np.asarray(self)[index]
        return rows[(slice(None), *rest)] if rest else rows

    def _as_places(self, index: Array) -> Places:
        """Return the places that a list of numbers or a mask means; refuse as NumPy does."""
        if index.dtype == np.bool_:
            if len(index) != len(self):
                raise IndexError(f"expected a mask of {len(self)} rows, got one of {len(index)}")
            return np.flatnonzero(index)
        if index.size and not -len(self) <= index.min() <= index.max() < len(self):
            raise IndexError(f"expected rows of {len(self)}, got {index.min()} to {index.max()}")
        return np.where(index < 0, index + len(self), index).astype(np.int64)

    def between(self, start: int, stop: int, step: int = 1) -> Array:
        """Read the rows of a range."""
        if self.rows is None:
            return self._made(np.asarray(self.base[slice(start, None if stop < 0 else stop, step)]))
        return self.take(np.arange(start, stop, step))

    def take(self, which: Places) -> Array:
        """Read rows one by one, in that order."""
        places = which if self.rows is None else self.rows.at(which)
        return self._made(np.asarray(self.base[places]))

    def part(self, start: int, stop: int) -> LazyRows:
        """Return the rows from ``start`` up to ``stop``, unread.

        Examples:
            >>> LazyRows(np.arange(6), AllBut(6, np.array([0]))).part(2, 5)[:].tolist()
            [3, 4, 5]
        """
        if self.rows is None:
            return LazyRows(self.base[start:stop], None, self.each)
        return LazyRows(self.base, Within(self.rows, start, stop), self.each)

    def then(self, each: Callable[[Array], Array]) -> LazyRows:
        """Return the rows that a function makes of these, many at once.

        Examples:
            >>> LazyRows(np.arange(3)).then(lambda rows: rows * 2)[2]
            np.int64(4)
        """
        before = self.each
        return LazyRows(
            self.base, self.rows, each if before is None else lambda rows: each(before(rows))
        )

    def _made(self, rows: Array) -> Array:
        return rows if self.each is None else self.each(rows)

    def __iter__(self) -> Iterator[Any]:
        return (self[place] for place in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        read = self.between(0, len(self))
        return read if dtype is None else read.astype(dtype, copy=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return np.array, (np.asarray(self),)

    def __repr__(self) -> str:
        return f"LazyRows(shape={self.shape}, dtype={self.dtype})"


def is_mapped(array: Any) -> bool:
    """Return whether an array is read when it is used: mapped from a file, or lazy rows.

    Examples:
        >>> is_mapped(np.zeros(3))
        False
    """
    return isinstance(array, LazyRows | np.memmap)


def rows_of_a_part(array: Any) -> int:
    """Return how many rows of an array are read at once where all of it is read once.

    Examples:
        >>> rows_of_a_part(np.zeros((3, 8)))
        262144
    """
    return max(1, PART_BYTES // max(1, int(array.nbytes) // max(1, len(array))))


def in_parts(array: Any) -> Iterator[Array]:
    """Read an array part by part, in the order of its rows.

    Examples:
        >>> [part.tolist() for part in in_parts(np.arange(3))]
        [[0, 1, 2]]
    """
    n_rows = rows_of_a_part(array)
    for start in range(0, len(array), n_rows):
        yield np.asarray(array[start : start + n_rows])
