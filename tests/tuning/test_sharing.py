"""Searches in their storages: gone on with, shared, killed, refused."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from mlplab import load
from mlplab.errors import FailedError, MlplabError, StorageError, UsageError
from mlplab.recipes import load_search
from mlplab.tuning import TuneProgress, search, shared
from mlplab.tuning import process as process_module
from mlplab.tuning import storage as storage_module
from mlplab.tuning.process import alive
from mlplab.tuning.shared import SharedSearch
from mlplab.tuning.storage import open_store
from mlplab.tuning.trial import Terms
from tests.ports import free_port
from tests.tuning.specs import QUICK

ROOT = Path(__file__).parents[2]


def study_in(storage: str) -> optuna.Study:
    return optuna.load_study(study_name="quick", storage=open_store(storage).storage)


def counted(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    again = {trial.user_attrs.get("again") for trial in study.trials}
    return [trial for trial in study.trials if trial.number not in again]


def start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.tuning.searching", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("kind", ["sqlite", "journal"])
def test_the_same_search_goes_on(quick: Path, tmp_path: Path, kind: str):
    storage = f"{kind}:///{tmp_path}/quick.tune"
    whole = search(quick, trials=5, storage=f"{kind}:///{tmp_path}/whole.tune")
    first = search(quick, trials=2, storage=storage)
    assert sum(first.counts) == 2
    second = search(quick, trials=5, storage=storage)
    assert sum(second.counts) == 5
    assert (second.number, second.values, second.scores) == (
        whole.number,
        whole.values,
        whole.scores,
    )
    trials = study_in(storage).trials
    of_whole = study_in(f"{kind}:///{tmp_path}/whole.tune").trials
    assert [trial.params for trial in trials] == [trial.params for trial in of_whole]
    assert [trial.number for trial in trials] == [0, 1, 2, 3, 4]
    assert trials[0].params == {"batch_size": 256, "optimizer.learning_rate": 1e-3}
    assert len({json.dumps(trial.params) for trial in trials}) == 5
    assert search(quick, trials=5, storage=storage) == second


@pytest.mark.parametrize(
    ("sampler", "pruner"), [("random", "none"), ("qmc", "hyperband"), ("grid", "halving")]
)
def test_samplers_stay_within_their_ranges(quick: Path, storage: str, sampler: str, pruner: str):
    quick.write_text(
        QUICK.replace(
            "{ low = 1e-4, high = 0.1, log = true, start", "{ choices = [1e-3, 1e-2], start"
        )
    )
    found = search(quick, trials=9, sampler=sampler, pruner=pruner, storage=storage)
    trials = study_in(storage).trials
    points = {(t.params["batch_size"], t.params["optimizer.learning_rate"]) for t in trials}
    assert points <= {(size, rate) for size in (64, 128, 256) for rate in (1e-3, 1e-2)}
    assert sum(found.counts) == (6 if sampler == "grid" else 9)
    assert sampler != "grid" or len(points) == 6
    assert points != {(256, 1e-3)}


def test_two_processes_share_a_search(quick: Path, tmp_path: Path, storage: str):
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    both = [start(quick, storage, 16, meeting, 2) for _ in range(2)]
    for process in both:
        _, errors = process.communicate(timeout=200)
        assert process.returncode == 0, errors
    trials = study_in(storage).trials
    assert [trial.number for trial in trials] == list(range(16))
    assert len({json.dumps(trial.params) for trial in trials}) == 16
    assert all(trial.state.is_finished() for trial in trials)
    assert {trial.user_attrs["process"]["pid"] for trial in trials} == {p.pid for p in both}
    assert (tmp_path / ".quick.tune.db.lock").exists()  # never removed: see Store.lock


def wait_for_trial(path: Path, number: int, process: subprocess.Popen[str]) -> None:
    """Wait until another process has begun a trial, and trained an epoch of it."""
    statement = (
        "SELECT count(*) FROM trials JOIN trial_intermediate_values USING (trial_id) "
        "WHERE number = ? AND state = 'RUNNING'"
    )
    deadline = time.monotonic() + 120
    while process.poll() is None:
        assert time.monotonic() < deadline
        try:
            with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
                if database.execute(statement, (number,)).fetchone()[0]:
                    return
        except sqlite3.OperationalError:  # not made yet
            pass
        time.sleep(0.02)


def test_kill_9_loses_no_trial(quick: Path, tmp_path: Path, storage: str):
    quick.write_text(QUICK.replace("epochs = 2", "epochs = 40"))
    process = start(quick, storage, 4)
    wait_for_trial(tmp_path / "quick.tune.db", 2, process)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    killed = study_in(storage).trials[2]
    assert killed.state == TrialState.RUNNING
    found = search(quick, trials=6, storage=storage)
    assert sum(found.counts) == 6
    study = study_in(storage)
    assert [trial.number for trial in counted(study)] == [0, 1, 3, 4, 5, 6]
    lost, again = study.trials[2], study.trials[3]
    assert lost.state == TrialState.FAIL
    assert (again.user_attrs["again"], again.params) == (2, killed.params)
    whole = search(quick, trials=6, storage=f"sqlite:///{tmp_path}/whole.db")
    assert (found.values, found.scores) == (whole.values, whole.scores)
    of_whole = study_in(f"sqlite:///{tmp_path}/whole.db").trials
    assert [trial.params for trial in counted(study)] == [trial.params for trial in of_whole]


def test_a_trial_that_is_not_yet_anybodys_is_tried_again(
    quick: Path, storage: str, monkeypatch: pytest.MonkeyPatch
):
    """Ctrl-C between the moment a trial is begun and that in which it says whose it is."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shared, "this_process", interrupted)
        with pytest.raises(KeyboardInterrupt):
            search(quick, trials=2, storage=storage)
    states = [trial.state for trial in study_in(storage).trials]
    assert states == [TrialState.FAIL, TrialState.WAITING]
    assert sum(search(quick, trials=2, storage=storage).counts) == 2


