"""Sink: where runs are told to. One subclass a tracker; the hooks may take as long as they need."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlplab.trackers.told import Epoch, Key, Outcome, Run, StudyName
from mlplab.urls import without_password


class Sink:
    """Is told runs, one call after another, in one thread that is no other's.

    A sink raises whatever error its tracker meets; who calls it says so once, and calls it no more.
    Making one opens nothing. They are called in the order in which they stand here.

    Args:
        place: what the user named: a file, a folder or an address.

    Examples:
        >>> Sink("http://me:secret@127.0.0.1:5000").shown
        'http://me:***@127.0.0.1:5000'
    """

    def __init__(self, place: str) -> None:
        self.place = place

    @property
    def shown(self) -> str:
        """The place as messages name it: without a password."""
        return without_password(self.place)

    def load(self) -> None:
        """Import what the tracker needs, which may be slow and cannot hang."""

    def open(self, study: StudyName) -> set[Key]:
        """Open the tracker and return the runs of a study that it holds whole."""
        raise NotImplementedError

    def begin(self, run: Run) -> None:
        """A run begins. One with its key that began earlier and never ended is replaced."""
        raise NotImplementedError

    def epochs(self, run: Run, epochs: Sequence[Epoch]) -> None:
        """Epochs of a run have ended; those that follow one another may come together."""
        raise NotImplementedError

    def end(self, run: Run, outcome: Outcome) -> None:
        """A run has ended; from now on the tracker holds it whole."""
        raise NotImplementedError

    def report(self, study: StudyName, written: Sequence[Path]) -> None:
        """A study's report has been written: files, and folders of files."""

    def close(self) -> None:
        """No more is told; runs that began and did not end are left for another time."""
