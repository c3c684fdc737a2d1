"""Planned looks: the boundary, and that the whole procedure keeps the rate."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from mlplab.compare import Looks, compare_scores, expected_half_width
from mlplab.compare.looks import nominal_errors, planned_up_to, spent
from mlplab.errors import CompareError


def test_boundary_of_five_equal_looks_is_the_published_one():
    # Lan and DeMets's O'Brien-Fleming boundary at 5 %, as in Jennison and Turnbull 2000 and in
    # every program for group-sequential trials.
    z = stats.norm.isf(np.array(nominal_errors((1, 2, 3, 4, 5), 0.05)) / 2)
    assert z == pytest.approx([4.877, 3.357, 2.680, 2.290, 2.031], abs=1e-3)


def test_one_look_spends_everything():
    assert nominal_errors((7,), 0.03) == pytest.approx((0.03,))


@pytest.mark.parametrize("alpha", [0.05, 0.05 / 6])
def test_a_random_walk_crosses_as_often_as_it_may(alpha: float):
    planned = (3, 5, 10, 20, 30)
    rng = np.random.default_rng(0)
    walk = rng.standard_normal((200_000, 30)).cumsum(axis=1)[:, np.array(planned) - 1]
    z = np.abs(walk) / np.sqrt(planned)
    crossed = z > stats.norm.isf(np.array(nominal_errors(planned, alpha)) / 2)
    sd = np.sqrt(alpha / len(walk))
    assert crossed.any(axis=1).mean() == pytest.approx(alpha, abs=4 * sd)
    due = spent(20 / 30, alpha)
    assert crossed[:, :4].any(axis=1).mean() == pytest.approx(due, abs=4 * sd)


def test_the_early_looks_take_more():
    rng = np.random.default_rng(1)
    scores = {"a": rng.random((5, 2000)) < 0.95, "b": rng.random((5, 2000)) < 0.92}
    looks = Looks((5, 10, 20))
    once, early = compare_scores(scores), compare_scores(scores, look=looks.at(5))
    assert early.pairs[0].high - early.pairs[0].low > once.pairs[0].high - once.pairs[0].low
    assert "look 1 of 3 planned, at 5 seeds" in str(early)


def test_what_would_settle_it_is_the_first_planned_look_that_would():
    """At the first look hardly any difference would do; that says nothing of more seeds."""
    rng = np.random.default_rng(1)
    scores = {"a": rng.random((3, 2000)) < 0.95, "b": rng.random((3, 2000)) < 0.94}
    looks = Looks((3, 5, 10, 20, 30))
    once, early = (compare_scores(scores, look=look).pairs[0] for look in (None, looks.at(3)))
    last = compare_scores({n: np.tile(y, (10, 1)) for n, y in scores.items()}, look=looks.at(30))
    assert early.alpha < 1e-6 < early.alpha_last == last.pairs[0].alpha == last.pairs[0].alpha_last
    assert once.alpha_last == once.alpha == pytest.approx(0.05)
    assert early.seeds_needed is not None
    widths = {s: early.components.half_width(alpha, s) for s, alpha in early.ahead}
    assert list(widths) == [5, 10, 20, 30]
    assert early.seeds_needed == min(s for s, w in widths.items() if w < abs(early.difference))
    assert once.ahead == ()


def test_an_open_pair_never_needs_the_seeds_it_has():
    for seed in range(60):
        rng = np.random.default_rng(seed)
        ability = {name: rng.normal(p, 0.004, (20, 1)) for name, p in (("a", 0.95), ("b", 0.947))}
        scores = {name: rng.random((20, 1000)) < p for name, p in ability.items()}
        for n in (3, 5, 10, 20):
            first = {name: y[:n] for name, y in scores.items()}
            pair = compare_scores(first, look=Looks().at(n)).pairs[0]
            assert pair.decided or pair.seeds_needed is None or pair.seeds_needed > n


def test_looks_that_cannot_be():
    with pytest.raises(CompareError, match=r"rising numbers of seeds from 2 on, got \(5, 3\)"):
        Looks((5, 3))
    with pytest.raises(CompareError, match="no look is planned at 4 seeds; planned are 3, 5"):
        Looks((3, 5)).at(4)
    scores = {"a": np.eye(3), "b": np.eye(3)}
    with pytest.raises(CompareError, match=r"planned for level 0.9, got 0.95"):
        compare_scores(scores, look=Looks((3,), level=0.9).at(3))


def test_an_early_look_of_many_seeds_decides_nothing_and_a_later_one_does():
    """Three of 400 seeds may spend 1e-200, which no interval of three seeds can reckon with."""
    rng = np.random.default_rng(2)
    looks = Looks(planned_up_to(400))
    first = looks.at(3)
    assert first.error_of_each(3) < 1e-100
    clear = {
        name: rng.random((30, 500)) < p for name, p in zip("abc", (0.1, 0.5, 0.9), strict=True)
    }
    sure = {name: np.full((3, 500), name == "a") for name in "abc"}  # no variance at all
    for scores in ({name: y[:3] for name, y in clear.items()}, sure):
        found = compare_scores(scores, look=first)
        assert {pair.verdict for pair in found.pairs} == {"cannot tell yet"}
        assert {pair.alpha for pair in found.pairs} == {1e-12}
        assert all(np.isfinite([pair.low, pair.high]).all() for pair in found.pairs)
    later = Looks((3, 30, 60))
    assert {p.verdict for p in compare_scores(clear, look=later.at(30)).pairs} == {"b better"}


def test_the_half_width_of_a_look_is_that_at_the_last():
    rng = np.random.default_rng(4)
    scores = {name: rng.random((5, 2000)) < p for name, p in (("a", 0.95), ("b", 0.94))}
    pair = compare_scores(scores, "recipes-this-test", look=Looks().at(5)).pairs[0]
    assert pair.alpha < pair.alpha_last
    assert expected_half_width(pair, 30) == pair.components.half_width(pair.ahead[-1][1], 30)