def test_signs_of_life_count_by_this_machines_clock(monkeypatch: pytest.MonkeyPatch):
    """Those of a machine whose clock is ten minutes behind."""
    now = 1000.0
    clock = SimpleNamespace(monotonic=lambda: now, time=time.time)
    monkeypatch.setattr(process_module, "time", clock)
    signs, behind = process_module.Signs(), time.time() - 600
    assert not signs.stopped(3, behind)
    now += process_module.SILENT
    assert not signs.stopped(3, behind + 30)  # it has given one
    now += process_module.SILENT
    assert not signs.stopped(3, behind + 30)
    assert not signs.stopped(4, behind)
    now += 1
    assert signs.stopped(3, behind + 30)
    assert not signs.stopped(4, behind)
    assert signs.stopped(5, time.time() - 1e5)  # of yesterday


class Twice(TuneProgress):
    """Interrupts, as Ctrl-C does, in a trial."""

    def on_trial_epoch(self, number: int, epoch: int, mean: float) -> None:
        raise KeyboardInterrupt


def test_a_trial_that_this_process_could_not_put_back_is_lost(
    quick: Path, storage: str, monkeypatch: pytest.MonkeyPatch
):
    """A second Ctrl-C while the first is seen to, in a notebook that lives on."""

    def interrupted(search: shared.SharedSearch, trial: optuna.trial.Trial) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shared.SharedSearch, "put_back", interrupted)
        with pytest.raises(KeyboardInterrupt):
            search(quick, trials=2, storage=storage, progress=Twice())
    assert [trial.state for trial in study_in(storage).trials] == [TrialState.RUNNING]
    assert sum(search(quick, trials=2, storage=storage).counts) == 2


class Stop(TuneProgress):
    """Interrupts, as Ctrl-C does, in a trial."""

    def on_trial_epoch(self, number: int, epoch: int, mean: float) -> None:
        if number == 1:
            raise KeyboardInterrupt


