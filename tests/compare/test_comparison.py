"""What a comparison says: verdicts, what is needed, groups, tables, words."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import mlplab
from mlplab.compare import VERDICTS, compare_scores, expected_half_width
from mlplab.compare.groups import letters
from mlplab.compare.multiplicity import error_of_each, holm
from mlplab.compare.verdict import verdict
from tests.compare.reference import Array

COLUMNS = [
    *("a", "b", "claim", "difference", "low", "high", "verdict"),
    *("sd_seeds", "sd_examples", "sd_within", "seeds_needed", "examples_needed"),
]


def answers(*shares: float, seeds: int = 5, n: int = 10_000, luck: float = 0.0) -> dict[str, Array]:
    """Return answers of recipes w, x, y, z: 5 % of the examples are hard, and right so often."""
    rng = np.random.default_rng(11)
    hard = rng.random(n) < 0.05
    return {
        name: ~hard | (rng.random((seeds, n)) < share + luck * rng.standard_normal((seeds, 1)))
        for name, share in zip("wxyz", shares, strict=False)
    }


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.2, 0.3, "a better"),
        (0.05, 0.3, "a better"),
        (0.05, 0.09, "a slightly better"),
        (-0.09, -0.01, "b slightly better"),
        (-0.3, -0.01, "b better"),
        (-0.09, 0.09, "practically the same"),
        (0.0, 0.09, "practically the same"),
        (0.0, 0.2, "cannot tell yet"),
        (-0.1, 0.05, "cannot tell yet"),
        (-1.0, 1.0, "cannot tell yet"),
    ],
)
def test_verdicts_by_hand(low: float, high: float, expected: str):
    assert verdict(low, high, 0.1) == expected
    mirrored = {"a": "b", "b": "a"}.get(expected[0], expected[0]) + expected[1:]
    assert verdict(-high, -low, 0.1) == mirrored
    assert verdict(-high, -low, 0.1, "loss") == expected


def test_every_verdict_comes_up():
    shares = answers(0.5, 0.56, 0.3, 0.5, seeds=40, luck=0.01)
    seen = set[str]()
    for margin in (0.0, 0.05, 0.2, 0.6):
        for order in (1, -1):
            found = compare_scores(dict(list(shares.items())[::order]), margin=margin)
            seen |= {pair.verdict for pair in found.pairs}
    assert seen == set(VERDICTS)


def test_less_loss_is_better():
    rng = np.random.default_rng(0)
    scores = {"low": rng.normal(0.1, 0.02, (4, 500)), "high": rng.normal(0.2, 0.02, (4, 500))}
    found = compare_scores(scores, metric="loss", margin=0.01)
    pair = found.pairs[0]
    assert pair.difference == pytest.approx(-0.1, abs=0.01)
    assert (pair.verdict, pair.better) == ("a better", "low")
    assert list(found.groups().items()) == [("low", "a"), ("high", "b")]


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert error_of_each(0.95, 45) == pytest.approx(0.05 / 45)


def test_intervals_and_holm_mind_the_number_of_pairs():
    scores = answers(0.5, 0.52, 0.54, 0.56)
    found = compare_scores(scores)
    alone = [compare_scores({p.a: scores[p.a], p.b: scores[p.b]}).pairs[0] for p in found.pairs]
    assert [pair.p_holm for pair in found.pairs] == holm([pair.p for pair in alone])
    for together, apart in zip(found.pairs, alone, strict=True):
        assert together.low < apart.low < apart.high < together.high
        if together.better:  # the interval is the stricter of the two
            assert together.p_holm <= 0.05


@pytest.mark.parametrize("luck", [0.01, 0.04])
def test_seeds_needed_is_the_first_number_that_is_expected_to_decide(luck: float):
    pair = compare_scores(answers(0.5, 0.53, luck=luck)).pairs[0]
    target = max(abs(pair.difference), pair.margin - abs(pair.difference))
    assert pair.verdict == "cannot tell yet"
    seeds = pair.seeds_needed
    assert seeds is not None
    assert expected_half_width(pair, seeds) < target <= expected_half_width(pair, seeds - 1)


def test_expected_half_width_is_about_that_of_so_many_seeds():
    few, many = (compare_scores(answers(0.5, 0.53, seeds=s, luck=0.05)) for s in (20, 80))
    pair = many.pairs[0]
    assert expected_half_width(few.pairs[0], 80) == pytest.approx(
        (pair.high - pair.low) / 2, rel=0.25
    )
    pair = few.pairs[0]
    assert expected_half_width(pair, 20) == pytest.approx((pair.high - pair.low) / 2, rel=0.02)


def test_no_number_of_seeds_can_settle_what_the_examples_leave_open():
    easy = {"a": np.arange(500) >= 30, "b": np.arange(500)[::-1] >= 40}
    scores = {name: np.tile(row, (6, 1)) for name, row in easy.items()}  # seeds change nothing
    pair = compare_scores(scores).pairs[0]
    assert pair.verdict == "cannot tell yet"
    assert pair.seeds_needed is None
    examples, then = pair.examples_needed, pair.needed.seeds_then
    assert examples is not None
    assert examples > 500
    assert then == 30
    target = abs(pair.difference)
    assert expected_half_width(pair, then, examples) < target
    assert expected_half_width(pair, then, examples - 1) >= target
    assert "No number of seeds settles it on 500 test examples" in pair.sentence()
    assert f"{examples:,} test examples with 30 seeds a recipe would." in pair.sentence()


def test_minutes_count_the_missing_seeds_of_both():
    scores = answers(0.5, 0.53, luck=0.03)
    scores["x"] = scores["x"][:4]
    pair = compare_scores(scores, seconds_a_run={"w": 60, "x": 120}).pairs[0]
    needed = pair.seeds_needed
    assert needed is not None
    assert pair.minutes_needed == pytest.approx((needed - 5) + 2 * (needed - 4))
    assert f"about {pair.minutes_needed:,.0f} minutes more" in pair.sentence()
    assert compare_scores(scores, seconds_a_run={"w": 60}).pairs[0].minutes_needed is None


def test_a_decided_pair_of_models_has_no_minutes():
    found = compare_scores(answers(0.1, 0.9, seeds=1), "models", seconds_a_run=60)
    assert found.pairs[0].decided
    assert found.pairs[0].minutes_needed is None
    assert json.loads(json.dumps(found.to_dict()))["pairs"][0]["minutes_needed"] is None


def test_a_missing_pair_of_paired_seeds_takes_a_run_of_both():
    scores = answers(0.5, 0.53, luck=0.03)
    found = compare_scores(
        scores, "recipes-this-test", paired=True, seconds_a_run={"w": 60, "x": 120}
    )
    (pair,) = found.pairs
    assert pair.verdict == "cannot tell yet"
    assert pair.seeds_needed is not None
    assert pair.minutes_needed == pytest.approx(3 * (pair.seeds_needed - 5))
    assert f"{pair.seeds_needed} seeds a recipe, about" in " ".join(str(found).split())


def test_frame_has_exactly_its_columns():
    frame = compare_scores(answers(0.5, 0.53, 0.9)).frame()
    assert list(frame.columns) == COLUMNS
    assert len(frame) == 3
    assert frame["seeds_needed"].dtype == frame["examples_needed"].dtype == pd.Int64Dtype()
    assert (frame["claim"] == "recipes").all()
    parts = (frame[["sd_seeds", "sd_examples", "sd_within"]] ** 2).sum(axis=1)
    assert (frame["high"] - frame["low"] > 2 * parts**0.5).all()


@pytest.mark.parametrize("claim", ["recipes", "recipes-this-test", "models"])
def test_the_claim_stands_first(claim):
    found = mlplab.compare_scores(answers(0.5, 0.6, seeds=1 if claim == "models" else 3), claim)
    text, data = str(found), json.loads(json.dumps(found.to_dict()))
    assert text.splitlines()[0] == found.question
    assert found.question.startswith(f"Claim {claim}: which ")
    assert next(iter(data)) == "question"
    assert data["pairs"][0]["sentence"] in " ".join(text.split())
    assert all(name in data["pairs"][0] for name in COLUMNS)


def test_groups_by_hand():
    assert letters("abc", []) == {"a": "a", "b": "a", "c": "a"}
    assert letters("abc", [("a", "b"), ("a", "c"), ("b", "c")]) == {"a": "a", "b": "b", "c": "c"}
    assert letters("abcd", [("a", "d")]) == {"a": "a", "b": "ab", "c": "ab", "d": "b"}


def test_recipes_share_a_letter_just_where_they_were_not_told_apart():
    rng = np.random.default_rng(6)
    for _ in range(50):
        names = list("abcdefg")
        pairs = [(p, q) for i, p in enumerate(names) for q in names[i + 1 :]]
        apart = [pair for pair in pairs if rng.random() < 0.4]
        found = letters(names, apart)
        for p, q in pairs:
            assert (not set(found[p]) & set(found[q])) == ((p, q) in apart)


def test_pairs_chosen_beforehand_are_a_family_of_their_own() -> None:
    """Their intervals are as wide as those of so many pairs, and say the same as in all pairs."""
    scores = answers(0.9, 0.8, 0.9, 0.5)
    found = compare_scores(scores, pairs=[("z", "w"), ("x", "w")])
    assert [(pair.a, pair.b) for pair in found.pairs] == [("z", "w"), ("x", "w")]
    everything = {(p.a, p.b): p for p in compare_scores(scores).pairs}
    for pair in found.pairs:
        other = everything[pair.b, pair.a]
        assert pair.alpha == pytest.approx(0.05 / 2)
        assert other.alpha == pytest.approx(0.05 / 6)
        assert pair.difference == pytest.approx(-other.difference)
        assert pair.high - pair.low < other.high - other.low
    text = str(found)
    assert "All 2 intervals hold at once" in text
    assert "letter" not in text
    assert "group" not in text
    assert [one["group"] for one in found.to_dict()["recipes"]] == [None] * 4
    assert not found.complete


@pytest.mark.parametrize(
    ("pairs", "got"),
    [
        ([("w", "v")], "got w, v"),
        ([("w", "w"), ("w", "x")], "got w, w"),
        ([("w", "x"), ("x", "w")], "got a pair twice"),
        ([], "got none"),
    ],
)
def test_pairs_that_cannot_be_compared_are_refused(pairs: list[tuple[str, str]], got: str) -> None:
    with pytest.raises(mlplab.CompareError) as caught:
        compare_scores(answers(0.9, 0.8), pairs=pairs)
    expected = "pairs must be of two different recipes out of w, x, each pair once, "
    assert str(caught.value) == expected + got
