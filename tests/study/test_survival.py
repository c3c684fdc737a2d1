"""Study files outlive kill -9, full disks, Ctrl-C and strangers."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import mlplab
from mlplab import Dataset, Recipe, StorageError, Study, StudyError
from mlplab.study.schema import SCHEMA_VERSION

PROGRAM = [sys.executable, "-m", "tests.study.killed"]
ROOT = Path(__file__).parents[2]
N_SEEDS = 60
N_KILLS = 6


def start(path: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*PROGRAM, str(path), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def count_runs(path: Path) -> int:
    """Count the runs in a file that another process is writing, or may have left half made."""
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        ) as connection:
            return int(connection.execute("SELECT count(*) FROM run").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def same_as(whole: Study, part: Study) -> None:
    """Every run that is there is the run it would have been."""
    expected = whole.probabilities("small")[part.seeds("small")]
    assert np.array_equal(part.probabilities("small"), expected)


def wait_for_runs(path: Path, n_runs: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while count_runs(path) < n_runs and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def whole(digits: Dataset, small: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The study as it is when nobody kills anything."""
    path = tmp_path_factory.mktemp("whole") / "whole.study"
    return mlplab.run(small, digits, N_SEEDS, path=path)


def test_kill_9_loses_at_most_the_run_in_flight(whole: Study, tmp_path: Path) -> None:
    path, rng, before = tmp_path / "killed.study", np.random.default_rng(0), 0
    for attempt in range(N_KILLS):
        process = start(path, str(N_SEEDS))
        wait_for_runs(path, min(before + 1, N_SEEDS - 1), process)
        time.sleep(rng.random() * 0.2)
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL, attempt
        with Study(path) as study:
            frame = study.frame()
            assert len(frame) >= before
            assert frame["seed"].is_unique
            assert (frame["epochs"] == 2).all()
            same_as(whole, study)
        before = len(frame)
    process = start(path, str(N_SEEDS))
    output, errors = process.communicate(timeout=240)
    assert (process.returncode, output) == (0, f"{N_SEEDS}\n"), errors
    with Study(path) as study:
        assert np.array_equal(study.probabilities("small"), whole.probabilities("small"))
    assert [entry.name for entry in tmp_path.iterdir()] == ["killed.study"]


def test_kill_9_while_the_file_is_made(tmp_path: Path) -> None:
    """Whatever creation left behind, the same command completes it."""
    for content in (b"", "header"):
        path = tmp_path / f"{type(content).__name__}.study"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            connection = sqlite3.connect(path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.close()
        process = start(path, "1")
        output, errors = process.communicate(timeout=120)
        assert (process.returncode, output) == (0, "1\n"), errors


def test_a_full_disk_is_said_and_loses_nothing(tmp_path: Path, whole: Study) -> None:
    """The limit on file size is the kernel's own refusal to write on."""
    path = tmp_path / "full.study"
    process = start(path, str(N_SEEDS))
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (120_000, 120_000))
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 1
    assert f"StorageError: cannot write {path}: the disk is full or failing" in errors
    with Study(path) as study:
        assert len(study.frame()) < N_SEEDS
        same_as(whole, study)
    process = start(path, str(N_SEEDS))
    output, errors = process.communicate(timeout=240)
    assert (process.returncode, output) == (0, f"{N_SEEDS}\n"), errors


def test_a_folder_that_cannot_be_written(digits: Dataset, small: Recipe) -> None:
    with pytest.raises(StorageError, match=r"cannot write /sys/a\.study.*choose another place"):
        mlplab.run(small, digits, 1, path="/sys/a.study")


def test_two_writers_are_refused(tmp_path: Path, digits: Dataset, small: Recipe) -> None:
    path = tmp_path / "busy.study"
    process = start(path, str(N_SEEDS))
    wait_for_runs(path, 1, process)
    with pytest.raises(
        StudyError, match=r"another process is adding runs to .*busy\.study; wait for it to end"
    ):
        mlplab.run(small, digits, 1, path=path)
    with Study(path) as study:  # reading is allowed meanwhile
        assert len(study.frame()) >= 1
    process.kill()
    process.communicate()


def test_ctrl_c_stops_between_epochs_and_keeps_the_runs(tmp_path: Path) -> None:
    path = tmp_path / "stopped.study"
    process = start(path, "1000")
    wait_for_runs(path, 2, process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    with Study(path) as study:
        assert 2 <= len(study.frame()) < 1000
    assert [entry.name for entry in tmp_path.iterdir()] == ["stopped.study"]


def test_a_study_can_be_read_where_nothing_can_be_written(tmp_path: Path, whole: Study) -> None:
    """As from a mounted read-only disk: as another user, in a folder that is not theirs."""
    folder = tmp_path / "read-only"
    folder.mkdir()
    shutil.copy(whole.path, folder / "a.study")
    for entry, mode in ((folder / "a.study", 0o444), (folder, 0o555)):
        entry.chmod(mode)
    with Study(folder / "a.study") as study:
        assert len(study.frame()) == N_SEEDS
    assert [entry.name for entry in folder.iterdir()] == ["a.study"]
    folder.chmod(0o755)


def test_strangers_are_refused(
    tmp_path: Path, digits: Dataset, small: Recipe, whole: Study
) -> None:
    text = tmp_path / "text.study"
    text.write_text("not a database, and longer than a header")
    other = tmp_path / "other.study"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE recipes (flour REAL)")
    connection.close()
    old = tmp_path / "old.study"
    shutil.copy(whole.path, old)
    with sqlite3.connect(old) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    truncated = tmp_path / "truncated.study"
    truncated.write_bytes(whole.path.read_bytes()[: os.path.getsize(whole.path) // 2])
    expected = {
        tmp_path / "missing.study": "expected a study file, found nothing at .*missing",
        tmp_path: "expected a study file, got a folder",
        text: r"expected a study file \(an SQLite database\), got something else: .*text\.study",
        other: "expected a study file, got an SQLite database of another kind: .*other",
        old: f"expected a study file of version {SCHEMA_VERSION}, got version 999: .*old",
        truncated: "expected a whole study file, got a damaged or truncated one: .*truncated",
    }
    for path, message in expected.items():
        with pytest.raises(StudyError, match=message):
            Study(path)
        if path.is_file():
            before = path.read_bytes()
            with pytest.raises(StudyError, match=message):
                mlplab.run(small, digits, 1, path=path)
            assert path.read_bytes() == before


def test_other_data_or_validation_needs_another_file(
    tmp_path: Path, digits: Dataset, small: Recipe, whole: Study
) -> None:
    path = tmp_path / "a.study"
    shutil.copy(whole.path, path)
    with pytest.raises(
        StudyError,
        match="expected a study of validation='test', got a file with runs under validation=143",
    ):
        mlplab.run(small, digits, 1, path=path, validation="test")
    fewer = mlplab.Dataset(
        "fewer",
        mlplab.Split(*(array[:400] for array in digits.train)),
        digits.test,
        digits.class_names,
    )
    with pytest.raises(
        StudyError,
        match=r"expected a study of fewer \([0-9a-f]{12}\), got a file with runs on digits",
    ):
        mlplab.run(small, fewer, 1, path=path)


def test_an_unknown_recipe_is_named(whole: Study) -> None:
    with pytest.raises(
        StudyError,
        match=r"expected a recipe of .*whole\.study \(small\), got 'smal'; did you mean 'small'\?",
    ):
        whole.outcomes("smal")
