"""``mlplab run --on ray`` as a program: where it listens, and what is left when it is stopped."""

from __future__ import annotations

import ipaddress
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import mlplab
from mlplab import Study
from mlplab.recipes import load_spec
from tests.study.commands import marked, n_runs, start_run, wait_until
from tests.study.test_ray import same_runs

SPEC = Path(__file__).parents[2] / "examples" / "digits.toml"
N_SEEDS, EPOCHS = 40, 60


def start(folder: Path) -> subprocess.Popen[str]:
    words = ["--seeds", str(N_SEEDS), "--epochs", str(EPOCHS), "--out", "a.study", "--on", "ray"]
    return start_run(folder, str(SPEC), *words, RAY_ADDRESS="local")


def listening(processes: list[psutil.Process]) -> set[str]:
    """The addresses at which processes listen."""
    connections = [one for process in processes for one in process.net_connections()]
    return {one.laddr.ip for one in connections if one.status == psutil.CONN_LISTEN}


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own, also an old one in the new notation."""
    found = ipaddress.ip_address(address)
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for commands; none of their processes outlives the test."""
    yield tmp_path
    for process in marked(tmp_path):
        process.kill()


@pytest.mark.timeout(900)  # it starts Ray three times
def test_stopped_then_killed_then_run_to_its_end(folder: Path) -> None:
    path = folder / "a.study"

    stopped = start(folder)
    wait_until(lambda: n_runs(path) > 0 or stopped.poll() is not None, 200)
    addresses = listening(marked(folder))
    assert addresses
    assert all(map(is_loopback, addresses)), addresses
    os.killpg(stopped.pid, signal.SIGINT)  # as a terminal does: to Ray's processes too
    time.sleep(0.3)
    os.killpg(stopped.pid, signal.SIGINT)  # an impatient user
    output, errors = stopped.communicate(timeout=60)
    assert (stopped.returncode, output) == (130, ""), errors
    said = "Interrupted. The runs that ended are in a.study; the same command goes on.\n"
    assert errors.endswith(said), errors
    wait_until(lambda: not marked(folder), 20)
    after_stop = n_runs(path)
    assert 0 < after_stop < 2 * N_SEEDS

    killed = start(folder)
    wait_until(lambda: n_runs(path) > after_stop or killed.poll() is not None, 200)
    killed.kill()
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    after_kill = n_runs(path)
    assert after_stop < after_kill < 2 * N_SEEDS
    wait_until(lambda: not marked(folder), 150)  # Ray's agent looks for its parent now and then

    last = start(folder)
    output, errors = last.communicate(timeout=240)
    assert last.returncode == 0, errors
    assert f"{2 * N_SEEDS - after_kill} runs to do, {after_kill} already there" in errors
    recipes = [recipe.replace(epochs=EPOCHS) for recipe in load_spec(SPEC).recipes]
    home = mlplab.run(recipes, "digits", N_SEEDS, path=folder / "h.study")
    with home, Study(path) as away:
        for recipe in recipes:
            same_runs(home, away, recipe.name)
    assert not marked(folder)
