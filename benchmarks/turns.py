"""Taking turns: a worker trains one epoch when it is told to, and tells how long it took."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from typing import TextIO

from benchmarks.memory import peak_memory


def take_stdout() -> TextIO:
    """Return the pipe to the parent; what libraries print goes to stderr from here on."""
    pipe = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return pipe


class Turns:
    """The turns of a worker. The first epoch runs at once, each later one when told."""

    def __init__(self, pipe: TextIO) -> None:
        self._pipe = pipe

    def begin(self) -> None:
        """Start the clock: an epoch begins."""
        self._started, self._worked = time.perf_counter(), time.process_time()

    def end(self) -> bool:
        """Tell the epoch's seconds, wait, and return whether there is another one."""
        self.say(
            seconds=time.perf_counter() - self._started,
            cpu=time.process_time() - self._worked,
            peak=peak_memory(),
        )
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
