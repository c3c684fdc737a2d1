"""Scores that cannot be compared, and files of scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlplab import CompareError, compare_scores, read_scores

GOOD = np.array([[1, 0, 1], [1, 1, 0]])
NAN = np.array([[1.0, np.nan, 1], [1, 1, 0]])
ONE_SEED = (
    "has one seed: the claim recipes takes at least two a recipe, since one cannot show how much "
    "seeds differ; add seeds, or make the claim models"
)


@pytest.mark.parametrize(
    ("scores", "options", "message"),
    [
        ({"a": GOOD}, {}, "comparing takes at least two recipes, got only 'a'"),
        ({}, {}, "comparing takes at least two recipes, got none"),
        (
            [GOOD, GOOD],
            {},
            "scores must be a mapping from recipe to an array (seeds x examples), got list",
        ),
        ({"a": GOOD, "b": GOOD[:1]}, {}, f"scores: b {ONE_SEED}"),
        ({"a": GOOD[0], "b": GOOD[:1]}, {}, f"scores: a {ONE_SEED}\n  b {ONE_SEED}"),
        (
            {"a": GOOD, "b": GOOD},
            {"claim": "models"},
            "scores: a has 2 seeds: the claim models compares one trained model of each; choose "
            "one seed, or the claim recipes\n  b has 2 seeds: the claim models compares one "
            "trained model of each; choose one seed, or the claim recipes",
        ),
        (
            {"a": GOOD, "b": GOOD[:, :2]},
            {},
            "scores: all recipes must be scored on the same examples, got a: 3, b: 2",
        ),
        (
            {"a": GOOD, "b": NAN},
            {},
            "scores: b has 1 unusable score, first nan at [0, 1]: every score must be a number",
        ),
        (
            {"a": GOOD, "b": GOOD * 2},
            {},
            "scores: b has 4 unusable scores, first 2 at [0, 0]: accuracy takes 1 for right, 0 for "
            'wrong, or shares between; for losses say metric="loss"',
        ),
        (
            {"a": GOOD[0], "b": GOOD[0] * 0.5},
            {"claim": "models"},
            "scores: b has 2 unusable scores, first 0.5 at [0, 0]: the claim models counts "
            "answers, 1 for right and 0 for wrong",
        ),
        (
            {"a": GOOD, "b": GOOD[np.newaxis]},
            {},
            "scores: b must have two axes, seeds x examples, got shape (1, 2, 3)",
        ),
        (
            {"a": GOOD, "b": GOOD[:, :1]},
            {},
            "scores: b must have at least one seed and two examples, got shape (2, 1)",
        ),
        ({"a": GOOD, "b": [["x"]]}, {}, "scores of b must be real numbers, got <U1"),
        (
            {"a": GOOD, "b": [[1, 0, 1], [1]]},
            {},
            "scores of b: its seeds have unequal numbers of scores",
        ),
        (
            {"a": GOOD, "b": GOOD},
            {"claim": "recipe"},
            "claim must be one of models, recipes-this-test, recipes, got 'recipe'; did you mean "
            "'recipes'?",
        ),
        (
            {"a": GOOD, "b": GOOD},
            {"metric": "f1"},
            "metric must be one of accuracy, loss, got 'f1'",
        ),
        ({"a": GOOD, "b": GOOD}, {"level": 95}, "level must lie between 0 and 1, got 95"),
        ({"a": GOOD, "b": GOOD}, {"margin": -1}, "margin must be 0 or more, got -1"),
        (
            {"a": GOOD, "b": GOOD},
            {"margin": float("nan")},
            "margin must be 0 or more, got nan",
        ),
    ],
)
def test_what_cannot_be_compared(scores, options, message: str):
    with pytest.raises(CompareError) as caught:
        compare_scores(scores, **options)
    assert str(caught.value) == message
    assert caught.value.exit_code == 2


def long_table(scores: dict[str, np.ndarray]) -> pd.DataFrame:
    rows = [
        (name, seed, example, value)
        for name, y in scores.items()
        for (seed, example), value in np.ndenumerate(y)
    ]
    return pd.DataFrame(rows, columns=["recipe", "seed", "example", "score"])


@pytest.fixture
def scores() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {"wide": (rng.random((3, 50)) < 0.9) * 1, "deep": (rng.random((2, 50)) < 0.8) * 1}


def test_files_give_back_what_was_written(tmp_path: Path, scores):
    np.savez(tmp_path / "scores.npz", **scores)
    shuffled = long_table(scores).sample(frac=1, random_state=0).sort_values("recipe")
    shuffled.to_csv(tmp_path / "scores.csv", index=False)
    shuffled.to_parquet(tmp_path / "scores.parquet")
    for name in ("scores.npz", "scores.csv", "scores.parquet"):
        found = read_scores(tmp_path / name)
        assert set(found) == set(scores)
        for recipe, y in scores.items():
            np.testing.assert_array_equal(found[recipe], y)
    frames = [compare_scores(found).frame(), compare_scores(scores).frame().iloc[:0]]
    assert list(frames[0].columns) == list(frames[1].columns)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda t: t.rename(columns={"score": "scores"}),
            "must have the columns recipe, seed, example, score; score missing, got recipe, seed, "
            "example, scores; did you mean 'score'?",
        ),
        (lambda t: t.iloc[:0], "has columns, but no rows"),
        (
            lambda t: t.iloc[:-1],
            ": all recipes must be scored on the same examples; deep, seed 1, has 49 of 50",
        ),
        (
            lambda t: pd.concat([t, t.iloc[:2]]),
            "has 2 scores twice, first recipe wide, seed 0, example 0",
        ),
        (lambda t: t.assign(seed=None), ": some rows lack a recipe, a seed or an example"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path: Path, scores, change, message: str):
    path = tmp_path / "scores.csv"
    change(long_table(scores)).to_csv(path, index=False)
    with pytest.raises(CompareError) as caught:
        read_scores(path)
    assert str(caught.value) == f"{path}{'' if message[0] == ':' else ' '}{message}"


def test_files_that_are_none(tmp_path: Path):
    (tmp_path / "scores.npz").write_bytes(b"no archive")
    np.savez(tmp_path / "pickled.npz", a=np.array([{}], dtype=object))
    (tmp_path / "scores.csv").write_bytes(b"")
    (tmp_path / "scores.parquet").write_bytes(b"no table")
    for name, message in [
        ("scores.npz", "is no NumPy archive of plain arrays"),
        ("pickled.npz", "is no NumPy archive of plain arrays"),
        ("scores.csv", "is no CSV file"),
        ("scores.parquet", "is no Parquet file"),
        ("none.npz", "there is no such file"),
        ("scores.txt", r"scores come in .npz, .csv or .parquet files, got '.txt'"),
    ]:
        with pytest.raises(CompareError, match=message):
            read_scores(tmp_path / name)


def test_names_that_are_the_same_as_text_are_refused() -> None:
    scores: dict[Any, Any] = {1: [[1, 0], [1, 1]], "1": [[0, 0], [1, 0]], "b": [[1, 1], [1, 0]]}
    with pytest.raises(CompareError, match="must differ as text, got 1 more than once"):
        compare_scores(scores)


@pytest.mark.parametrize(("written", "got"), [("", "none"), ("much", "'much'")])
def test_a_score_that_is_none_is_named_by_its_place(tmp_path: Path, written: str, got: str):
    path = tmp_path / "scores.csv"
    path.write_text(f"recipe,seed,example,score\na,0,0,1\na,0,1,{written}\na,0,2,0\n")
    with pytest.raises(CompareError) as caught:
        read_scores(path)
    expected = "expected a number as every score, got"
    assert str(caught.value) == f"{path}: {expected} {got} for recipe a, seed 0, example 1"
