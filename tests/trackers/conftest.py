"""What the tests of trackers share: small studies, and a real MLflow server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

import mlplab
from mlplab import Dataset, Recipe, Study
from mlplab.trackers import mlflow_store
from tests.ports import free_port

for name, value in mlflow_store.DEFAULTS.items():  # the tests ask MLflow too
    os.environ.setdefault(name, value)

SPEC = """
[study]
dataset = "digits"
seeds = 2

[train]
epochs = 2
{track}
[[recipe]]
name = "narrow"
layers = [{{ class = "Dense", units = "classes", activation = "softmax" }}]
"""

Train = Callable[..., Study]


@pytest.fixture
def train(digits: Dataset, small: Recipe, tmp_path: Path) -> Iterator[Train]:
    """Train seeds of a small recipe, or of others, into one study file."""
    opened = []

    def run(seeds: Any = 2, *recipes: Recipe, name: str = "a.study", **how: Any) -> Study:
        how = {"validation": 100, **how}
        study = mlplab.run(list(recipes) or small, digits, seeds, path=tmp_path / name, **how)
        opened.append(study)
        return study

    yield run
    for study in opened:
        study.close()


def spec(folder: Path, **track: str) -> Path:
    """Write a study spec with trackers."""
    file = folder / "tracked.toml"
    table = "".join(f"{name} = {json.dumps(place)}\n" for name, place in track.items())
    file.write_text(SPEC.format(track=f"[track]\n{table}" if track else ""))
    return file


class Server:
    """An MLflow server on the loopback address, over an SQLite file.

    Args:
        folder: where it keeps everything.
        port: where it listens; a free port where it is 0.
    """

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.port = port or free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        database = f"sqlite:///{folder / 'server.db'}"
        where = ["--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        keeps = ["--backend-store-uri", database, "--artifacts-destination", str(folder / "files")]
        quick = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", "server", *where, *keeps],
                stdout=log,
                stderr=log,
                env=os.environ | quick,
                start_new_session=True,
            )
        self.wait()

    def wait(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + 150
        while True:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            with suppress(httpx.HTTPError):
                if httpx.get(f"{self.uri}/health", timeout=5, trust_env=False).is_success:
                    return
            time.sleep(0.1)

    def kill(self) -> None:
        """Kill it and its workers with SIGKILL."""
        os.killpg(self.process.pid, 9)
        self.process.wait()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that leave it alive."""
    running = Server(tmp_path_factory.mktemp("mlflow"))
    yield running
    running.kill()
