"""A text file to which whole runs are added, and which is mended where one was torn."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from mlplab.trackers.told import Key

Ended = tuple[str, Key]
"""The id of a study and the key of a run that has ended."""


class AppendedFile:
    """Whole runs, one after another. Several processes may add to one file.

    A process that is killed while it writes leaves the beginning of a run behind; who adds next
    cuts the file back to the last whole run first.

    Args:
        path: the file; it is made, with its folder, where there is none.
        header: the line that it begins with, or nothing.
        ended: tells which run a line is the last of; None where it is the last of none.
    """

    def __init__(self, path: Path, header: bytes, ended: Callable[[bytes], Ended | None]) -> None:
        self.path, self.header, self.ended = path, header, ended
        self.size = -1  # as this object left it

    def open(self) -> set[Ended]:
        """Make the file if need be, cut it back to the last whole run, and return its runs."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._locked() as file:
            return self._cut_back(file)

    def add(self, lines: bytes) -> None:
        """Add the lines of a whole run."""
        with self._locked() as file:
            if file.seek(0, 2) != self.size:  # another process has been here
                self._cut_back(file)
            file.write(lines)
            file.flush()
            self.size = file.tell()

    @contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        with self.path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # closing the file unlocks it
            yield file

    def _cut_back(self, file: BinaryIO) -> set[Ended]:
        """Leave the header and whole runs; put the header where there is none yet."""
        file.seek(0)
        runs: set[Ended] = set()
        position = whole = 0
        for line in file:
            position += len(line)
            run = self.ended(line) if line.endswith(b"\n") else None
            if run:
                runs.add(run)
            if run or line == self.header:
                whole = position
        file.truncate(whole)
        if not whole:
            file.write(self.header)
            file.flush()
        self.size = file.seek(0, 2)
        return runs
