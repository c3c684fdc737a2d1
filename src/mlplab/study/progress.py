"""What a study tells whoever watches it. The hooks are empty: a watcher overrides what it needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlplab.study.one_run import Epoch, RunResult
from mlplab.trackers.told import source_of


@dataclass(frozen=True)
class Job:
    """A run to do.

    Attributes:
        label: the recipe's label in the study.
        seed: the run's seed.
        epochs: how many epochs it will take.
        place: its number among the runs to do, from 1.
        n_jobs: how many runs there are to do.
        vary: the random stream that has the seed, or all.
    """

    label: str
    seed: int
    epochs: int
    place: int
    n_jobs: int
    vary: str = "all"

    @property
    def source(self) -> str:
        """The seed, with the random stream that alone has it."""
        return source_of(self.vary, self.seed)


class Progress:
    """Is told what a study does; does nothing itself.

    Whoever watches is taken to be shown the scores that it is told: those on the test set are
    counted as a look when they are first told.
    """

    def on_study_begin(self, n_jobs: int, n_present: int) -> None:
        """A study begins, with ``n_jobs`` runs to do and ``n_present`` already in its file."""

    def on_run_begin(self, job: Job) -> None:
        """A run begins."""

    def on_epoch_end(self, job: Job, epoch: Epoch) -> None:
        """An epoch of a run has ended."""

    def on_run_end(self, job: Job, result: RunResult) -> None:
        """A run has ended and is in the file."""

    def on_study_end(self) -> None:
        """The study has ended, whether whole or not."""

    def on_notice(self, text: str) -> None:
        """Something a user should know."""


class Watchers(Progress):
    """Tells several, in their order.

    Args:
        watchers: who is told.
    """

    def __init__(self, watchers: Sequence[Progress]) -> None:
        self.watchers = watchers

    def on_study_begin(self, n_jobs: int, n_present: int) -> None:
        """Pass it on."""
        for watcher in self.watchers:
            watcher.on_study_begin(n_jobs, n_present)

    def on_run_begin(self, job: Job) -> None:
        """Pass it on."""
        for watcher in self.watchers:
            watcher.on_run_begin(job)

    def on_epoch_end(self, job: Job, epoch: Epoch) -> None:
        """Pass it on."""
        for watcher in self.watchers:
            watcher.on_epoch_end(job, epoch)

    def on_run_end(self, job: Job, result: RunResult) -> None:
        """Pass it on."""
        for watcher in self.watchers:
            watcher.on_run_end(job, result)

    def on_study_end(self) -> None:
        """Pass it on."""
        for watcher in self.watchers:
            watcher.on_study_end()

    def on_notice(self, text: str) -> None:
        """Pass it on."""
        for watcher in self.watchers:
            watcher.on_notice(text)
