"""Dataset: named arrays with splits, class names and a fingerprint."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mlplab.data.lazy import AllBut, LazyRows, Listed, in_parts
from mlplab.data.splits import carve, class_counts, held_out_rows, split_size
from mlplab.data.validate import raise_all, split_problems
from mlplab.errors import DataError

Array = npt.NDArray[Any]


class Split(NamedTuple):
    """Examples and their labels.

    Attributes:
        x: features, shape (n, ...), uint8 or floating.
        y: class indices, shape (n,), integers in 0..n_classes-1.

    Examples:
        >>> split = Split(x=np.zeros((3, 28, 28), np.uint8), y=np.array([5, 0, 4]))
        >>> split.n
        3
    """

    x: Array
    y: Array

    @property
    def n(self) -> int:
        """Number of examples."""
        return len(self.x)


@dataclass(frozen=True)
class Facts:
    """What is known of arrays that were checked when they were written.

    Attributes:
        sizes: the lengths of x and y for training, with those for validation, and of the test's.
        fingerprint: that of a Dataset of them.
        value_range: the smallest and the largest feature.
        density: the share of the training features that are not zero.
    """

    sizes: tuple[int, ...]
    fingerprint: str
    value_range: tuple[float, float]
    density: float


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Named arrays with splits (train, validation, test), class names and a fingerprint.

    The arrays are checked on the way in: whoever holds a Dataset need not check them again.

    Attributes:
        name: what the dataset is called, for instance ``mnist``.
        train: the examples to train on.
        test: the examples that training never sees.
        class_names: one name a class, in the order of the class indices.
        source: what ``mlplab.load`` takes to load it again: a name or a path. Empty for arrays
            made in memory.
        load_options: the keyword arguments that go with ``source``.
        validation: the examples that watch training; None until ``with_validation``.
        disputed: indices of test examples whose label a crowd vote disputes.
        feature_names: the names of the columns, where the data came from a table.
        facts: what is known of arrays that were checked before, and are not read to check them;
            dropped where the splits are not of their sizes.

    Raises:
        DataError: with every problem of every split: x and y of different lengths, labels that are
            missing, no integers or outside the classes, a class without examples, an empty split,
            NaN or infinite features.

    Examples:
        >>> x = np.arange(12, dtype=np.float32).reshape(6, 2)
        >>> y = np.array([0, 1, 0, 1, 0, 1])
        >>> small = Dataset("small", Split(x, y), Split(x, y), ("even", "odd"))
        >>> small.n_classes, small.input_shape, small.class_counts()
        (2, (2,), {'train': [3, 3], 'test': [3, 3]})
        >>> small
        Dataset('small', train=6, test=6, input_shape=(2,))
    """

    name: str
    train: Split
    test: Split
    class_names: tuple[str, ...]
    source: str = ""
    load_options: dict[str, Any] = field(default_factory=dict)
    validation: Split | None = None
    disputed: tuple[int, ...] = ()
    feature_names: tuple[str, ...] = ()
    facts: Facts | None = None

    def __post_init__(self) -> None:
        if self.facts is not None and self._sizes() != self.facts.sizes:
            object.__setattr__(self, "facts", None)
        problems = [] if len(self.class_names) > 1 else [_too_few_classes(self.class_names)]
        for name, split in self.splits.items():
            if self.facts is None:
                problems += split_problems(name, *split, self.class_names, self.feature_names)
            if split.x.shape[1:] != self.input_shape:
                problems.append(
                    f"{name}: examples have shape {split.x.shape[1:]}, "
                    f"those of train {self.input_shape}: they must agree"
                )
        raise_all(problems, f"dataset {self.name}")

    def _sizes(self) -> tuple[int, ...]:
        """Examples of the arrays that were split for training, and of the test split."""
        held_out = self.validation if self.validation is not self.test else None
        parts = [self.train] if held_out is None else [self.train, held_out]
        return tuple(sum(len(part[axis]) for part in parts) for axis in (0, 1)) + tuple(
            map(len, self.test)
        )

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}={split.n}" for name, split in self.splits.items())
        return f"Dataset({self.name!r}, {sizes}, input_shape={self.input_shape})"

    @property
    def splits(self) -> dict[str, Split]:
        """The splits there are, by name: train, validation (if any), test."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: split for name, split in named.items() if split is not None}

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one example."""
        return self.train.x.shape[1:]

    @property
    def value_range(self) -> tuple[float, float]:
        """Smallest and largest feature, over all splits."""
        if self.facts is not None:
            return self.facts.value_range
        return (
            min(split.x.min().item() for split in self.splits.values()),
            max(split.x.max().item() for split in self.splits.values()),
        )

    @property
    def density(self) -> float:
        """Share of the training features that are not zero."""
        if self.facts is not None and self.validation is None:
            return self.facts.density
        filled = sum(int(np.count_nonzero(part)) for part in in_parts(self.train.x))
        return filled / self.train.x.size

    def class_counts(self) -> dict[str, list[int]]:
        """Examples of each class, in the order of the class names, for each split."""
        return {
            name: class_counts(split.y, self.n_classes).tolist()
            for name, split in self.splits.items()
        }

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the content: shapes, types and bytes of every split, and class names.

        A dataset with a validation split carved out has other splits, so another fingerprint: to
        name the data itself, take it before ``with_validation``.
        """
        known = self.facts if self.validation is None else None
        return known.fingerprint if known else content_fingerprint(self.class_names, self.splits)

    def with_validation(self, validation: str | int | float, rng: np.random.Generator) -> Dataset:
        """Return this dataset with a validation split.

        Args:
            validation: ``"test"`` watches training on the test split itself (then the test figures
                are no longer those of unseen data); an int takes that many examples out of train, a
                float between 0 and 1 that share, each class in its proportion.
            rng: the random stream the examples are drawn from.

        Raises:
            DataError: if there is a validation split already, ``validation`` is none of these, or
                some class would be left out on either side.

        Examples:
            >>> x, y = np.zeros((20, 3), np.float32), np.arange(20) % 2
            >>> data = Dataset("zeros", Split(x, y), Split(x, y), ("even", "odd"))
            >>> carved = data.with_validation(0.2, np.random.default_rng(0))
            >>> carved.train.n, carved.validation.n, carved.test.n
            (16, 4, 20)
        """
        if validation == "test" and self.validation is None:
            return replace(self, validation=self.test)
        if self.facts is not None:  # data that may be larger than the memory
            size = self._validation_size(validation)
            return self._without(held_out_rows(self.train.y, size, rng))
        stays, held_out = self.validation_rows(validation, rng)
        return replace(self, train=_take(self.train, stays), validation=_take(self.train, held_out))

    def _without(self, held_out: npt.NDArray[np.intp]) -> Dataset:
        """Return the dataset with these training examples for validation, nothing copied."""
        out, stays = Listed(held_out), AllBut(self.train.n, held_out)
        train, validation = (
            [LazyRows(array, rows) for array in self.train] for rows in (stays, out)
        )
        return replace(self, train=_split(*train), validation=_split(*validation))

    def validation_rows(
        self, validation: str | int | float, rng: np.random.Generator
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Return which training examples ``with_validation`` leaves, and which it takes out.

        Args:
            validation: a number of examples or a share of them.
            rng: the random stream the examples are drawn from.

        Raises:
            DataError: as for ``with_validation``.
        """
        size = self._validation_size(validation)
        return carve(np.asarray(self.train.y), size, rng)

    def _validation_size(self, validation: str | int | float) -> int:
        if self.validation is not None:
            raise DataError(f"dataset {self.name} has a validation split already")
        if isinstance(validation, str):
            raise DataError(
                "validation must be 'test', a number of examples or a share of them, "
                f"got {validation!r}"
            )
        return split_size(validation, self.train.n, "validation")

    def summary(self) -> dict[str, Any]:
        """What there is to say about the dataset, as plain data that JSON can hold."""
        return {
            "name": self.name,
            "source": self.source,
            "load_options": self.load_options,
            "shapes": {name: list(split.x.shape) for name, split in self.splits.items()},
            "dtype": self.train.x.dtype.name,
            "class_names": list(self.class_names),
            "class_counts": self.class_counts(),
            "value_range": list(self.value_range),
            "density": self.density,
            "disputed": list(self.disputed),
            "fingerprint": self.fingerprint,
        }


def content_fingerprint(class_names: tuple[str, ...], splits: dict[str, Split]) -> str:
    """Return the SHA-256 over class names and the content of splits."""
    digest = hashlib.sha256(json.dumps(class_names).encode())
    for name, split in splits.items():
        for array in split:
            digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
            for part in in_parts(array):
                digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()


def _split(x: Any, y: Any) -> Split:
    """Return a split of arrays, or of rows that stand for them."""
    return Split(x, y)


def _take(split: Split, indices: npt.NDArray[np.intp]) -> Split:
    return Split(split.x[indices], split.y[indices])


def _too_few_classes(class_names: tuple[str, ...]) -> str:
    return f"classification takes 2 classes or more, got {len(class_names)}: {list(class_names)}"
