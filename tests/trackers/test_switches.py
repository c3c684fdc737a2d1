"""The switches: the table [track] of a study spec, and the options of the program."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from mlplab import Study
from mlplab.errors import RecipeError
from mlplab.recipes import load_spec
from mlplab.recipes.tables import TrackTable
from mlplab.trackers import TRACKERS
from tests.cli.conftest import Program, mlplab_
from tests.ports import free_port
from tests.trackers.conftest import spec
from tests.trackers.test_mlflow import Reader

__all__ = ["mlplab_"]


def test_a_spec_has_a_key_for_every_tracker() -> None:
    assert list(TrackTable.model_fields) == list(TRACKERS)


def test_relative_places_start_at_the_folder_of_the_spec(tmp_path: Path) -> None:
    assert load_spec(spec(tmp_path)).track == {}
    track = {"mlflow": "sqlite:///runs.db", "tensorboard": "events", "csv": "/data/runs.csv"}
    assert load_spec(spec(tmp_path, **track)).track == {
        "mlflow": f"sqlite:///{tmp_path}/runs.db",
        "tensorboard": f"{tmp_path}/events",
        "csv": "/data/runs.csv",
    }


def test_every_problem_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello\n")
    track = {"mlflow": "http://a:b", "tensorboard": "text", "csv": ".", "jsonl": "", "cvs": "a"}
    with pytest.raises(RecipeError) as error:
        load_spec(spec(tmp_path, **track))
    lines = [line.partition("tracked.toml:")[2] for line in str(error.value).splitlines()]
    assert [line for line in lines if line] == [
        "9: track.mlflow: expected a folder, sqlite:///FILE or http://HOST:PORT, got 'http://a:b'",
        f"10: track.tensorboard: expected a folder, got a file: {tmp_path}/text",
        f"11: track.csv: expected a CSV file, got a folder: {tmp_path}",
        "12: track.jsonl: expected a text that is not empty, got ''",
        "13: track.cvs: unknown key 'cvs'; did you mean 'csv'?",
    ]


def test_an_option_overrides_the_same_key_and_the_report_is_sent(
    mlplab_: Program, tmp_path: Path
) -> None:
    """From elsewhere than the folder of the spec."""
    (tmp_path / "specs").mkdir()
    file = spec(tmp_path / "specs", csv="in-spec.csv", jsonl="in-spec.jsonl")
    options = ["--csv", "here.csv", "--tensorboard", "events", "-q", "--json"]
    done = mlplab_("run", file, *options)
    assert done.stderr == ""
    assert len(json.loads(done.stdout)["recipes"]) == 1
    assert pd.read_csv(tmp_path / "here.csv")["status"].notna().sum() == 2
    assert [path.name for path in (tmp_path / "specs").glob("in-spec*")] == ["in-spec.jsonl"]
    assert len(list(tmp_path.glob("events/tracked-*/narrow/seed-*"))) == 2

    mlplab_("report", "tracked.study", "--mlflow", "sqlite:///runs.db")
    reader = Reader(f"sqlite:///{tmp_path}/runs.db", "tracked")
    names = {run.info.run_name: run for run in reader.runs()}
    assert sorted(names) == ["narrow", "report", "seed 0", "seed 1"]
    assert "report/report.html" in reader.artefacts(names["report"], "report")


def test_a_tracker_that_fails_is_one_line_on_stderr_even_where_it_is_quiet(
    mlplab_: Program, tmp_path: Path
) -> None:
    done = mlplab_("run", spec(tmp_path, csv="/sys/runs.csv"), "-q", "--json")
    (line,) = done.stderr.splitlines()
    assert line.startswith("warning: csv (/sys/runs.csv) failed: Permission denied: ")
    assert json.loads(done.stdout)["recipes"][0]["seeds"] == [0, 1]


def test_a_malformed_address_is_a_usage_error(mlplab_: Program, tmp_path: Path) -> None:
    done = mlplab_("run", spec(tmp_path), "--mlflow", "http://127.0.0.1:port", code=2)
    assert "mlflow: expected a folder, sqlite:///FILE or http://HOST:PORT, got" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["tracked.toml"]


def test_a_password_is_neither_kept_nor_shown(mlplab_: Program, tmp_path: Path) -> None:
    """The port answers no one; the run is told nowhere."""
    place = f"http://ann:secret@127.0.0.1:{free_port()}"
    done = mlplab_("run", spec(tmp_path), "--mlflow", place, "-q", "--csv", "runs.csv")
    (line,) = done.stderr.splitlines()
    assert line.startswith("warning: mlflow (http://ann:***@127.0.0.1:")
    with Study(tmp_path / "tracked.study") as study:
        (command,) = set(study.looks()["command"])
    assert "http://ann:***@127.0.0.1:" in command
    for file in tmp_path.rglob("*"):
        assert file.is_dir() or b"secret" not in file.read_bytes()
    refused = mlplab_("run", spec(tmp_path), "--mlflow", "http://ann:secret@h:port", code=2)
    assert "got 'http://ann:***@h:port'" in refused.stderr