def test_a_trial_that_is_given_up_is_tried_again(quick: Path, storage: str):
    with pytest.raises(KeyboardInterrupt):
        search(quick, trials=3, storage=storage, progress=Stop())
    study = study_in(storage)
    assert [trial.state for trial in study.trials] == [
        TrialState.COMPLETE,
        TrialState.FAIL,
        TrialState.WAITING,
    ]
    given_up = study.trials[1].params
    assert sum(search(quick, trials=3, storage=storage).counts) == 3
    assert study_in(storage).trials[2].params == given_up


class Slept(TuneProgress):
    """Sleeps so long in a trial that another process takes it for lost, and does it."""

    def __init__(self, quick: Path, storage: str) -> None:
        self.quick, self.storage = quick, storage
        self.taken: list[int] = []

    def on_trial_begin(self, number: int, *rest: Any) -> None:
        if number == 1:
            trial = study_in(self.storage).trials[number]
            elsewhere = {"host": "elsewhere", "pid": 1, "started": "1"}
            kept = open_store(self.storage).storage
            kept.set_trial_user_attr(trial._trial_id, "process", elsewhere)
            kept.set_trial_user_attr(trial._trial_id, "seen", time.time() - 1e5)
            search(self.quick, trials=3, storage=self.storage)

    def on_trial_taken(self, number: int) -> None:
        self.taken.append(number)


def test_a_trial_that_others_took_up_is_theirs(quick: Path, storage: str):
    slept = Slept(quick, storage)
    found = search(quick, trials=4, storage=storage, progress=slept)
    assert slept.taken == [1]
    assert sum(found.counts) == 4
    trials = study_in(storage).trials
    assert trials[1].state == TrialState.FAIL
    assert [t.user_attrs.get("again") for t in trials] == [None, None, 1, None, None]
    assert trials[2].params == trials[1].params
    assert [trial.number for trial in counted(study_in(storage))] == [0, 2, 3, 4]


def test_a_trial_that_is_taken_while_it_is_told_is_theirs(quick: Path, storage: str):
    """Between the last that is written of a trial and its end."""
    with closing(open_store(storage)) as store:
        spec = load_search(quick)
        shared_search = SharedSearch(store, spec, Terms(load("digits"), 143, range(2), "accuracy"))
        trial = shared_search.next()
        assert trial is not None
        told = shared_search.study.tell(trial.number, state=TrialState.FAIL)
        assert told.state == TrialState.FAIL
        with pytest.raises(UpdateFinishedTrialError):
            shared_search._tell(trial, 0.5)


def test_signs_of_life_go_on_after_one_that_failed():
    signs, enough = [], threading.Event()

    def sign() -> None:
        signs.append(len(signs))
        if len(signs) == 1:
            raise OSError("busy")
        enough.set()

    with alive(sign, every=0.01):
        assert enough.wait(30)
    assert len(signs) >= 2


@pytest.mark.parametrize(
    ("change", "how", "differs"),
    [
        (("high = 0.1", "high = 0.2"), {}, r"ranges \(optimizer.learning_rate: .*0.2.*there"),
        (('"Adam"', '"SGD"'), {}, r"values around the ranges, in \[train\] or \[\[recipe\]\]"),
        (("[tune]", "validation = 200\n[tune]"), {}, r"validation \(200, there 143\)"),
        (("", ""), {"seeds": 3}, r"seeds \(3, there 2\)"),
        (("", ""), {"metric": "loss"}, r"metric \(loss, there accuracy\)"),
    ],
)
def test_another_search_of_the_name_is_refused(
    quick: Path, searched_once: str, change: tuple[str, str], how: dict[str, Any], differs: str
):
    quick.write_text(QUICK.replace(*change))
    with pytest.raises(
        UsageError,
        match=f"expected the search that is there as 'quick' in .*, got other {differs}"
        ".*; to go on with it, put these back; else give this search another name",
    ):
        search(quick, storage=searched_once, **how)


