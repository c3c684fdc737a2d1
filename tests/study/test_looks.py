"""Every look at test scores is counted in the study file, and nothing else is."""

from __future__ import annotations

import logging
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import mlplab
from mlplab import Dataset, Recipe, Study
from mlplab.study.looks import LookCount

from .strangers import read_only


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, digits: Dataset, small: Recipe) -> Path:
    path = tmp_path_factory.mktemp("looks") / "a.study"
    twin = small.replace(name="twin", epochs=1)
    mlplab.run([small, twin], digits, 2, path=path).close()
    return path


@pytest.fixture
def path(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(made, tmp_path))


def test_training_and_what_shows_no_score_are_no_looks(
    path: Path, digits: Dataset, small: Recipe
) -> None:
    mlplab.run(small, digits, 3, path=path).close()
    with Study(path) as study:
        assert "5 runs" in repr(study)
        study.history()  # validation examples here are training examples
        study.seeds("small")
        study.model_path("small", 0)
        study.terms()
        assert study.looks().empty


def test_each_kind_counts_once_in_the_life_of_a_study(path: Path) -> None:
    began = datetime.now(UTC) - timedelta(seconds=2)
    with Study(path, "mlplab look") as study:
        for _ in range(2):
            study.frame()
            study.outcomes("small")
            study.outcomes("twin")
            study.probabilities("small")
            study.compare()
            study.compare("models")
            study.variation()
    with Study(path) as study:
        study.frame()
        looks = study.looks()
    assert looks["seen"].tolist() == [
        "test scores",
        "outcome of every test example",
        "probabilities of every test example",
        "comparison: recipes, accuracy",
        "comparison: models, accuracy",
        "test scores by source of variation",
        "test scores",
    ]
    assert looks["command"].tolist() == ["mlplab look"] * 6 + ["Python"]
    times = [datetime.fromisoformat(time) for time in looks["time"]]
    assert all(began <= time <= datetime.now(UTC) for time in times)


def test_curves_on_the_test_set_are_looks(tmp_path: Path, digits: Dataset, small: Recipe) -> None:
    with mlplab.run(small, digits, 1, path=tmp_path / "a.study", validation="test") as study:
        study.history()
        assert study.looks()["seen"].tolist() == ["test scores after every epoch"]


def stop_in(hook: str) -> mlplab.study.Progress:
    """A watcher who interrupts as soon as it is told something."""

    def interrupt(*told: object) -> None:
        raise KeyboardInterrupt

    return type("Interrupting", (mlplab.study.Progress,), {hook: interrupt})()


@pytest.mark.parametrize(
    ("hook", "validation", "seen"),
    [
        ("on_epoch_end", "test", ["test scores after every epoch"]),
        ("on_epoch_end", 100, []),  # training examples
        ("on_run_end", "test", ["test scores after every epoch", "test scores"]),
        ("on_run_end", 100, ["test scores"]),
    ],
)
def test_scores_shown_by_a_run_that_is_interrupted_are_looks(
    tmp_path: Path,
    digits: Dataset,
    small: Recipe,
    hook: str,
    validation: str | int,
    seen: list[str],
) -> None:
    path = tmp_path / "a.study"
    how = {"path": path, "validation": validation, "command": "mlplab run"}
    with pytest.raises(KeyboardInterrupt):
        mlplab.run(small, digits, 3, progress=stop_in(hook), **how)
    with Study(path) as study:
        looks = study.looks()
    assert looks["seen"].tolist() == seen
    assert set(looks["command"]) <= {"mlplab run"}


def test_what_a_run_showed_counts_once_in_its_command(
    tmp_path: Path, digits: Dataset, small: Recipe
) -> None:
    path, watching = tmp_path / "a.study", mlplab.study.Progress()
    with mlplab.run(small, digits, 2, path=path, validation="test", progress=watching) as study:
        study.frame()
        study.history()
        assert study.looks()["seen"].tolist() == ["test scores after every epoch", "test scores"]


def test_a_refused_comparison_shows_nothing(path: Path) -> None:
    with Study(path) as study:
        with pytest.raises(mlplab.CompareError):
            study.compare(seeds=[0])
        assert study.looks().empty


def test_a_file_that_cannot_be_written_is_read_and_the_log_says_so(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "mlplab"), read_only(path) as copy, Study(copy) as study:
        assert len(study.frame()) == 4
        assert study.looks().empty
        assert [entry.name for entry in copy.parent.iterdir()] == ["a.study"]
    (record,) = caplog.records
    assert record.levelno == logging.INFO
    assert record.getMessage().startswith("this look at test scores in ")


def test_a_look_that_could_not_be_counted_is_counted_the_next_time(path: Path) -> None:
    """The file is out of reach for a while."""
    looks = LookCount(path, "later")
    away = path.rename(path.with_name("away.study"))
    looks.count("test scores")
    away.rename(path)
    looks.count("test scores")
    looks.count("test scores")
    with Study(path) as study:
        assert study.looks()["command"].tolist() == ["later"]


def test_looking_while_another_process_adds_runs(
    path: Path, digits: Dataset, small: Recipe
) -> None:
    """A writer keeps the file in another journal mode; rows of both arrive."""
    seen: list[int] = []

    class Looking(mlplab.study.Progress):
        def on_run_end(self, job: mlplab.study.Job, result: mlplab.study.RunResult) -> None:
            with Study(path, "meanwhile") as study:
                seen.append(len(study.frame()))

    mlplab.run(small, digits, 4, path=path, progress=Looking()).close()
    assert seen == [5, 6]
    with Study(path) as study:
        assert study.looks()["command"].tolist() == ["Python"] + ["meanwhile"] * 2
