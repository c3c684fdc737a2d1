"""Carving: stratified, disjoint, of the size asked for, and drawn from the generator alone."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplab.data import Dataset, Split, carve, default_validation, splits
from mlplab.data.splits import split_size
from mlplab.errors import DataError


@st.composite
def labels_and_size(draw: st.DrawFn) -> tuple[np.ndarray, int]:
    counts = draw(st.lists(st.integers(2, 30), min_size=2, max_size=8))
    y = np.repeat(np.arange(len(counts)), counts)
    y = np.random.default_rng(draw(st.integers(0, 99))).permutation(y)
    return y, draw(st.integers(len(counts), len(y) - len(counts)))


@given(labels_and_size())
def test_a_carved_split(case: tuple[np.ndarray, int]) -> None:
    y, n = case
    stays, held_out = carve(y, n, np.random.default_rng(7))
    assert len(held_out) == n
    assert np.array_equal(np.sort(np.concatenate([stays, held_out])), np.arange(len(y)))
    assert np.all(np.diff(stays) > 0)
    assert np.all(np.diff(held_out) > 0)
    assert set(y[stays]) == set(y[held_out]) == set(y)


@given(labels_and_size())
def test_each_class_gives_its_share(case: tuple[np.ndarray, int]) -> None:
    y, n = case
    counts = np.bincount(y)
    quota = n * counts / len(y)
    if (quota < 1).any() or (quota > counts - 1).any():
        return  # then one example stays on each side, whatever the share
    _, held_out = carve(y, n, np.random.default_rng(7))
    assert np.all(np.abs(np.bincount(y[held_out]) - quota) < 1)


def test_largest_remainder_by_hand() -> None:
    # 5 of 12: quotas 5 x 7/12 = 2.92, 5 x 3/12 = 1.25, 5 x 2/12 = 0.83 -> 3, 1, 1.
    y = np.repeat([0, 1, 2], [7, 3, 2])
    _, held_out = carve(y, 5, np.random.default_rng(0))
    assert np.bincount(y[held_out]).tolist() == [3, 1, 1]


def test_the_generator_decides() -> None:
    y = np.arange(100) % 4
    chosen = [carve(y, 20, np.random.default_rng(seed))[1].tolist() for seed in (1, 1, 2)]
    assert chosen[0] == chosen[1] != chosen[2]


@pytest.mark.parametrize(
    ("y", "n", "message"),
    [
        (
            [0, 0, 0, 1, 1, 1],
            5,
            "cannot hold out 5 of 6 examples: with 2 classes, each on both sides, "
            "it must be 2 to 4",
        ),
        (
            [0, 0, 0, 1, 1, 1],
            1,
            "cannot hold out 1 of 6 examples: with 2 classes, each on both sides, "
            "it must be 2 to 4",
        ),
        (
            [0, 0, 1],
            2,
            "cannot hold out examples of each class: it takes 2 of each, and there is 1 of class 1",
        ),
        ([], 2, "cannot hold out 2 examples: there are none"),
    ],
)
def test_what_cannot_be_carved(y: list[int], n: int, message: str) -> None:
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        carve(np.array(y, dtype=np.int64), n, np.random.default_rng(0))


@pytest.mark.parametrize("size", [0, -3, 0.0, 1.0, 1.5, -0.1, True, "x", None, float("nan")])
def test_sizes_that_are_none(size: object) -> None:
    message = (
        "test must be a number of examples (an int of 1 or more) or a share of them "
        f"(a float between 0 and 1), got {size!r}"
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        split_size(size, 100, "test")  # type: ignore[arg-type]


@pytest.mark.parametrize(("n_train", "n"), [(60_000, 5_000), (50_000, 5_000), (1_438, 143)])
def test_the_default_validation(n_train: int, n: int) -> None:
    assert default_validation(n_train) == n


@pytest.fixture
def dataset() -> Dataset:
    y = np.arange(40) % 4
    x = np.arange(80, dtype=np.float32).reshape(40, 2)
    return Dataset("small", Split(x, y), Split(x + 100, y), tuple("abcd"))


def test_validation_on_the_test_split(dataset: Dataset) -> None:
    watched = dataset.with_validation("test", np.random.default_rng(0))
    assert watched.validation is dataset.test
    assert watched.train is dataset.train


@pytest.mark.parametrize(("validation", "n"), [(8, 8), (0.25, 10)])
def test_validation_carved_from_train(dataset: Dataset, validation: float, n: int) -> None:
    carved = dataset.with_validation(validation, np.random.default_rng(3))
    stays, held_out = carve(dataset.train.y, n, np.random.default_rng(3))
    assert carved.validation is not None
    np.testing.assert_array_equal(carved.validation.x, dataset.train.x[held_out])
    np.testing.assert_array_equal(carved.validation.y, dataset.train.y[held_out])
    np.testing.assert_array_equal(carved.train.x, dataset.train.x[stays])
    assert carved.test is dataset.test
    assert dataset.validation is None


def test_mnist_gives_five_thousand(mnist: Dataset) -> None:
    carved = mnist.with_validation(default_validation(mnist.train.n), np.random.default_rng(0))
    counts = carved.class_counts()
    assert {name: sum(row) for name, row in counts.items()} == {
        "train": 55_000,
        "validation": 5_000,
        "test": 10_000,
    }
    share = np.array(mnist.class_counts()["train"]) / 12
    assert np.all(np.abs(np.array(counts["validation"]) - share) < 1)


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        (
            "train",
            "validation must be 'test', a number of examples or a share of them, got 'train'",
        ),
        (
            0,
            "validation must be a number of examples (an int of 1 or more) or a share of them "
            "(a float between 0 and 1), got 0",
        ),
        (
            40,
            "cannot hold out 40 of 40 examples: with 4 classes, each on both sides, "
            "it must be 4 to 36",
        ),
    ],
)
def test_a_validation_that_is_none(dataset: Dataset, validation: object, message: str) -> None:
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        dataset.with_validation(validation, np.random.default_rng(0))  # type: ignore[arg-type]


def test_a_second_validation_is_refused(dataset: Dataset) -> None:
    once = dataset.with_validation(8, np.random.default_rng(0))
    with pytest.raises(DataError, match=r"^dataset small has a validation split already$"):
        once.with_validation(8, np.random.default_rng(0))


def test_many_classes_of_one_example_are_not_all_named() -> None:
    with pytest.raises(DataError, match="there is 1 of class 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 990"):
        carve(np.arange(1000), 100, np.random.default_rng(0))


def test_a_class_beyond_what_is_drawn_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splits, "BLOCK_ROWS", 100)
    monkeypatch.setattr(splits, "_MOST_OF_A_CLASS", 299)
    y = np.arange(600) % 2
    with pytest.raises(DataError, match="expected at most 299 examples of a class, got 300"):
        carve(y, 60, np.random.default_rng(0))
    assert len(carve(y[:598], 60, np.random.default_rng(0))[1]) == 60
