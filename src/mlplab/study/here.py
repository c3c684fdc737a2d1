"""Runs in this process: native ones side by side, those of ``jax`` together, Keras's in a row."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import chain, groupby
from threading import Event
from typing import Any

from mlplab.study.one_run import Epoch, RunResult, train
from mlplab.study.places import Task, Work, streams_of
from mlplab.study.pool import one_by_one, side_by_side
from mlplab.study.progress import Progress
from mlplab.study.together import train_together

IN_TURN = ("native", "jax", "keras")
"""The engines in the order in which their runs are done: those that go together first."""


class Here:
    """This process, as a place to do runs."""

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *ignored: Any) -> None:
        pass

    def do(self, work: Work, progress: Progress) -> Generator[tuple[Task, RunResult], None, None]:
        """Do runs; see ``Place``."""
        own = _Runs(work, progress)
        native, jax, keras = (
            [task for task in work.tasks if task.recipe.engine == engine] for engine in IN_TURN
        )
        with closing(side_by_side(native, own.do, own.stopped.set)) as first:
            yield from chain(first, own.do_together(jax), one_by_one(keras, own.do))


class _Runs:
    """The runs of one piece of work, and whether they are to end early."""

    def __init__(self, work: Work, progress: Progress) -> None:
        self.work, self.progress = work, progress
        self.stopped = Event()

    def tell_epoch(self, task: Task, epoch: Epoch) -> None:
        self.progress.on_epoch_end(task.job, epoch)
        if self.stopped.is_set():
            raise RunStopped

    def begin(self, task: Task) -> None:
        self.progress.on_run_begin(task.job)

    def do(self, task: Task, threads: int) -> RunResult:
        streams = streams_of(task.job.seed, task.job.vary)
        carved = self.work.dataset.with_validation(self.work.validation, streams.rng("split"))
        self.begin(task)
        recipe, engine = task.recipe.recipe, task.recipe.engine
        return train(recipe, carved, streams, engine, threads, partial(self.tell_epoch, task))

    def do_together(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, RunResult]]:
        for _, group in groupby(tasks, lambda task: task.recipe.id):
            runs = [
                (task, streams_of(task.job.seed, task.job.vary), partial(self.tell_epoch, task))
                for task in group
            ]
            yield from train_together(
                runs[0][0].recipe.recipe,
                self.work.dataset,
                self.work.validation,
                runs,
                self.begin,
            )


class RunStopped(Exception):  # noqa: N818 - no error: the study that began the run has given up
    """Ends a run between two epochs."""
