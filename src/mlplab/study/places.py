"""Where the runs of a study are done: what every such place is given, and what it gives."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol

from mlplab.data import Dataset
from mlplab.engine import Streams
from mlplab.study.one_run import RunResult
from mlplab.study.progress import Job, Progress
from mlplab.study.writer import Registered

Validation = str | int | float


@dataclass(frozen=True)
class Task:
    """A run to do: the recipe as the file knows it, and its place."""

    recipe: Registered
    job: Job


@dataclass(frozen=True)
class Work:
    """The runs to do, and what they have in common.

    Attributes:
        tasks: the runs, engine by engine, in the order to begin in.
        dataset: without a validation split.
        validation: as for ``run``.
        keep_models: whether the trained models are to be kept.
    """

    tasks: Sequence[Task]
    dataset: Dataset
    validation: Validation
    keep_models: bool


class Place(AbstractContextManager["Place"], Protocol):
    """Does runs; entered before the first, left after the last."""

    def do(self, work: Work, progress: Progress) -> Generator[tuple[Task, RunResult], None, None]:
        """Do runs, telling ``progress`` of their beginnings and epochs.

        Yields:
            Each run with its result, in the order in which they end.
        """


def streams_of(seed: int, vary: str) -> Streams:
    """Return a run's random streams: all with the seed, or one of them, and the others with 0.

    Examples:
        >>> streams_of(7, "order")
        Streams(init=0, order=7, dropout=0, split=0, augment=0)
    """
    return Streams.of(seed) if vary == "all" else replace(Streams.of(0), **{vary: seed})
