"""``mlplab run`` as a program, from its start to whatever ends it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil

MARK = "MLPLAB_TEST_COMMAND"


def start_run(folder: Path, *words: str, **env: str) -> subprocess.Popen[str]:
    """Start the command as a terminal would: with a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "mlplab.cli.main", "run", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {MARK: str(folder)} | env,
        start_new_session=True,
    )


def n_runs(path: Path) -> int:
    """Count the runs in a file that another process is writing."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as file:
            return int(file.execute("SELECT count(*) FROM run").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def wait_until(true: Callable[[], bool], seconds: float) -> None:
    """Wait for something to become true, and fail where it does not in time."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def marked(folder: Path) -> list[psutil.Process]:
    """Return the processes of commands started in a folder: they all inherit ``MARK``."""
    return [process for process in psutil.process_iter() if mark_of(process) == str(folder)]


def mark_of(process: psutil.Process) -> str | None:
    """Return the folder of the command that a process comes from, if it comes from one."""
    try:
        mark: str | None = process.environ().get(MARK)
        return None if process.status() == psutil.STATUS_ZOMBIE else mark
    except psutil.Error:  # it has ended, or is another user's
        return None
