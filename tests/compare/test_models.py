"""Two trained models: McNemar's exact test and Tango's interval."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from mlplab.compare import compare_scores
from mlplab.compare.models import Discordant


def answers(only_a: int, only_b: int, n: int) -> dict[str, np.ndarray]:
    a, b = np.ones((2, n), dtype=bool)
    b[:only_a] = False
    a[only_a : only_a + only_b] = False
    return {"a": a, "b": b}


def test_worked_by_hand():
    # 6 discordant, all for a: p = 2 / 2^6.
    pair = compare_scores(answers(6, 0, 100), claim="models").pairs[0]
    assert pair.p == pytest.approx(2 / 64)
    assert pair.difference == pytest.approx(6.0)
    # 5: p = 2 / 2^5 > 5 %.
    assert compare_scores(answers(5, 0, 100), claim="models").pairs[0].low <= 0


@pytest.mark.parametrize(("only_a", "only_b", "n"), [(12, 5, 200), (0, 9, 50), (160, 130, 10_000)])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_ends_are_where_the_score_test_begins_to_reject(only_a: int, only_b: int, n: int, alpha):
    found = Discordant(only_a, only_b, n)
    for end in found.interval(alpha):
        if end == 0.0:  # held to the exact test
            continue
        # The likeliest q under the difference d, by brute force.
        q = np.linspace(max(0.0, -end), (1 - end) / 2, 2_000_001)[1:-1]
        likelihood = only_a * np.log(q + end) + only_b * np.log(q)
        likelihood += (n - only_a - only_b) * np.log1p(-2 * q - end)
        best = q[np.nanargmax(likelihood)]
        z = (only_a - only_b - n * end) / math.sqrt(n * (2 * best + end * (1 - end)))
        assert abs(z) == pytest.approx(stats.norm.isf(alpha / 2), abs=2e-3)


@pytest.mark.parametrize("n", [30, 1_000])
@pytest.mark.parametrize("alpha", [0.05, 0.005])
def test_interval_and_exact_test_never_contradict(n: int, alpha: float):
    for only_a in range(25):
        for only_b in range(25 - only_a):
            found = Discordant(only_a, only_b, n)
            low, high = found.interval(alpha)
            assert low <= found.difference <= high
            assert (low > 0 or high < 0) == (found.p <= alpha)


def test_losses_are_a_paired_t_test():
    rng = np.random.default_rng(0)
    a, b = rng.lognormal(size=(2, 300))
    pair = compare_scores({"a": a, "b": b}, claim="models", metric="loss").pairs[0]
    expected = stats.ttest_rel(a, b)
    interval = expected.confidence_interval(0.95)
    assert pair.p == pytest.approx(expected.pvalue, rel=1e-6)
    assert (pair.low, pair.high) == pytest.approx((interval.low, interval.high))


def test_more_examples_are_what_settles_it():
    pair = compare_scores(answers(60, 45, 10_000), claim="models").pairs[0]
    assert pair.verdict == "cannot tell yet"
    assert pair.seeds_needed is None
    n = pair.examples_needed
    assert n is not None
    decided = compare_scores(answers(60 * n // 10_000, 45 * n // 10_000, n), claim="models")
    assert decided.pairs[0].decided
