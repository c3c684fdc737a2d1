"""How much memory this process holds, and how much it held at most, in bytes."""

from __future__ import annotations

import resource
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_STATUS = Path("/proc/self/status")


def _field(name: str) -> int:
    fields = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
    return int(fields[name].split()[0]) * 1024


def peak_memory() -> int:
    """Return the most memory this process has held so far.

    On Linux ``ru_maxrss`` of a new process begins at what its parent held, so the count for
    the program itself is read there instead.
    """
    if _STATUS.exists():
        return _field("VmHWM")
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def held_memory() -> int:
    """Return the memory this process holds now; where that is not told, the most it has held."""
    return _field("VmRSS") if _STATUS.exists() else peak_memory()


def private_memory() -> int:
    """Return the memory that is this process's own now, without mapped files; Linux alone tells."""
    return _field("RssAnon")


@contextmanager
def watching(every: float = 0.01) -> Iterator[Callable[[], int]]:
    """Sample the private memory while a block runs; give what returns the most there was."""
    peak, done = [private_memory()], threading.Event()

    def watch() -> None:
        while not done.wait(every):
            peak[0] = max(peak[0], private_memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield lambda: peak[0]
    finally:
        done.set()
        watcher.join()
