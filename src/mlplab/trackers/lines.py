"""Runs as lines of a file: what CSV and JSON lines have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlplab.trackers.appended import AppendedFile, Ended
from mlplab.trackers.sink import Sink
from mlplab.trackers.told import Epoch, Key, Outcome, Run, StudyName


@dataclass(frozen=True)
class Format:
    """How a run is written.

    Attributes:
        header: the first line of the file, or nothing.
        begin: the lines that a run begins with.
        epoch: the line of an epoch.
        end: the last line of a run.
        ended: the run that a line is the last of, or None.
        ours: whether a line, or the beginning of one, is of a run.
    """

    header: str
    begin: Callable[[Run], str]
    epoch: Callable[[Run, Epoch], str]
    end: Callable[[Run, Outcome], str]
    ended: Callable[[bytes], Ended | None]
    ours: Callable[[bytes], bool]


def first_line(place: str) -> bytes:
    """Return the first line of a file; nothing of one that is not there, or cannot be read."""
    try:
        with Path(place).open("rb") as file:
            return file.readline()
    except OSError:
        return b""


class LinesSink(Sink):
    """Writes each run when it has ended, so that its lines stand together.

    Args:
        place: the file.
        format_: how runs are written.
    """

    def __init__(self, place: str, format_: Format) -> None:
        super().__init__(place)
        self.format = format_
        self.file = AppendedFile(
            Path(place).absolute(), format_.header.encode(), format_.ended, format_.ours
        )
        self.lines: dict[Key, list[str]] = {}

    def open(self, study: StudyName) -> set[Key]:
        """Return the runs of a study that the file holds."""
        return {key for study_id, key in self.file.open() if study_id == study.id}

    def begin(self, run: Run) -> None:
        """Take up a run."""
        self.lines[run.key] = [self.format.begin(run)]

    def epochs(self, run: Run, epochs: Sequence[Epoch]) -> None:
        """Take up epochs."""
        self.lines[run.key] += [self.format.epoch(run, epoch) for epoch in epochs]

    def end(self, run: Run, outcome: Outcome) -> None:
        """Write the run."""
        lines = [*self.lines.pop(run.key), self.format.end(run, outcome)]
        self.file.add("".join(lines).encode())
