"""One trial: a recipe trained under each seed of the search, scored on validation data alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from statistics import fmean
from threading import Event, Lock
from typing import Literal

from mlplab.data import Dataset
from mlplab.engine import KERAS_LOCK, Streams, choose_engine
from mlplab.engine.core import usable_cores
from mlplab.errors import EngineError, RecipeError
from mlplab.recipes import Recipe
from mlplab.recipes.problems import sentence
from mlplab.study.here import RunStopped
from mlplab.study.one_run import Epoch, RunResult, train_unseen
from mlplab.study.pool import one_by_one, side_by_side

AT_ONCE = 16
"""Seeds of a trial that are under way at once, also where there are fewer cores: each takes the
memory of a model and its data."""


@dataclass(frozen=True)
class Terms:
    """What all trials of a search have in common.

    Attributes:
        dataset: the data; of its test set nothing is read.
        validation: how many training examples, or which share, give the score.
        seeds: the seeds of each trial.
        metric: ``"accuracy"`` or ``"loss"``.
        engine: what trains.
    """

    dataset: Dataset
    validation: int | float
    seeds: Sequence[int]
    metric: str
    engine: str = "auto"

    @property
    def direction(self) -> Literal["maximize", "minimize"]:
        """Which way is better, in Optuna's words."""
        return "maximize" if self.metric == "accuracy" else "minimize"

    def value(self, epoch: Epoch) -> float:
        """Return the score that an epoch shows."""
        return epoch.val_accuracy if self.metric == "accuracy" else epoch.val_loss


@dataclass(frozen=True)
class Outcome:
    """What came of a trial.

    Attributes:
        state: ``complete``, ``pruned``, ``diverged`` or ``failed``.
        scores: each seed's score after the last epoch, where it is complete.
        reason: why it is not.
    """

    state: str
    scores: tuple[float, ...] = ()
    reason: str = ""

    @property
    def value(self) -> float:
        """The mean score over the seeds."""
        return fmean(self.scores)


@dataclass
class Board:
    """The scores of the seeds of a trial as they come in, epoch by epoch, from several threads.

    Attributes:
        terms: what trials have in common.
        n_epochs: after so many the trial is complete.
        on_mean: is told an epoch and the mean over all seeds, once all have passed it; says
            whether to stop.
    """

    terms: Terms
    n_epochs: int
    on_mean: Callable[[int, float], bool]
    scores: dict[int, dict[int, float]] = field(default_factory=dict)
    stopped: Event = field(default_factory=Event)
    ending: Outcome | None = None
    lock: Lock = field(default_factory=Lock)

    def take(self, seed: int, epoch: Epoch) -> None:
        """Take in what an epoch of one seed showed.

        Raises:
            RunStopped: the trial has ended.
        """
        with self.lock:
            if not self.stopped.is_set():
                self._add(seed, epoch)
        if self.stopped.is_set():
            raise RunStopped

    def _add(self, seed: int, epoch: Epoch) -> None:
        if epoch.diverged:
            self._end(
                "diverged", f"the loss of seed {seed} became no number in epoch {epoch.epoch}"
            )
            return
        scores = self.scores.setdefault(epoch.epoch, {})
        scores[seed] = self.terms.value(epoch)
        if len(scores) < len(self.terms.seeds):
            return
        mean = fmean(scores[one] for one in self.terms.seeds)
        to_stop = self.on_mean(epoch.epoch, mean)
        if to_stop and epoch.epoch < self.n_epochs:
            self._end("pruned", f"stopped after epoch {epoch.epoch} of {self.n_epochs}")

    def _end(self, state: str, reason: str) -> None:
        self.ending = Outcome(state, reason=reason)
        self.stopped.set()

    def outcome(self) -> Outcome:
        """Return what came of the trial."""
        if self.ending:
            return self.ending
        last = self.scores[self.n_epochs]
        return Outcome("complete", tuple(last[seed] for seed in self.terms.seeds))


def run_trial(recipe: Recipe, terms: Terms, on_mean: Callable[[int, float], bool]) -> Outcome:
    """Train a recipe under every seed; all of them stop once ``on_mean`` says so.

    The same recipe under the same terms gives the same scores. Native runs go side by side, all
    seeds at once whatever the cores, so that no seed is done before the others have shown whether
    it is worth it. Those of other engines go one after another, so only the last can be stopped.

    A recipe that cannot be built for the dataset makes a failed trial; what else goes wrong is
    raised.
    """
    try:
        engine = engine_of(recipe, terms)
    except (RecipeError, EngineError, ValueError) as error:
        return Outcome("failed", reason=sentence(error))
    board = Board(terms, recipe.epochs, on_mean)

    def do(seed: int, threads: int) -> RunResult:
        streams = Streams.of(seed)
        carved = terms.dataset.with_validation(terms.validation, streams.rng("split"))
        return train_unseen(recipe, carved, streams, engine, threads, partial(board.take, seed))

    try:
        if engine == "native":
            at_once = max(usable_cores(), AT_ONCE)
            with closing(side_by_side(terms.seeds, do, board.stopped.set, at_once)) as runs:
                list(runs)
        else:
            list(one_by_one(terms.seeds, do))
    except RunStopped:
        if board.ending is None:  # no outcome of the trial: something else went wrong
            raise
    return board.outcome()


def engine_of(recipe: Recipe, terms: Terms) -> str:
    """Return the engine of a recipe, which is built once to see whether it can be."""
    with KERAS_LOCK:
        return choose_engine(terms.engine, recipe.model(terms.dataset), terms.dataset.train.x)
