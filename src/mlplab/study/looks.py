"""Counting looks at the test set: who was shown which test scores, and when."""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path
from threading import Lock

from mlplab.errors import StorageError
from mlplab.study.file import connect, now, storage_errors

_log = logging.getLogger(__name__)

AFTER_RUNS = "test scores"
AFTER_EPOCHS = "test scores after every epoch"


def shown_by_runs(validation: str | int | float) -> list[str]:
    """Return the kinds of test scores that whoever is told whole runs is shown.

    Examples:
        >>> shown_by_runs(0.1), shown_by_runs("test")
        (['test scores'], ['test scores', 'test scores after every epoch'])
    """
    return [AFTER_RUNS, AFTER_EPOCHS] if validation == "test" else [AFTER_RUNS]


class LookCount:
    """Writes down, once for each kind of score, that someone was shown it.

    A test set that is looked at often, and by which choices are made, ceases to say how a network
    does on new examples. The count does not prevent it; it makes it known.

    Args:
        path: the study file.
        command: who looks: a command line, or ``"Python"``.
    """

    def __init__(self, path: Path, command: str) -> None:
        self.path, self.command = path, command
        self.counted: set[str] = set()
        self._lock = Lock()

    def count(self, seen: str, *, planned: bool = False) -> None:
        """Add a row to the table ``look``, unless this kind of score has been counted already.

        A file that cannot be written is read all the same; the log says so (level info). Threads
        may count at once.

        Args:
            seen: which scores.
            planned: whether it is one of the planned looks by which seeds are added.
        """
        with self._lock:
            if seen not in self.counted:
                self._add(seen, planned)

    def _add(self, seen: str, planned: bool) -> None:
        try:
            with storage_errors(self.path), closing(connect(self.path, writable=True)) as file:
                row = (now(), self.command, seen, planned)
                file.execute("INSERT INTO look VALUES (?, ?, ?, ?)", row)
            self.counted.add(seen)
        except StorageError as error:
            _log.info("this look at %s in %s is not counted: %s", seen, self.path, error)
