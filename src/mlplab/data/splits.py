"""Carving one split from another: stratified, and fixed by the generator it is given."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mlplab.errors import DataError

Array = npt.NDArray[Any]
Indices = npt.NDArray[np.intp]

MAX_VALIDATION = 5_000
DEFAULT_TEST = 0.2

_NAMED = 10
"""Classes that an error names at most."""

_MOST_OF_A_CLASS = 10**9 - 1
"""Examples of a class from which NumPy draws hypergeometric numbers."""

BLOCK_ROWS = 1 << 20
"""Examples up to which all are drawn from at once; beyond, block by block."""


class SplitSizeError(DataError):
    """A split of that size cannot be carved; one of another can."""


def default_validation(n_train: int) -> int:
    """Examples to hold out for validation when nobody said how many: 5,000 or a tenth.

    Args:
        n_train: number of training examples before the validation split is taken out.

    Examples:
        >>> default_validation(60_000), default_validation(1_438)
        (5000, 143)
    """
    return min(MAX_VALIDATION, n_train // 10)


def split_size(size: int | float, n: int, name: str) -> int:
    """Turn a number of examples or a fraction into a number of examples.

    Args:
        size: how many, as an int, or which share, as a float between 0 and 1.
        n: how many there are to take from.
        name: the argument's name, for the error.

    Raises:
        DataError: if ``size`` is neither.

    Examples:
        >>> split_size(0.2, 1_797, "test"), split_size(100, 1_797, "test")
        (359, 100)
    """
    if isinstance(size, float | np.floating) and 0 < size < 1:
        return round(float(size) * n)
    if isinstance(size, int | np.integer) and not isinstance(size, bool) and size > 0:
        return int(size)
    raise DataError(
        f"{name} must be a number of examples (an int of 1 or more) or a share of them "
        f"(a float between 0 and 1), got {size!r}"
    )


def carve(y: Array, n: int, rng: np.random.Generator) -> tuple[Indices, Indices]:
    """Choose ``n`` examples to hold out, each class in its proportion.

    Class c, with n_c of the N examples, gives n n_c / N of the n, rounded by largest remainder, and
    never none nor all of its examples. Which ones is drawn from ``rng``; above ``BLOCK_ROWS``
    examples block by block, with the same chances.

    Args:
        y: class indices, shape (N,).
        n: how many to hold out.
        rng: the random stream to draw from.

    Returns:
        The indices that stay and the indices held out, each sorted.

    Raises:
        DataError: if some class would be left out on either side.

    Examples:
        >>> y = np.array([0, 0, 0, 0, 1, 1])
        >>> stays, held_out = carve(y, 3, np.random.default_rng(0))
        >>> y[stays].tolist(), y[held_out].tolist()
        ([0, 0, 1], [0, 0, 1])
    """
    held_out = held_out_rows(y, n, rng)
    stays = np.ones(len(y), np.bool_)
    stays[held_out] = False
    return np.flatnonzero(stays), held_out


def held_out_rows(y: Any, n: int, rng: np.random.Generator) -> Indices:
    """Choose as ``carve`` does, and return the indices held out alone, sorted.

    Above ``BLOCK_ROWS`` examples memory is that of a block and of what is held out.

    Args:
        y: class indices, shape (N,): an array, or what gives arrays when it is sliced.
        n: how many to hold out.
        rng: the random stream to draw from.

    Raises:
        DataError: if some class would be left out on either side.
    """
    if len(y) > BLOCK_ROWS:
        return _held_out_by_blocks(y, n, rng)
    y = np.asarray(y)
    classes, counts = np.unique(y, return_counts=True)
    _check_possible(classes, counts, n)
    chosen = [
        rng.permutation(np.flatnonzero(y == label))[:take]
        for label, take in zip(classes, _allot(counts, n), strict=True)
    ]
    return np.sort(np.concatenate(chosen))


def _held_out_by_blocks(y: Any, n: int, rng: np.random.Generator) -> Indices:
    """Draw the same distribution block by block.

    Of a class with R examples from here on, T of which are to be held out, a block with b of them
    gives Hypergeometric(T, R - T, b), and each of its examples is as likely as the others.
    """
    every = class_counts(y)
    classes = np.flatnonzero(every)
    remaining = every[classes]
    if remaining.max() > _MOST_OF_A_CLASS:
        raise DataError(
            f"expected at most {_MOST_OF_A_CLASS:,} examples of a class, got {remaining.max():,}"
        )
    _check_possible(classes, remaining, n)
    to_take = _allot(remaining, n)
    chosen: list[Indices] = []
    for start in range(0, len(y), BLOCK_ROWS):
        block = np.asarray(y[start : start + BLOCK_ROWS])
        for place, label in enumerate(classes.tolist()):
            members = np.flatnonzero(block == label)
            left = remaining[place] - to_take[place]
            take = rng.hypergeometric(to_take[place], left, len(members)) if len(members) else 0
            chosen.append(start + rng.permutation(members)[:take])
            remaining[place] -= len(members)
            to_take[place] -= take
    return np.sort(np.concatenate(chosen))


def class_counts(y: Any, n_classes: int = 0) -> npt.NDArray[np.int64]:
    """Count the examples of each class, block by block.

    Args:
        y: class indices, shape (n,).
        n_classes: how many counts there are at least.

    Examples:
        >>> class_counts(np.array([0, 2, 2])).tolist()
        [1, 0, 2]
    """
    total = np.zeros(n_classes, np.int64)
    for start in range(0, len(y), BLOCK_ROWS):
        counts = np.bincount(np.asarray(y[start : start + BLOCK_ROWS]), minlength=len(total))
        counts[: len(total)] += total
        total = counts.astype(np.int64)
    return total


def _allot(counts: Array, n: int) -> Array:
    """Share ``n`` among the classes by largest remainder, within 1..count-1 each."""
    quota = n * counts / counts.sum()
    take: Array = np.clip(np.floor(quota).astype(np.int64), 1, counts - 1)
    while take.sum() < n:
        take[np.argmax(np.where(take < counts - 1, quota - take, -np.inf))] += 1
    while take.sum() > n:
        take[np.argmin(np.where(take > 1, quota - take, np.inf))] -= 1
    return take


def _check_possible(classes: Array, counts: Array, n: int) -> None:
    if len(counts) == 0:
        raise DataError(f"cannot hold out {n} examples: there are none")
    if counts.min() < 2:
        alone = classes[counts < 2]
        lonely = ", ".join(str(label) for label in alone[:_NAMED])
        if len(alone) > _NAMED:
            lonely += f" and {len(alone) - _NAMED:,} others"
        raise DataError(
            "cannot hold out examples of each class: it takes 2 of each, "
            f"and there is 1 of class {lonely}"
        )
    most = int(counts.sum()) - len(counts)
    if not len(counts) <= n <= most:
        raise SplitSizeError(
            f"cannot hold out {n} of {counts.sum()} examples: with {len(counts)} classes, each on "
            f"both sides, it must be {len(counts)} to {most}"
        )
