"""CSV and JSON lines: what stands in them, torn files mended, each run once."""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import mlplab
from mlplab import Recipe, UsageError
from tests.trackers.conftest import Train

FIGURES = ["loss", "accuracy", "val_loss", "val_accuracy", "seconds"]


def told(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def ends(path: Path) -> list[tuple[str, str, int]]:
    """The runs that a file of either kind holds whole."""
    if path.suffix == ".csv":
        frame = pd.read_csv(path)
        rows = frame[frame["status"].notna()]
    else:
        rows = pd.DataFrame([event for event in told(path) if event["event"] == "end"])
    return [(recipe, vary, int(seed)) for recipe, vary, seed in zip(
        rows["recipe"], rows["vary"], rows["seed"], strict=True
    )]  # fmt: skip


def test_csv_holds_every_epoch_and_every_score(train: Train, small: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "new/runs.csv"
    study = train(2, small, small.replace(name="longer", epochs=3), track={"csv": path})
    frame = pd.read_csv(path)
    epochs = frame[frame["epoch"].notna()].sort_values(["recipe", "seed", "epoch"])
    history = study.history().sort_values(["recipe", "seed", "epoch"])
    columns = ["recipe", "seed", "epoch", *FIGURES]
    pd.testing.assert_frame_equal(
        epochs[columns].reset_index(drop=True),
        history[columns].reset_index(drop=True),
        check_dtype=False,
    )
    runs = frame[frame["status"].notna()].sort_values(["recipe", "seed"])
    scores = study.frame().sort_values(["recipe", "seed"])
    for column in ("status", "seconds", "test_loss", "test_accuracy"):
        assert runs[column].tolist() == scores[column].tolist()
    assert set(frame["study_id"]) == {study.id}
    fixed = ["study", "dataset", "validation", "engine", "optimizer", "learning_rate"]
    assert frame[fixed].drop_duplicates().to_numpy().tolist() == [
        ["a", "digits", 100, "native", "Adam", 0.001]
    ]
    assert frame["layers"][0].endswith("Dense(16, relu), Dropout(0.2), Dense(10, softmax)")


def test_json_lines_hold_a_run_after_another(train: Train, tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    study = train(2, keep="models", track={"jsonl": str(path)})
    events = told(path)
    assert [event["event"] for event in events] == ["begin", "epoch", "epoch", "end"] * 2
    assert [events[place]["seed"] for place in (0, 3)] == [events[0]["seed"]] * 2
    parameters = events[0]["parameters"]
    assert (parameters["seed"], parameters["batch_size"]) == (events[0]["seed"], 64)
    assert parameters["keras"] == __import__("keras").__version__
    row = study.frame().set_index("seed").loc[events[3]["seed"]]
    assert events[3]["test_accuracy"] == row["test_accuracy"]
    assert events[3]["model"] == str(study.model_path("small", events[3]["seed"]))


def test_the_path_of_a_model_is_the_same_told_live_and_told_later(
    small: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("live.jsonl", "later.jsonl"):
        mlplab.run(small, "digits", 1, path="a.study", keep="models", track={"jsonl": name}).close()
    models = [told(Path(name))[-1]["model"] for name in ("live.jsonl", "later.jsonl")]
    assert models == [str(tmp_path / "a.models/small-seed0.keras")] * 2


def test_a_stream_varied_alone_and_a_run_that_diverges(
    train: Train, small: Recipe, tmp_path: Path
) -> None:
    path = tmp_path / "runs.csv"
    wild = small.replace(name="wild", optimizer={"class": "SGD", "learning_rate": 1e30})
    train(1, wild, track={"csv": path})
    train(1, small, vary="order", track={"csv": path})
    assert ends(path) == [("wild", "all", 0), ("small", "order", 0)]
    frame = pd.read_csv(path)
    (row,) = frame[frame["status"] == "diverged"].to_dict("records")
    assert math.isnan(row["test_loss"])
    assert math.isnan(row["test_accuracy"])


@pytest.mark.parametrize("name", ["runs.csv", "runs.jsonl"])
class TestBoth:
    """What holds of both kinds of file."""

    def test_each_run_is_told_once(self, train: Train, tmp_path: Path, name: str) -> None:
        path = tmp_path / name
        track = {path.suffix[1:]: path}
        train(1, track=track)
        for _ in range(2):
            train(3, track=track)
        assert sorted(ends(path)) == [("small", "all", seed) for seed in range(3)]

    def test_runs_from_before_are_told_too(self, train: Train, tmp_path: Path, name: str) -> None:
        path = tmp_path / name
        before = train(2)
        assert before.looks().empty
        study = train(2, track={path.suffix[1:]: path})
        assert sorted(ends(path)) == [("small", "all", 0), ("small", "all", 1)]
        assert study.looks()["seen"].tolist() == ["test scores"]
        assert train(2, track={path.suffix[1:]: path}).looks()["seen"].tolist() == ["test scores"]

    def test_two_studies_share_a_file(self, train: Train, tmp_path: Path, name: str) -> None:
        path = tmp_path / name
        for study in ("a.study", "b.study", "a.study"):
            train(1, name=study, track={path.suffix[1:]: path})
        assert ends(path) == [("small", "all", 0)] * 2

    @pytest.mark.parametrize("cut", [1, 40, 200, "a line"])
    def test_a_torn_file_is_cut_back_to_whole_runs(
        self, train: Train, tmp_path: Path, name: str, cut: int | str
    ) -> None:
        path = tmp_path / name
        track = {path.suffix[1:]: path}
        train(2, track=track)
        whole = path.read_bytes()
        left = len(whole.splitlines(keepends=True)[-1]) if isinstance(cut, str) else cut
        path.write_bytes(whole[:-left])
        train(3, track=track)
        assert sorted(ends(path)) == [("small", "all", seed) for seed in range(3)]
        header = int(name == "runs.csv")
        lines = (len(file.splitlines()) - header for file in (whole, path.read_bytes()))
        assert [next(lines) // 2, next(lines)] == [3 + 1 - header, 3 * (3 + 1 - header)]

    def test_a_file_of_others_is_refused_before_training(
        self, train: Train, tmp_path: Path, name: str
    ) -> None:
        path = tmp_path / name
        path.write_text("name,score\nann,1\n")
        with pytest.raises(UsageError, match=f"expected .* got another: .*{name}"):
            train(1, track={path.suffix[1:]: path})
        with pytest.raises(UsageError, match=r"expected .* got a folder: "):
            train(1, track={path.suffix[1:]: tmp_path})
        assert path.read_text() == "name,score\nann,1\n"
        assert not (tmp_path / "a.study").exists()

    def test_what_others_added_after_our_runs_is_not_cut_off(
        self, train: Train, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Whether their last line is whole or not, or looks half like ours."""
        path = tmp_path / name
        track = {path.suffix[1:]: path}
        train(1, track=track)
        whole = path.read_bytes()
        for added in (
            b"my notes\n",
            b"my notes",
            b"a,x",  # no id of a study begins like that
            b"a,b\nc",
            b'{"event": "end", "user": 3}\n',
        ):
            caplog.clear()
            path.write_bytes(whole + added)
            train(2, track=track)
            assert path.read_bytes() == whole + added
            (record,) = caplog.records
            assert "expected lines that mlplab wrote, got " in record.getMessage()
        path.write_bytes(whole)
        train(2, track=track)
        assert ends(path) == [("small", "all", 0), ("small", "all", 1)]

    def test_a_folder_that_cannot_be_written_is_said_once(
        self, train: Train, name: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        path = Path("/sys/mlplab") / name
        with caplog.at_level(logging.WARNING):
            study = train(2, track={path.suffix[1:]: path})
        assert len(study.frame()) == 2
        (record,) = caplog.records
        assert f"{path.suffix[1:]} ({path}) failed: " in record.getMessage()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("runs.csv", "study\nplan A\nplan B\n"),
        ("runs.csv", "study,study_id\nplan A,3\n"),
        ("runs.csv", "\n\n"),
        ("runs.jsonl", '{"event": "begin", "user": 3}\n'),
        ("runs.jsonl", '{"event": "begin", "user": 3}'),
        ("runs.jsonl", '{"event": "begin", "time": "now"}\n{"event": "end"}\n'),
        ("runs.jsonl", "{\n}\n"),
    ],
)
def test_a_file_that_begins_like_ours_is_refused_untouched(
    train: Train, tmp_path: Path, name: str, text: str
) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(UsageError, match=f"expected .* got another: .*{name}"):
        train(1, track={path.suffix[1:]: path})
    assert path.read_text() == text


@pytest.mark.parametrize("n_bytes", [0, 1, 40])
def test_a_torn_first_line_is_written_anew(train: Train, tmp_path: Path, n_bytes: int) -> None:
    for name in ("runs.csv", "runs.jsonl"):
        path = tmp_path / name
        train(1, track={path.suffix[1:]: path})
        path.write_bytes(path.read_bytes()[:n_bytes])
        train(1, track={path.suffix[1:]: path})
        assert ends(path) == [("small", "all", 0)]


def test_unknown_trackers_are_named(train: Train) -> None:
    with pytest.raises(UsageError, match=r"expected a tracker out of .*; did you mean 'csv'"):
        train(1, track={"cvs": "runs.csv"})


def test_seeds_until_decided_go_to_one_file(small: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    pair = [small.replace(name="short", epochs=1), small.replace(name="long", epochs=2)]
    study, _ = mlplab.run_until_decided(
        pair, "digits", path=tmp_path / "a.study", max_seeds=5, margin=50.0, track={"csv": path}
    )
    with study:
        runs = study.frame()
    assert sorted(ends(path)) == sorted(
        (recipe, "all", seed) for recipe, seed in zip(runs["recipe"], runs["seed"], strict=True)
    )