@pytest.fixture(scope="module")
def searched_once(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("once")
    (folder / "quick.toml").write_text(QUICK)
    storage = f"sqlite:///{folder}/quick.tune.db"
    search(folder / "quick.toml", trials=1, storage=storage)
    return storage


def test_another_start_or_name_of_the_recipe_is_the_same_search(quick: Path, searched_once: str):
    quick.write_text(QUICK.replace("start = 256", "start = 64").replace('"linear"', '"line"'))
    assert sum(search(quick, trials=1, storage=searched_once).counts) == 1


def test_storages_that_cannot_be(quick: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(storage_module, "ANSWER_WITHIN", 1)
    text, other = tmp_path / "text.db", tmp_path / "other.db"
    text.write_text("not a database, and longer than a header")
    with closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE recipes (flour REAL)")
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"SQLite format 3\0" + b"no more" * 100)
    port = free_port()
    expected = {
        "quick.db": "expected an Optuna storage URL that begins with one of sqlite://, journal",
        "redis://127.0.0.1": "expected an Optuna storage URL that begins",
        "sqlite://": "expected an Optuna storage URL",
        "sqlite:///:memory:": "expected a file after three slashes, such as sqlite:///a.db",
        f"sqlite:///{tmp_path}": "expected a file for the search, got a folder",
        f"sqlite:///{tmp_path}/no/a.db": "its folder does not exist; make it first",
        "sqlite:////sys/a.db": "cannot open the storage sqlite:////sys/a.db: ",
        f"sqlite:///{text}": "expected an Optuna SQLite database, got something else: .*text.db",
        f"sqlite:///{other}": "got an SQLite database of another kind: .*other.db; give the",
        f"sqlite:///{damaged}": "cannot read .*damaged.db: ",
        f"journal:///{text}": "expected an Optuna journal, got something else: .*text.db",
        f"grpc://127.0.0.1:{port}": f"expected a storage server at grpc://127.0.0.1:{port}, got no "
        "answer in 1 s; start optuna.storages.run_grpc_proxy_server there",
        "grpc://127.0.0.1": "expected grpc://HOST:PORT",
        f"postgresql://ann:secret@127.0.0.1:{port}/a": "cannot open the storage postgresql://ann:"
        rf"\*\*\*@127.0.0.1:{port}/a: ",
    }
    for url, message in expected.items():
        with pytest.raises(MlplabError, match=message) as caught:
            search(quick, storage=url)
        assert caught.value.exit_code == 2, url
        assert "secret" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_a_server_keeps_a_search(quick: Path, tmp_path: Path):
    port = free_port()
    kept = optuna.storages.RDBStorage(f"sqlite:///{tmp_path}/kept.db")
    where = {"host": "127.0.0.1", "port": port}
    serve = optuna.storages.run_grpc_proxy_server
    threading.Thread(target=serve, args=(kept,), kwargs=where, daemon=True).start()
    found = search(quick, trials=3, storage=f"grpc://127.0.0.1:{port}")
    assert sum(found.counts) == 3
    assert len(optuna.load_study(study_name="quick", storage=kept).trials) == 3


def test_a_search_without_time_says_so(quick: Path, storage: str):
    with pytest.raises(FailedError, match=r"no trial .* 0 trials; the time was too short for one"):
        search(quick, storage=storage, max_minutes=1e-9)


def test_a_storage_that_goes_away_is_said(quick: Path, tmp_path: Path, storage: str):
    class Remove(TuneProgress):
        def on_trial_begin(self, *trial: Any) -> None:
            with closing(sqlite3.connect(tmp_path / "quick.tune.db")) as database:
                database.execute("DROP TABLE trial_intermediate_values")

    with pytest.raises(StorageError, match=r"the storage sqlite:.* does not answer: no such table"):
        search(quick, storage=storage, progress=Remove())


def test_a_journal_that_cannot_be_written_is_said(quick: Path, tmp_path: Path):
    class Replace(TuneProgress):
        def on_trial_begin(self, *trial: Any) -> None:
            (tmp_path / "quick.log").unlink()
            (tmp_path / "quick.log").mkdir()

    with pytest.raises(StorageError, match=r"the storage journal:.* does not answer: .*directory"):
        search(quick, trials=1, storage=f"journal:///{tmp_path}/quick.log", progress=Replace())
