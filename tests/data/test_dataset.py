"""Dataset: what it tells of its arrays, and what it refuses."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlplab
from mlplab.data import Dataset, Split
from mlplab.errors import DataError

X = np.array([[0, 1], [2, 0], [0, 3], [4, 0]], dtype=np.float32)
Y = np.array([0, 1, 0, 1])


def small(**changes: Any) -> Dataset:
    fields: dict[str, Any] = {"train": Split(X, Y), "test": Split(X[:2], Y[:2])}
    return Dataset("small", **{**fields, "class_names": ("a", "b"), **changes})


def test_what_it_tells() -> None:
    assert small().summary() == {
        "name": "small",
        "source": "",
        "load_options": {},
        "shapes": {"train": [4, 2], "test": [2, 2]},
        "dtype": "float32",
        "class_names": ["a", "b"],
        "class_counts": {"train": [2, 2], "test": [1, 1]},
        "value_range": [0.0, 4.0],
        "density": 0.5,
        "disputed": [],
        "fingerprint": small().fingerprint,
    }


def test_the_summary_is_json() -> None:
    assert json.loads(json.dumps(small().summary())) == small().summary()


def test_the_fingerprint_is_over_the_content() -> None:
    same = small(train=Split(np.asfortranarray(X.copy()), Y.copy()), disputed=(1,), source="here")
    others = [
        small(train=Split(X + 1, Y)),
        small(train=Split(X, Y[::-1].copy())),
        small(train=Split(X.astype(np.float64), Y)),
        small(test=Split(X, Y)),
        small(class_names=("a", "c")),
        small(validation=Split(X, Y)),
        small(train=Split(X.reshape(4, 1, 2), Y), test=Split(X[:2].reshape(2, 1, 2), Y[:2])),
    ]
    assert same.fingerprint == small().fingerprint
    assert len({small().fingerprint, *(other.fingerprint for other in others)}) == 1 + len(others)


def test_mnist_is_what_it_was(mnist: Dataset) -> None:
    assert round(mnist.density, 3) == 0.191
    assert int((mnist.train.x.reshape(60_000, 784) > 0).any(axis=0).sum()) == 717
    assert mnist.value_range == (0, 255)
    assert mnist.class_names == tuple("0123456789")
    assert mnist.class_counts()["test"] == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert len(mnist.disputed) == 15
    assert mnist.source == "mnist"


BAD = {
    "labels outside": (
        {"train": Split(X, np.array([0, 1, 2, -1]))},
        "dataset small: train: 2 labels are outside the classes 0..1; the first is 2 at index 2",
    ),
    "labels missing": (
        {"train": Split(X, np.array([0, 1, np.nan, 1]))},
        "dataset small: train: 1 label is missing; the first is at index 2",
    ),
    "labels no integers": (
        {"train": Split(X, np.array([0, 0.5, 1.5, 1]))},
        "dataset small: train: 2 labels are non-integer; the first is 0.5 at index 1",
    ),
    "labels of a float type": (
        {"train": Split(X, Y.astype(np.float64))},
        "dataset small: train: labels must have an integer type, got float64: use astype(int)",
    ),
    "labels infinite": (
        {"train": Split(X, np.array([0, 1, 0, np.inf]))},
        "dataset small: train: 1 label is not finite; the first is inf at index 3",
    ),
    "labels of another shape": (
        {"train": Split(X, np.eye(2)[Y])},
        "dataset small: train: labels must have shape (n,), got (4, 2)",
    ),
    "labels that are words": (
        {"train": Split(X, np.array(list("abab")))},
        "dataset small: train: labels must be integers, got <U1",
    ),
    "different lengths": (
        {"test": Split(X, Y[:3])},
        "dataset small: test: x has 4 examples, y has 3 labels: they must be as many",
    ),
    "an empty split": (
        {"test": Split(X[:0], Y[:0])},
        "dataset small: test is empty: it has 0 examples and 0 labels",
    ),
    "a class missing": (
        {"test": Split(X[:1], Y[:1])},
        "dataset small: test: no example of 1 class ('b'): each of the 2 classes must be in "
        "every split",
    ),
    "NaN": (
        {"train": Split(np.where(X == 0, np.nan, X), Y), "feature_names": ("height", "width")},
        "dataset small: train: 4 features are NaN; the first is at index (0, 0), column 'height'",
    ),
    "infinity": (
        {"train": Split(np.where(X == 3, -np.inf, X), Y)},
        "dataset small: train: 1 feature is infinite; the first is at index (2, 1)",
    ),
    "features that are no numbers": (
        {"train": Split(X.astype(str), Y)},
        "dataset small: train: features must be numbers, got <U32",
    ),
    "features of no shape": (
        {"train": Split(X[:, 0], Y), "test": Split(X[:, 0], Y)},
        "dataset small:\n  train: features must have shape (n, ...), got (4,)\n"
        "  test: features must have shape (n, ...), got (4,)",
    ),
    "shapes that differ": (
        {"test": Split(X[:, :1], Y)},
        "dataset small: test: examples have shape (1,), those of train (2,): they must agree",
    ),
    "one class": (
        {"class_names": ("a",), "train": Split(X, Y * 0), "test": Split(X, Y * 0)},
        "dataset small: classification takes 2 classes or more, got 1: ['a']",
    ),
    "everything at once": (
        {"train": Split(X * np.nan, Y + 1), "test": Split(X[:0], Y[:1])},
        "dataset small:\n"
        "  train: 8 features are NaN; the first is at index (0, 0)\n"
        "  train: 2 labels are outside the classes 0..1; the first is 2 at index 1\n"
        "  test is empty: it has 0 examples and 1 labels",
    ),
}


@pytest.mark.parametrize(("changes", "message"), BAD.values(), ids=BAD)
def test_what_it_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=f"^{re.escape(message)}$") as caught:
        small(**changes)
    assert caught.value.exit_code == 2


def test_a_copy_is_checked_too() -> None:
    with pytest.raises(DataError, match="outside the classes"):
        replace(small(), class_names=("a", "b"), test=Split(X, Y + 5))


def test_mapped_arrays_of_ones_own_can_be_carved_and_trained_on(tmp_path: Path) -> None:
    x, y = np.random.default_rng(0).random((40, 3), np.float32), np.arange(40) % 2
    for name, array in (("x", x), ("y", y)):
        np.save(tmp_path / f"{name}.npy", array)
    mapped = Split(*(np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "xy"))
    in_memory, of_files = (
        Dataset("small", split, split, ("even", "odd")).with_validation(8, np.random.default_rng(1))
        for split in (Split(x, y), mapped)
    )
    np.testing.assert_array_equal(of_files.train.x, in_memory.train.x)
    assert of_files.fingerprint == in_memory.fingerprint


def test_what_is_known_of_converted_arrays_is_not_said_of_others(tmp_path: Path) -> None:
    lines = ["a,b,way", *(f"{n},1,{n % 2}" for n in range(50))]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    converted = mlplab.convert(tmp_path / "t.csv", tmp_path / "to", target="way", test=10)
    fewer = replace(converted, train=Split(converted.train.x[:20], converted.train.y[:20]))
    assert fewer.fingerprint != converted.fingerprint
    with pytest.raises(DataError, match=r"x has 20 .*y has 10"):
        replace(converted, train=Split(converted.train.x[:20], converted.train.y[:10]))
