"""Dataset: named arrays with splits, class names and a fingerprint."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Split(NamedTuple):
    """Examples and their labels.

    Attributes:
        x: features, shape (n, ...), uint8 or floating.
        y: class indices, shape (n,), integers in 0..n_classes-1.
    """

    x: Array
    y: Array

    @property
    def n(self) -> int:
        """Number of examples."""
        return len(self.x)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Named arrays with splits (train, validation, test), class names and a fingerprint.

    Attributes:
        name: what the dataset is called, for instance ``mnist``.
        train: the examples to train on.
        test: the examples that training never sees.
        class_names: one name a class, in the order of the class indices.
        source: what ``mlplab.load`` takes to load it again: a name or a path. Empty for arrays made in memory.
        load_options: the keyword arguments that go with ``source``.
        validation: the examples that watch training; None until :meth:`with_validation`.
        disputed: indices of test examples whose label a crowd vote disputes.
    """

    name: str
    train: Split
    test: Split
    class_names: tuple[str, ...]
    source: str = ""
    load_options: dict[str, Any] = field(default_factory=dict)
    validation: Split | None = None
    disputed: tuple[int, ...] = ()

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one example."""
        return self.train.x.shape[1:]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the content: shapes, types and bytes of train and test, and class names."""
        digest = hashlib.sha256()
        for array in (*self.train, *self.test):
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        digest.update("\0".join(self.class_names).encode())
        return digest.hexdigest()

    def with_validation(self, validation: str | int | float, rng: np.random.Generator) -> Dataset:
        raise NotImplementedError
