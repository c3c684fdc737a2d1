"""This very test set: Welch's test, and the paired one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from mlplab.compare import compare_scores
from mlplab.errors import CompareError

CLAIM = "recipes-this-test"


def scores(s: int, t: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {"a": rng.random((s, 400)) < 0.9, "b": rng.random((t, 400)) < 0.87}


@pytest.mark.parametrize("s", [2, 5, 20])
def test_equal_numbers_of_seeds_are_scipys_welch(s: int):
    given = scores(s, s)
    means = [100 * y.mean(axis=1) for y in given.values()]
    expected = stats.ttest_ind(*means, equal_var=False)
    pair = compare_scores(given, claim=CLAIM).pairs[0]
    interval = expected.confidence_interval(0.95)
    assert pair.p == pytest.approx(expected.pvalue, rel=1e-6)
    assert (pair.low, pair.high) == pytest.approx((interval.low, interval.high))


def test_unequal_numbers_of_seeds_are_more_careful_than_welch():
    given = scores(2, 20)
    expected = stats.ttest_ind(*[y.mean(axis=1) for y in given.values()], equal_var=False)
    assert compare_scores(given, claim=CLAIM).pairs[0].p > expected.pvalue


def test_paired_is_scipys_paired_test():
    given = scores(6, 6)
    means = [100 * y.mean(axis=1) for y in given.values()]
    expected = stats.ttest_rel(*means)
    pair = compare_scores(given, claim=CLAIM, paired=True).pairs[0]
    interval = expected.confidence_interval(0.95)
    assert pair.p == pytest.approx(expected.pvalue, rel=1e-6)
    assert (pair.low, pair.high) == pytest.approx((interval.low, interval.high))


def test_paired_takes_as_many_seeds_of_both():
    with pytest.raises(CompareError, match="got 4 and 5; leave out paired"):
        compare_scores(scores(4, 5), claim=CLAIM, paired=True)
    with pytest.raises(CompareError, match="paired goes with the claim recipes-this-test"):
        compare_scores(scores(4, 4), paired=True)


def test_seeds_that_score_alike_by_chance_are_no_proof():
    # Both seeds of both recipes: 3 of 4 and 2 of 4 right, on different examples.
    a = [[1, 1, 1, 0], [1, 1, 0, 1]]
    b = [[1, 1, 0, 0], [0, 0, 1, 1]]
    pair = compare_scores({"a": a, "b": b}, claim=CLAIM).pairs[0]
    assert pair.sd_seeds > 0
    assert pair.verdict == "cannot tell yet"


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("n_seeds", [3, 6, 7])
def test_nor_are_those_that_rounding_tells_apart(n_seeds: int, paired: bool):
    """Means that are the same number of right answers differ in the last digit for such n."""
    rng = np.random.default_rng(0)

    def drawn(right: int) -> np.ndarray:
        return np.array([rng.permutation(10_000) < right for _ in range(n_seeds)])

    for right in (9800, 9803, 9806, 9809):
        given = {"a": drawn(right), "b": drawn(right + 6)}
        pair = compare_scores(given, claim=CLAIM, paired=paired).pairs[0]
        assert pair.sd_seeds > 0.01
        assert pair.verdict == "cannot tell yet"


def test_an_open_pair_of_two_seeds_needs_more_than_two():
    """Where one recipe's seeds hardly differ, less is expected of two seeds than there is."""
    rng = np.random.default_rng(3)
    hits = {"a": (880, 879), "b": (976, 979)}
    given = {
        name: np.array([rng.permutation(1000) < n for n in both]) for name, both in hits.items()
    }
    for claim in ("recipes", "recipes-this-test"):
        for name in ("a", "b"):
            lower = given | {name: given[name] & (rng.random((2, 1000)) < [[0.9], [0.999]])}
            pair = compare_scores(lower, claim).pairs[0]
            assert pair.decided or pair.seeds_needed is None or pair.seeds_needed > 2
