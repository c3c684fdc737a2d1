"""Private memory of a process while it does something; Linux tells it from mapped files."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def private_bytes() -> int:
    """Return what this process holds now."""
    lines = Path("/proc/self/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith("RssAnon")]
    return 1024 * int(line.split()[1])


class Growth:
    """The most that was held in a block more than at its beginning, in bytes."""

    def __init__(self) -> None:
        self.begun = private_bytes()
        self.bytes = 0

    def look(self) -> None:
        self.bytes = max(self.bytes, private_bytes() - self.begun)


@contextmanager
def growth() -> Iterator[Growth]:
    """Watch the private memory of this process, every other millisecond."""
    found, done = Growth(), threading.Event()

    def watch() -> None:
        while not done.is_set():
            found.look()
            time.sleep(0.002)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield found
    finally:
        done.set()
        watcher.join()
