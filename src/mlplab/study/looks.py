"""Counting looks at the test set: who was shown which test scores, and when."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Lock

from mlplab.errors import StorageError
from mlplab.study.file import connect, now, storage_errors
from mlplab.study.one_run import Epoch, RunResult
from mlplab.study.progress import Job, Progress

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


class Told(Progress):
    """Passes on what a study does; test scores are counted before they are told.

    Args:
        progress: who is told.
        on_look: called with each kind of test score that is to be told.
        epochs_are_looks: whether the validation scores of an epoch are test scores.
    """

    def __init__(
        self, progress: Progress, on_look: Callable[[str], None], epochs_are_looks: bool
    ) -> None:
        self.progress, self.on_look = progress, on_look
        self.epochs_are_looks = epochs_are_looks

    def on_run_begin(self, job: Job) -> None:
        """Pass on that a run begins."""
        self.progress.on_run_begin(job)

    def on_epoch_end(self, job: Job, epoch: Epoch) -> None:
        """Count an epoch's scores where they are test scores, and pass them on."""
        if self.epochs_are_looks:
            self.on_look(AFTER_EPOCHS)
        self.progress.on_epoch_end(job, epoch)

    def on_run_end(self, job: Job, result: RunResult) -> None:
        """Count a run's test scores and pass them on."""
        self.on_look(AFTER_RUNS)
        self.progress.on_run_end(job, result)

    def on_notice(self, text: str) -> None:
        """Pass on a notice."""
        self.progress.on_notice(text)
