"""Examples one by one: counted by hand, and held against plain loops."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mlplab import CompareError
from mlplab.compare import always_wrong, right_shares, scores_without, seed_dependent, told_apart

# seeds x examples: 0 all right, 1 nobody, 2 only x, 3 only y, 4 luck, 5 a tie
X = np.array([[1, 0, 1, 0, 1, 1], [1, 0, 1, 0, 0, 0], [1, 0, 1, 1, 1, 1], [1, 0, 0, 0, 1, 0]])
Y = np.array([[1, 0, 0, 1, 1, 0], [1, 0, 0, 1, 1, 0]])


def test_shares_are_means_over_the_seeds_of_each() -> None:
    shares = right_shares({"x": X, "y": Y})
    assert shares.x.tolist() == [1, 0, 0.75, 0.25, 0.75, 0.5]
    assert shares.y.tolist() == [1, 0, 0, 1, 1, 0]


def test_told_apart_takes_most_seeds_on_either_side() -> None:
    shares = right_shares({"x": X, "y": Y})
    assert told_apart(shares, "x", "y").index.tolist() == [2]  # a tie is not most
    assert told_apart(shares, "y", "x").to_dict("index") == {3: {"y": 1.0, "x": 0.25}}


def test_always_wrong_and_seed_dependent() -> None:
    shares = right_shares({"x": X, "y": Y})
    assert always_wrong(shares).tolist() == [1]
    assert seed_dependent(shares).tolist() == [5, 2, 3, 4]


def test_one_seed_each_depends_on_no_seed() -> None:
    shares = right_shares({"x": X[0], "y": Y[0]})
    assert len(seed_dependent(shares)) == 0
    assert told_apart(shares, "x", "y").index.tolist() == [2, 5]


def test_scores_without_are_those_of_the_rest() -> None:
    rng = np.random.default_rng(0)
    right = {"a": rng.random((3, 50)) < 0.8, "b": rng.random((4, 50)) < 0.9}
    out = [3, 11, 49]
    table = scores_without(right, out).set_index("recipe")
    for name, y in right.items():
        kept = [i for i in range(50) if i not in out]
        assert_allclose(table.accuracy[name], y.mean())
        assert_allclose(table.without[name], y[:, kept].mean())
        assert_allclose(table.wrong_left_out[name], (~y[:, out]).sum(axis=1).mean())
    none = scores_without(right, [])
    assert_allclose(none.without, none.accuracy)


@pytest.mark.parametrize(
    ("right", "problem"),
    [
        ({"x": [[1, 0.5]]}, "x must have 1 for a right and 0 for a wrong answer"),
        ({"x": [[1, np.nan]]}, "x must have 1 for a right and 0 for a wrong answer"),
        ({"x": np.zeros((2, 2, 2))}, "got float64 of shape (2, 2, 2)"),
        ({"x": [[1, 0]], "y": [[1]]}, "must answer the same examples, got x: 2, y: 1"),
    ],
)
def test_what_are_no_answers_is_refused(right, problem: str) -> None:
    with pytest.raises(CompareError, match=re.escape(problem)):
        right_shares(right)


def test_examples_left_out_must_be_there() -> None:
    with pytest.raises(CompareError, match="numbers from 0 to 5, got 2 to 6"):
        scores_without({"x": X}, [6, 2])
    with pytest.raises(CompareError, match="got all left out"):
        scores_without({"x": X}, range(6))
