"""Trackers that die, hang, or cannot keep up: said once, training unharmed, told whole later."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest

import mlplab
from mlplab import Recipe
from mlplab.cli.options import tracked
from mlplab.study import Job, Progress, RunResult, teller_thread
from mlplab.study.progress import Watchers
from mlplab.study.tracking import Tracking
from mlplab.study.turn import Turn
from mlplab.trackers import TRACKERS, Epoch, Key, Outcome, Run, Sink, StudyName, Tracker
from tests.trackers.conftest import Server, Train
from tests.trackers.test_files import ends
from tests.trackers.test_mlflow import Reader
from tests.trackers.test_tensorboard import read

ROOT = Path(__file__).parents[2]
SOURCES = Path(mlplab.__file__).parents[1]


class After(Progress):
    """Does something when so many runs have ended."""

    def __init__(self, n_runs: int, act: threading.Event | Server) -> None:
        self.n_runs, self.act = n_runs, act

    def on_run_end(self, job: Job, result: RunResult) -> None:
        self.n_runs -= 1
        if self.n_runs == 0:
            self.act.kill() if isinstance(self.act, Server) else self.act.set()


@contextmanager
def silent_server() -> Iterator[str]:
    """A server that takes every connection and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_server_that_dies_is_said_once_and_told_whole_later(
    train: Train, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mortal = Server(tmp_path)
    track = {"mlflow": mortal.uri}
    train(1, track=track)  # so that it is open when it dies
    study = train(8, track=track, progress=After(2, mortal))
    assert len(study.frame()) == 8
    (record,) = caplog.records
    message = record.getMessage()
    assert message.startswith(f"warning: mlflow ({mortal.uri}) failed: ")
    assert message.endswith("and the next command tells what is missing")
    again = Server(tmp_path, mortal.port)
    try:
        study = train(9, track=track)
        seeds = Reader(again.uri, "a").seeds(study)
    finally:
        again.kill()
    assert sorted(seeds) == [("small", f"seed {seed}") for seed in range(9)]
    assert {run.info.status for run in seeds.values()} == {"FINISHED"}
    assert len(caplog.records) == 1


def test_a_server_that_hangs_is_given_up(
    small: Recipe, tmp_path: Path, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """It is waited for once, not at every look."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
    pair = [small.replace(name="one"), small.replace(name="two")]
    with silent_server() as uri:
        began = time.monotonic()
        study, _ = mlplab.run_until_decided(
            pair, "digits", path=tmp_path / "a.study", max_seeds=5, margin=0.001,
            track={"mlflow": uri},
        )  # fmt: skip
        assert time.monotonic() - began < 60
    with study:
        assert len(study.frame()) == 10
    (record,) = caplog.records
    assert "failed: timed out" in record.getMessage()


class Kept(Sink):
    """Keeps what it is told, and waits wherever its gate is closed."""

    gate: ClassVar = threading.Event()
    runs: ClassVar[dict[Key, list[Epoch | Outcome]]] = {}
    whole: ClassVar[set[Key]] = set()
    reports: ClassVar[list[Sequence[Path]]] = []
    hold: ClassVar[threading.Event | None] = None

    def open(self, study: StudyName) -> set[Key]:
        self.gate.wait(60)
        return set(self.whole)

    def begin(self, run: Run) -> None:
        if self.hold:
            self.hold.wait(60)
        assert run.key not in self.runs, "told twice"
        self.runs[run.key] = []

    def epochs(self, run: Run, epochs: Sequence[Epoch]) -> None:
        self.runs[run.key] += epochs

    def end(self, run: Run, outcome: Outcome) -> None:
        self.runs[run.key].append(outcome)
        self.whole.add(run.key)

    def report(self, study: StudyName, written: Sequence[Path]) -> None:
        self.reports.append(written)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> type[Kept]:
    """A tracker of the test's own, by the name of ``kept``."""
    monkeypatch.setitem(TRACKERS, "kept", Tracker(Kept, "nothing"))
    for name, value in {
        "gate": threading.Event(),
        "runs": {},
        "whole": set(),
        "reports": [],
        "hold": None,
    }.items():
        monkeypatch.setattr(Kept, name, value)
    return Kept


def steps(kept: type[Kept]) -> list[list[int | str]]:
    return [
        [one.epoch if isinstance(one, Epoch) else one.status for one in told]
        for told in kept.runs.values()
    ]


def test_runs_that_a_full_queue_drops_are_told_whole_at_the_end(
    train: Train, kept: type[Kept], monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """The queue holds one run and the begin of another; the gate opens after the last."""
    monkeypatch.setattr(teller_thread, "MOST_EVENTS", 5)
    train(6, track={"kept": ""}, progress=After(6, kept.gate))
    assert sorted(seed for _, _, seed in kept.whole) == list(range(6))
    assert steps(kept) == [[1, 2, "done"]] * 6
    assert caplog.records == []


def test_runs_that_end_while_it_opens_are_told_once(train: Train, kept: type[Kept]) -> None:
    """They are in the file when it looks there, and in the queue too."""
    kept.gate.set()
    train(1, track={"kept": ""})
    kept.gate.clear()
    train(4, track={"kept": ""}, progress=After(3, kept.gate))
    assert steps(kept) == [[1, 2, "done"]] * 4


def test_one_that_never_answers_is_given_up(
    train: Train, kept: type[Kept], monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setattr("mlplab.study.tracking.PATIENCE", 0.5)
    study = train(2, track={"kept": "somewhere"})
    assert len(study.frame()) == 2
    (record,) = caplog.records
    assert "kept (somewhere) failed: no answer for 0.5 seconds; " in record.getMessage()
    kept.gate.set()
    (old,) = [one for one in threading.enumerate() if one.name == "mlplab-kept"]
    old.join(30)
    assert kept.runs == {}  # what hung is not told behind our back
    train(2, track={"kept": "somewhere"})
    assert steps(kept) == [[1, 2, "done"]] * 2


def test_a_report_beside_a_run_leaves_its_runs_to_it(
    train: Train, kept: type[Kept], caplog: pytest.LogCaptureFixture
) -> None:
    """They are in the study file, and still in the queue of the command that trained them."""
    said: list[str] = []
    kept.gate.set()

    class Report(Progress):
        def on_run_end(self, job: Job, result: RunResult) -> None:
            if job.place == 3:
                with Tracking({"kept": ""}, said.append) as tracking:
                    tracking.begin(path, said.append, ["test scores"], report_only=True)
                    tracking.report([path])

    path = train(1).path
    kept.hold = threading.Event()
    train(4, track={"kept": ""}, progress=Watchers([Report(), After(3, kept.hold)]))
    (line,) = said
    assert line.startswith(f"note: another command is telling trackers of {path}; only the report")
    assert kept.reports == [[path]]
    assert steps(kept) == [[1, 2, "done"]] * 4
    assert caplog.records == []


def test_a_run_waits_for_the_trackers_of_another_command(
    train: Train, kept: type[Kept], caplog: pytest.LogCaptureFixture
) -> None:
    kept.gate.set()
    path = train(2).path
    turn = Turn(path)
    assert turn.taken()

    class End(threading.Event):
        def set(self) -> None:
            assert kept.runs == {}
            turn.end()

    train(4, track={"kept": ""}, progress=After(2, End()))
    assert steps(kept) == [[1, 2, "done"]] * 4
    assert caplog.records == []
    assert not list(path.parent.glob(".*lock"))


def test_a_wait_is_said(
    train: Train,
    kept: type[Kept],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("mlplab.study.tracking.SECONDS_BEFORE_A_WORD", 0.1)
    path = train(1).path
    for quiet, said in (
        (False, "note: waiting for kept, which the runs are still told to\n"),
        (True, ""),
    ):
        kept.gate.clear()
        with tracked({"kept": ""}, quiet) as tracking:
            tracking.begin(path, lambda kind: None, [])
            threading.Timer(1, kept.gate.set).start()
        assert capsys.readouterr().err == said
    assert steps(kept) == [[1, 2, "done"]]


def test_it_waits_no_longer_than_for_an_answer(
    train: Train, kept: type[Kept], monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setattr("mlplab.study.tracking.PATIENCE", 0.5)
    kept.gate.set()
    turn = Turn(train(1).path)
    assert turn.taken()
    train(2, track={"kept": ""})
    turn.end()
    (record,) = caplog.records
    assert "failed: another command is telling it of this study; " in record.getMessage()
    assert kept.runs == {}
    train(2, track={"kept": ""})
    assert steps(kept) == [[1, 2, "done"]] * 2


def test_all_trackers_are_waited_for_by_one_clock(
    train: Train, kept: type[Kept], monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """Each by a clock of its own would be given up at 2, 4, 6 and 8 seconds."""
    monkeypatch.setattr("mlplab.study.tracking.MOST_PATIENCE", 2.0)
    names = ["kept", "second", "third", "fourth"]
    for name in names[1:]:
        monkeypatch.setitem(TRACKERS, name, Tracker(Kept, "nothing"))
    train(1, track=dict.fromkeys(names, ""))
    given_up = [record.created for record in caplog.records]
    assert len(given_up) == 4
    assert given_up[-1] - given_up[0] < 5
    kept.gate.set()


def test_ctrl_c_in_the_last_wait_says_that_the_study_is_whole(
    train: Train, kept: type[Kept], monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    def interrupt(thread: teller_thread.TellerThread, *how: float) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        wait(thread, *how)

    wait = teller_thread.TellerThread.wait
    monkeypatch.setattr(teller_thread.TellerThread, "wait", interrupt)
    with pytest.raises(KeyboardInterrupt) as interrupted:
        train(2, track={"kept": ""})
    monkeypatch.undo()
    said = str(interrupted.value)
    assert said.startswith("Interrupted. The study file ")
    assert said.endswith("a.study is whole; the next command on it tells trackers the rest.")
    assert caplog.records == []


def test_kill_9_leaves_nothing_twice_and_nothing_half(tmp_path: Path) -> None:
    """Killed once, then left alone."""
    runs = tmp_path / "runs.csv"
    for n_before in (10, None):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.trackers.killed", "a.study", "50"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": f"{SOURCES}:{ROOT}"},
        )
        deadline = time.monotonic() + 120
        while process.poll() is None and n_before is not None:
            assert time.monotonic() < deadline
            if runs.exists() and runs.read_bytes().count(b",done,") >= n_before:
                process.kill()
            time.sleep(0.005)
        assert process.wait(120) == (0 if n_before is None else -signal.SIGKILL)
    expected = [("small", "all", seed) for seed in range(50)]
    assert sorted(ends(runs)) == sorted(ends(tmp_path / "runs.jsonl")) == expected
    assert len(runs.read_text().splitlines()) == 1 + 3 * 50
    folders = sorted((tmp_path / "events").glob("a-*/small/seed-*"))
    assert len(folders) == 50
    for folder in (folders[0], folders[7], folders[-1]):
        assert len(read(folder).Scalars("loss")) == 2
    assert all(len(list(folder.glob("*tfevents*"))) == 1 for folder in folders)


def test_an_interrupted_study_leaves_the_rest_to_the_next_command(
    train: Train, kept: type[Kept], caplog: pytest.LogCaptureFixture
) -> None:
    class Interrupt(Progress):
        def on_run_end(self, job: Job, result: RunResult) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(20, track={"kept": ""}, progress=Interrupt())
    kept.gate.set()
    train(2, track={"kept": ""})
    assert sorted(seed for _, _, seed in kept.whole)[:2] == [0, 1]
    assert all(told == [1, 2, "done"] for told in steps(kept))
    with caplog.at_level(logging.WARNING):
        assert caplog.records == []
