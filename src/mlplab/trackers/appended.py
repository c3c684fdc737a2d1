"""A text file to which whole runs are added, and which is mended where one was torn."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from mlplab.errors import UsageError
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
        ours: tells whether a line, or the beginning of one, is as runs are written.
    """

    def __init__(
        self,
        path: Path,
        header: bytes,
        ended: Callable[[bytes], Ended | None],
        ours: Callable[[bytes], bool],
    ) -> None:
        self.path, self.header, self.ended, self.ours = path, header, ended, ours
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
        """Leave the header and whole runs; put the header where there is none yet.

        Raises:
            UsageError: what follows them was not written by mlplab; then nothing is cut.
        """
        file.seek(0)
        runs: set[Ended] = set()
        position = whole = 0
        tail: list[bytes] = []
        for line in file:
            position += len(line)
            tail.append(line)
            run = self.ended(line) if line.endswith(b"\n") else None
            if run:
                runs.add(run)
            if run or line == self.header:
                whole, tail = position, tail[-1:]
        self._check_ours(tail if whole else [self.header, *tail])
        file.truncate(whole)
        if not whole:
            file.write(self.header)
            file.flush()
        self.size = file.seek(0, 2)
        return runs

    def _check_ours(self, lines: list[bytes]) -> None:
        """Raise UsageError unless the lines after the first are ours, the last perhaps torn."""
        for before, line in pairwise(lines):
            if not (self.ours(line) or before.startswith(line)):  # torn before it says what it is
                shown = line[:40].decode(errors="replace").rstrip()
                raise UsageError(
                    f"expected lines that mlplab wrote, got {shown!r} at the end of {self.path}; "
                    "take it out, or name another file"
                )
