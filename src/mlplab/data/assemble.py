"""Arrays as they stand in a file -> Dataset: checked, converted, with a test split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mlplab.data.dataset import Dataset, Split
from mlplab.data.files import Found
from mlplab.data.splits import carve, split_size
from mlplab.data.validate import array_problems, raise_all

Array = npt.NDArray[Any]

# A test split carved here must be the same at every load: it depends on nothing but the data.
TEST_SEED = 0


def assemble(
    name: str,
    found: Found,
    *,
    test: int | float,
    source: str,
    load_options: dict[str, Any],
    where: str | None = None,
    feature_names: tuple[str, ...] = (),
) -> Dataset:
    """Make a dataset of the arrays found in a file.

    Args:
        name: what to call it.
        found: features and labels; labels are integers, or words.
        test: how much to carve for a test split, if none was found.
        source: what ``load`` takes to load it again.
        load_options: the keyword arguments that go with ``source``.
        where: what to call the data in an error.
        feature_names: the names of the columns, where there are any.

    Raises:
        DataError: with every problem there is.
    """
    where = where or name
    found_splits = {"data": found.train}
    if found.test is not None:
        found_splits = {"train": found.train, "test": found.test}
    words, labels = _words_to_numbers([y for _, y in found_splits.values()])
    splits = {
        split: Split(as_features(x), y)
        for (split, (x, _)), y in zip(found_splits.items(), labels, strict=True)
    }
    raise_all(_problems(splits, words, feature_names), where)
    splits = {split: Split(x, y.astype(np.int64)) for split, (x, y) in splits.items()}
    n_classes = 1 + max(int(y.max()) for _, y in splits.values())
    if found.test is None:
        splits = _carve_test(splits["data"], test)
    return Dataset(
        name,
        train=splits["train"],
        test=splits["test"],
        class_names=words or tuple(str(label) for label in range(n_classes)),
        source=source,
        load_options=load_options,
        feature_names=feature_names,
    )


def _carve_test(data: Split, test: int | float) -> dict[str, Split]:
    size = split_size(test, data.n, "test")
    stays, held_out = carve(data.y, size, np.random.default_rng(TEST_SEED))
    return {
        "train": Split(data.x[stays], data.y[stays]),
        "test": Split(data.x[held_out], data.y[held_out]),
    }


def as_features(x: Array) -> Array:
    """uint8 as it is, other numbers float32; what is too large for float32 becomes infinite."""
    if x.dtype == np.uint8 or x.dtype.kind not in "uif":
        return x
    with np.errstate(over="ignore"):
        return x.astype(np.float32)


def _words_to_numbers(labels: Sequence[Array]) -> tuple[tuple[str, ...], list[Array]]:
    """Words become class indices in the order of the alphabet, a missing word NaN.

    Returns:
        The words, none where the labels are numbers, and the labels as numbers.
    """
    if not any(y.dtype.kind in "UO" and y.ndim == 1 for y in labels):
        return (), list(labels)
    words = sorted({str(label) for y in labels for label in y if label is not None})
    index: dict[str | None, float] = {word: float(i) for i, word in enumerate(words)}
    numbers = [
        np.array([np.nan if label is None else index[str(label)] for label in y]) for y in labels
    ]
    return tuple(words), numbers


def _problems(
    splits: dict[str, Split], words: tuple[str, ...], feature_names: tuple[str, ...]
) -> list[str]:
    problems: list[str] = []
    for name, (x, y) in splits.items():
        problems += array_problems(name, x, y, feature_names)
    return problems or ([] if words else _numbering_problems([y for _, y in splits.values()]))


def _numbering_problems(labels: Sequence[Array]) -> list[str]:
    """Integer labels are class indices, so they must run from 0 without gaps."""
    distinct = np.unique(np.concatenate(labels))
    if np.array_equal(distinct, np.arange(len(distinct))):
        return []
    return [gaps(len(distinct), int(distinct[0]), int(distinct[-1]))]


def gaps(count: int, first: int, last: int) -> str:
    """Say that integer labels do not number the classes."""
    return (
        f"integer labels must run from 0 without gaps; got {count} different ones from "
        f"{first} to {last}: number the classes from 0, or name them in words"
    )
