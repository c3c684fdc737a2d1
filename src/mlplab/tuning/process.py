"""Which process does a trial, and whether it still does."""

from __future__ import annotations

import logging
import os
import platform
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_log = logging.getLogger(__name__)

BEAT = 30.0
"""Seconds between two signs of life of a trial under way."""

LONG_AGO = 86_400.0
"""Seconds by which no two clocks differ."""

SILENT = 10 * BEAT
"""Seconds without one, after which a process on another machine is taken to have ended."""


def this_process() -> dict[str, Any]:
    """Return what tells this process from every other: machine, number, start."""
    return {"host": host(), "pid": os.getpid(), "started": started(os.getpid())}


def host() -> str:
    """Return what tells where numbers of processes mean the same: a machine, or a container."""
    try:
        return f"{platform.node()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return platform.node()


def started(pid: int) -> str | None:
    """Return when a process began, in the system's words; None where there is none.

    Numbers of processes are used again; number and start together are not.
    """
    if not Path("/proc/self/stat").exists():
        told = subprocess.run(  # noqa: S603 - a fixed program, and a number
            ["/bin/ps", "-o", "lstart=", "-p", str(pid)],
            capture_output=True,
            text=True,
            check=False,
        )
        return told.stdout.strip() or None
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the name before may hold anything
    return None if fields[0] in "ZX" else fields[19]  # state; start, in ticks since boot


def has_ended(process: dict[str, Any]) -> bool | None:
    """Say whether the process of a trial has ended; None where it is on another machine.

    Args:
        process: as ``this_process`` returned it.
    """
    if process["host"] == host():
        return bool(started(process["pid"]) != process["started"])
    return None


class Signs:
    """The signs of life of trials on other machines, as this process saw them come.

    A machine's clock may differ from this one's by minutes. So a trial has stopped when its sign
    has been the same for ``SILENT`` seconds here, or is older than any clock is wrong.
    """

    def __init__(self) -> None:
        self.last: dict[int, tuple[float, float]] = {}

    def stopped(self, number: int, seen: float) -> bool:
        """Say whether a trial gives no sign of life any more.

        Args:
            number: the trial's.
            seen: when it last gave one, in seconds since 1970, by the clock of its machine.
        """
        known, since = self.last.get(number, (None, 0.0))
        if known != seen:
            since = time.monotonic()
            self.last[number] = seen, since
        return time.monotonic() - since > SILENT or time.time() - seen > LONG_AGO


@contextmanager
def alive(sign: Callable[[], None], every: float = BEAT) -> Iterator[None]:
    """Call ``sign`` from time to time, in a thread, as long as the block lasts.

    Where it fails the log says so (level info), and it is called again as before: a storage that
    was busy for a moment is no reason to be taken for dead. One that stays away is told by the
    block, which writes its results to it.
    """
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(every):
            try:
                sign()
            except Exception as error:
                _log.info("no sign of life can be left: %s", error)

    thread = threading.Thread(target=beat, name="mlplab-alive", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
