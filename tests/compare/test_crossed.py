"""The crossed analysis: by hand, by loops, by resampling, by a mixed-effects fit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize, stats

from mlplab.compare import compare_scores
from mlplab.compare.crossed import crossed
from mlplab.compare.estimate import Seeds, degrees_of_freedom
from mlplab.compare.moments import moments
from tests.compare.reference import Array, crossed_parts, drawn, pigeonhole

A = np.array([[1, 1, 1, 0], [1, 1, 0, 1]], dtype=bool)
B = np.array([[1, 0, 1, 0], [1, 0, 0, 0]], dtype=bool)


def test_worked_by_hand():
    # d = 0, 1, 0, 1/2: mean 3/8, variance 11/48; V_examples = 11/192.
    # Seeds of a: 3/4, 3/4; of b: 1/2, 1/4; V_seeds = 0 + (1/32)/2 = 1/64.
    # Within: a (0 + 0 + 1/2 + 1/2)/4 = 1/4, b 1/8; V_within = 1/32 + 1/64 = 3/64.
    # V = max(11/192 + 3/192 - 9/192, 11/192, 3/192) = 11/192.
    found = crossed(moments(A), moments(B))
    assert found.difference == 3 / 8
    assert found.split.total == pytest.approx(11 / 192)
    assert found.split.seeds == 0
    assert found.split.examples == pytest.approx(2 / 192)
    assert found.split.within == pytest.approx(9 / 192)


def test_degrees_of_freedom_worked_by_hand():
    # One degree of freedom: the 15 % quantile of chi-squared is 0.035766, u = 0.01 / 0.035766.
    u = 0.01 / 0.0357658
    expected = (1 + u) ** 2 / (1 / 9999 + u**2)
    assert degrees_of_freedom(1.0, 9999, [Seeds(0.01, 2)], 0.05) == pytest.approx(expected, 1e-4)


@pytest.mark.parametrize("alpha", [0.5, 0.05, 1e-3, 1e-9])
def test_equal_numbers_of_seeds_have_the_degrees_of_freedom_of_welch(alpha: float):
    seeds = [Seeds(2.0, 7), Seeds(0.5, 7)]
    welch = (2.5**2) / (2.0**2 / 6 + 0.5**2 / 6)
    assert degrees_of_freedom(0.0, 99, seeds, alpha) == pytest.approx(welch)


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize(("s", "t", "n"), [(2, 2, 7), (5, 3, 40), (9, 9, 101)])
def test_agrees_with_loops(binary: bool, s: int, t: int, n: int):
    rng = np.random.default_rng(s * n)
    scores = [drawn(rng, k, n, luck=0.2, spread=1, noise=1) for k in (s, t)]
    a, b = (y > 0.3 for y in scores) if binary else scores
    expected = crossed_parts(a, b)
    pair = compare_scores({"a": a, "b": b}, metric="accuracy" if binary else "loss").pairs[0]
    scale = 100 if binary else 1
    variance = pair.sd_seeds**2 + pair.sd_examples**2 + pair.sd_within**2
    assert pair.difference == pytest.approx(scale * expected["difference"])
    assert variance == pytest.approx(scale**2 * expected["total"])
    assert pair.sd_seeds**2 == pytest.approx(scale**2 * expected["seeds"])
    assert pair.sd_examples**2 == pytest.approx(scale**2 * expected["examples"])


def test_float_answers_are_the_same_as_booleans():
    rng = np.random.default_rng(4)
    scores = {name: rng.random((4, 300)) < 0.9 for name in "ab"}
    others = {name: y.astype(float) for name, y in scores.items()}
    assert compare_scores(scores).frame().equals(compare_scores(others).frame())


def test_agrees_with_the_pigeonhole_bootstrap():
    # Resampling both ways counts the rest three times where the estimate counts it once (Owen
    # 2007), and sees (S - 1)/S of the seed variance; with little of the rest they must agree.
    rng = np.random.default_rng(7)
    s, n = 30, 400
    a, b = (drawn(rng, s, n, luck=0.1, spread=1, noise=0.6) for _ in range(2))
    found = crossed(moments(a), moments(b)).split
    within = found.within
    expected = (
        (n - 1) / n * (found.examples + within) + (s - 1) / s * (found.seeds + within) + within
    )
    assert pigeonhole(a, b, 4000, rng) == pytest.approx(expected, rel=0.07)
    assert expected == pytest.approx(found.total, rel=0.12)


def reml(y: Array) -> tuple[float, float, float]:
    """Return the variances of seeds, examples and rest that a mixed-effects fit finds (REML)."""
    s, n = y.shape
    by_seed = np.kron(np.eye(s), np.ones((n, n)))
    by_example = np.kron(np.ones((s, s)), np.eye(n))
    values, ones = y.ravel(), np.ones(s * n)

    def deviance(logs: Array) -> float:
        seeds, examples, rest = np.exp(logs)
        v = seeds * by_seed + examples * by_example + rest * np.eye(s * n)
        inverse = np.linalg.inv(v)
        information = ones @ inverse @ ones
        residual = values - (ones @ inverse @ values) / information
        logdet = float(np.linalg.slogdet(v)[1])
        return logdet + math.log(information) + residual @ inverse @ residual

    found = optimize.minimize(deviance, np.zeros(3), method="Nelder-Mead", tol=1e-9)
    seeds, examples, rest = np.exp(found.x)
    return float(seeds), float(examples), float(rest)


def test_agrees_with_a_mixed_effects_fit():
    # The second recipe scores zero throughout, so that the variance is that of the first's mean.
    # The variance over seeds on one example holds the seeds' part too, so V_within is larger than
    # the fit's by seeds / (S N), and the total smaller by as much: one part in N of the seeds'.
    rng = np.random.default_rng(5)
    s, n = 5, 16
    y = drawn(rng, s, n, luck=0.5, spread=1.5, noise=1.0)
    seeds, examples, rest = reml(y)
    found = crossed(moments(y), moments(np.zeros((2, n))))
    assert found.components.seeds[0] == pytest.approx(seeds * (1 - 1 / n), rel=1e-3)
    assert found.components.examples == pytest.approx(examples - seeds / s, rel=1e-3)
    assert found.components.within[0] == pytest.approx(rest + seeds, rel=1e-3)
    fitted = seeds / s + examples / n + rest / (s * n)
    assert found.split.total == pytest.approx(fitted - seeds / (s * n), rel=1e-3)


def test_interval_is_students():
    found = crossed(moments(A), moments(B))
    df = degrees_of_freedom(11 / 192 - 1 / 64, 3, [Seeds(0, 2), Seeds(1 / 64, 2)], 0.05)
    half = stats.t.isf(0.025, df) * math.sqrt(11 / 192)
    assert found.interval(0.05) == pytest.approx((3 / 8 - half, 3 / 8 + half))


def test_p_is_where_the_interval_reaches_zero():
    rng = np.random.default_rng(3)
    a, b = (rng.random((4, 500)) < p for p in (0.9, 0.87))
    found = crossed(moments(a), moments(b))
    assert 1e-6 < found.p < 0.5
    assert min(map(abs, found.interval(found.p))) == pytest.approx(0, abs=1e-6)


def test_a_shift_of_both_and_a_change_of_names_change_nothing():
    rng = np.random.default_rng(8)
    a, b = (drawn(rng, 4, 50, luck=0.1, spread=1, noise=1) for _ in range(2))
    there = compare_scores({"a": a, "b": b}, metric="loss").pairs[0]
    shifted = compare_scores({"a": a + 3, "b": b + 3}, metric="loss").pairs[0]
    back = compare_scores({"b": b, "a": a}, metric="loss").pairs[0]
    assert (shifted.low, shifted.high) == pytest.approx((there.low, there.high))
    assert (-back.high, -back.low) == pytest.approx((there.low, there.high))


def test_answers_all_alike_are_no_proof_on_few_examples():
    same = {name: np.ones((3, 200), dtype=bool) for name in "ab"}
    assert compare_scores(same).pairs[0].verdict == "cannot tell yet"
    assert compare_scores(same, margin=1.5).pairs[0].verdict == "practically the same"


@pytest.mark.parametrize(("alpha", "q"), [(0.05, 0.15), (0.2, 0.5)])
def test_degrees_of_freedom_take_seed_variances_at_their_bounds(alpha: float, q: float) -> None:
    """Two seeds against five: q = 3 alpha, at most a half."""
    two, five = (v * nu / stats.chi2.ppf(q, nu) for v, nu in zip((0.1, 0.2), (1, 4), strict=True))
    expected = (1 + two + five) ** 2 / (1 / 999 + two**2 / 1 + five**2 / 4)
    seeds = [Seeds(0.1, 2), Seeds(0.2, 5)]
    assert degrees_of_freedom(1.0, 999, seeds, alpha) == pytest.approx(expected)
