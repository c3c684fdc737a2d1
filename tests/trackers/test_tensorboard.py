"""TensorBoard: event files, read back with TensorBoard's own reader."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.metadata import (
    SESSION_END_INFO_TAG,
    SESSION_START_INFO_TAG,
    parse_session_start_info_plugin_data,
)

from mlplab import Recipe
from mlplab.trackers.tensorboard_files import WHOLE
from tests.trackers.conftest import Train


def read(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder))
    events.Reload()
    return events


def folders(root: Path) -> list[str]:
    """The runs under a folder, the ends of the studies' ids left out."""
    marks = [mark.parent.relative_to(root) for mark in root.rglob(WHOLE)]
    return sorted(
        f"{study[:-13]}/{recipe}/{seed}" for study, recipe, seed in (m.parts for m in marks)
    )


def test_figures_and_scores_are_those_of_the_study(train: Train, tmp_path: Path) -> None:
    study = train(2, track={"tensorboard": tmp_path / "events"})
    root = tmp_path / "events" / f"a-{study.id[:12]}" / "small"
    history = study.history().set_index(["seed", "epoch"])
    for row in study.frame().itertuples():
        events = read(root / f"seed-{row.seed}")
        for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
            scalars = events.Scalars(name)
            assert [scalar.step for scalar in scalars] == [1, 2]
            values = history.loc[row.seed][name].to_numpy(np.float32)
            assert np.array_equal([scalar.value for scalar in scalars], values)
        (accuracy,) = events.Scalars("test_accuracy")
        assert (accuracy.step, accuracy.value) == (2, np.float32(row.test_accuracy))


def test_parameters_are_hyperparameters(train: Train, tmp_path: Path) -> None:
    study = train(1, track={"tensorboard": tmp_path / "events"})
    events = read(tmp_path / "events" / f"a-{study.id[:12]}" / "small" / "seed-0")
    metadata = events.SummaryMetadata(SESSION_START_INFO_TAG)
    start = parse_session_start_info_plugin_data(metadata.plugin_data.content)
    assert start.hparams["learning_rate"].number_value == 0.001
    assert start.hparams["optimizer"].string_value == "Adam"
    assert SESSION_END_INFO_TAG in events.Tags()["tensors"]


def test_two_studies_of_one_name_stay_apart_in_a_folder(train: Train, tmp_path: Path) -> None:
    events = tmp_path / "events"
    (tmp_path / "other").mkdir()
    first = train(2, track={"tensorboard": events})
    files = {file: file.read_bytes() for file in events.rglob("*tfevents*")}
    second = train(1, name="other/a.study", track={"tensorboard": events})
    assert first.id != second.id
    assert folders(events) == ["a/small/seed-0", "a/small/seed-0", "a/small/seed-1"]
    assert all(file.read_bytes() == content for file, content in files.items())


def test_a_run_is_told_once_and_one_that_was_cut_off_is_replaced(
    train: Train, small: Recipe, tmp_path: Path
) -> None:
    events = tmp_path / "events"
    track = {"tensorboard": events}
    train(2, track=track)
    files = sorted(events.rglob("*tfevents*"))
    next(events.rglob(f"seed-1/{WHOLE}")).unlink()  # as a killed process leaves it
    train(2, track=track)
    train(1, small, vary="init", track=track)
    assert folders(events) == ["a/small/init-seed-0", "a/small/seed-0", "a/small/seed-1"]
    assert len(set(files) & set(events.rglob("*tfevents*"))) == 1
    for folder in events.rglob("*seed-*"):
        assert len(read(folder).Scalars("loss")) == 2


def test_a_study_that_was_renamed_keeps_its_folder(train: Train, tmp_path: Path) -> None:
    events = tmp_path / "events"
    train(1, track={"tensorboard": events}).close()
    (tmp_path / "a.study").rename(tmp_path / "b.study")
    train(2, name="b.study", track={"tensorboard": events})
    assert folders(events) == ["a/small/seed-0", "a/small/seed-1"]


def test_tensorflow_is_not_imported(tmp_path: Path) -> None:
    """A finder that refuses it stands in for one that would find it."""
    program = """
import sys
class Refuse:
    def find_spec(self, name, *rest):
        assert name.partition(".")[0] != "tensorflow", "tensorflow is imported"
sys.meta_path.insert(0, Refuse())
from mlplab.trackers import Outcome, Epoch, Run, StudyName, sinks
sink = sinks({"tensorboard": "events"})["tensorboard"]
run = Run(StudyName("0" * 32, "a"), "net", "all", 0, 0.0, {"epochs": 1, "optimizer": "Adam"})
sink.load()
assert sink.open(run.study) == set()
sink.begin(run)
sink.epochs(run, [Epoch(1, 1.0, {"loss": 0.5, "accuracy": None})])
sink.end(run, Outcome("done", 1, 2.0, {"test_loss": 0.5, "test_accuracy": 0.5, "seconds": 1.0}))
sink.close()
assert sinks({"tensorboard": "events"})["tensorboard"].open(run.study) == {run.key}
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
