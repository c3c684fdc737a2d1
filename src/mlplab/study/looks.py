"""Counting looks at the test set: who was shown which test scores, and when."""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path

from mlplab.errors import StorageError
from mlplab.study.file import connect, now, storage_errors

_log = logging.getLogger(__name__)


class Looks:
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

    def count(self, seen: str) -> None:
        """Add a row to the table ``look``, unless this kind of score has been counted already.

        A file that cannot be written is read all the same; the log says so (level info).
        """
        if seen in self.counted:
            return
        try:
            with storage_errors(self.path), closing(connect(self.path, writable=True)) as file:
                file.execute("INSERT INTO look VALUES (?, ?, ?)", (now(), self.command, seen))
            self.counted.add(seen)
        except StorageError as error:
            _log.info("this look at %s in %s is not counted: %s", seen, self.path, error)
