"""Taking turns: a worker trains one epoch when it is told to, and tells how long it took."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO


def peak_memory() -> int:
    """Return the most memory this process has held so far, in bytes.

    On Linux ``ru_maxrss`` of a new process begins at what its parent held, so the count for
    the program itself is read there instead.
    """
    status = Path("/proc/self/status")
    if status.exists():
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def take_stdout() -> TextIO:
    """Return the pipe to the parent; what libraries print goes to stderr from here on."""
    pipe = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return pipe


class Turns:
    """The turns of a worker. The first epoch runs at once, each later one when told.

    Attributes:
        peak: the most memory held by the end of the last epoch, in bytes.
    """

    def __init__(self, pipe: TextIO) -> None:
        self._pipe = pipe
        self.peak = 0

    def begin(self) -> None:
        """Start the clock: an epoch begins."""
        self._started = time.perf_counter()

    def end(self) -> bool:
        """Tell the epoch's seconds, wait, and return whether there is another one."""
        self.say(seconds=time.perf_counter() - self._started)
        self.peak = peak_memory()
        return sys.stdin.readline() == "epoch\n"

    def say(self, **facts: object) -> None:
        """Send facts to the parent."""
        print(json.dumps(facts), file=self._pipe, flush=True)

    def __iter__(self) -> Iterator[None]:
        """Yield once an epoch, for those who write their own loop."""
        more = True
        while more:
            self.begin()
            yield
            more = self.end()
