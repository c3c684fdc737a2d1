"""One random stream varied alone, the others held."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mlplab
from mlplab import Dataset, Recipe, UsageError
from mlplab.engine import Streams
from mlplab.recipes.tables import StudyTable
from mlplab.study import train
from mlplab.study.variation import SOURCES, VARY


@pytest.mark.parametrize("source", SOURCES)
def test_the_seed_is_that_of_one_stream(
    source: str, tmp_path: Path, digits: Dataset, small: Recipe
) -> None:
    path = tmp_path / "a.study"
    with mlplab.run(small, digits, [0, 3], path=path, vary=source) as study:
        assert study.frame().empty
        rows = study.kept.file.rows("SELECT seed, vary, test_loss FROM run ORDER BY seed")
    assert [(row["seed"], row["vary"]) for row in rows] == [(0, source), (3, source)]
    streams = replace(Streams.of(0), **{source: 3})
    carved = digits.with_validation(143, streams.rng("split"))
    alone = train(small, carved, streams)
    assert rows[1]["test_loss"] == alone.test_loss
    assert rows[0]["test_loss"] != rows[1]["test_loss"]
    with mlplab.run(small, digits, [0], path=path) as study:  # seed 0 is seed 0, whatever varies
        assert study.frame()["test_loss"].tolist() == [rows[0]["test_loss"]]


def test_shares_are_of_the_variance_when_all_vary(
    tmp_path: Path, digits: Dataset, small: Recipe
) -> None:
    path = tmp_path / "a.study"
    whole = mlplab.run(small, digits, 4, path=path)
    accuracy = whole.frame()["test_accuracy"]
    whole.close()
    with mlplab.run(small, digits, 3, path=path, vary="init", keep="models") as study:
        table = study.variation()
        rows = study.kept.file.rows("SELECT test_accuracy FROM run WHERE vary = 'init'")
        assert study.seeds("small") == [0, 1, 2, 3]
        assert study.outcomes("small").shape == (4, 359)
        assert len(study.history()) == 4 * small.epochs
    init = np.array([row["test_accuracy"] for row in rows])
    assert table[["recipe", "vary", "runs"]].values.tolist() == [
        ["small", "init", 3],
        ["small", "all", 4],
    ]
    assert table["sd"].tolist() == pytest.approx([init.std(ddof=1), accuracy.std()])
    assert table["share"].tolist() == pytest.approx([init.var(ddof=1) / accuracy.var(), 1.0])
    kept = sorted(file.name for file in (tmp_path / "a.models").iterdir())
    assert kept == [f"small-initseed{seed}.keras" for seed in range(3)]


def test_the_same_call_again_trains_nothing(tmp_path: Path, digits: Dataset, small: Recipe) -> None:
    begun: list[tuple[int, int]] = []

    class Watching(mlplab.study.Progress):
        def on_study_begin(self, n_jobs: int, n_present: int) -> None:
            begun.append((n_jobs, n_present))

    for _ in range(2):
        mlplab.run(
            small, digits, 2, path=tmp_path / "a.study", vary="order", progress=Watching()
        ).close()
    assert begun == [(2, 0), (0, 2)]


def test_what_cannot_vary_is_refused(tmp_path: Path, digits: Dataset, small: Recipe) -> None:
    with pytest.raises(UsageError, match="got 'ordr'; did you mean 'order'"):
        mlplab.run(small, digits, 1, path=tmp_path / "a.study", vary="ordr")
    with pytest.raises(UsageError, match="expected a validation split to vary, got the test set"):
        mlplab.run(small, digits, 1, path=tmp_path / "a.study", vary="split", validation="test")
    assert not (tmp_path / "a.study").exists()


def test_study_specs_know_the_same_words() -> None:
    for vary in VARY:
        assert StudyTable(dataset="digits", vary=vary).vary == vary  # type: ignore[arg-type]
    schema = StudyTable.model_json_schema()["properties"]["vary"]
    assert tuple(schema["enum"]) == VARY
