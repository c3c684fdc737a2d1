"""A study in a few numbers: for each recipe the mean and spread of its scores over seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlplab.recipes import PUBLISHED, Published
from mlplab.study.records import RecipeRecord
from mlplab.study.study import Study


@dataclass(frozen=True)
class Spread:
    """A score over seeds.

    Attributes:
        mean: mean over the seeds; None without any.
        sd: sample standard deviation (ddof = 1); None with fewer than two seeds.
        values: the score of each seed, in the order of the seeds.
    """

    mean: float | None
    sd: float | None
    values: list[float]

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        """Return the spread of some values.

        Examples:
            >>> Spread.of([1.0, 2.0, 3.0])
            Spread(mean=2.0, sd=1.0, values=[1.0, 2.0, 3.0])
        """
        mean = float(np.mean(values)) if values else None
        sd = float(np.std(values, ddof=1)) if len(values) > 1 else None
        return cls(mean, sd, values)


@dataclass(frozen=True)
class RecipeSummary:
    """What the runs of one recipe scored.

    Attributes:
        record: the recipe.
        seeds: the seeds of the runs that are done.
        diverged: the seeds of the runs that diverged.
        test_accuracy: over the runs that are done.
        test_loss: likewise.
        seconds_per_epoch: median over all epochs but each run's first, which pays for compiling.
        published: what the notebook published for this recipe, or None.
    """

    record: RecipeRecord
    seeds: list[int]
    diverged: list[int]
    test_accuracy: Spread
    test_loss: Spread
    seconds_per_epoch: float | None
    published: Published | None


def summarize(study: Study) -> list[RecipeSummary]:
    """Return a summary of each current recipe of a study."""
    frame, history = study.frame(), study.history()
    summaries = []
    for record in study.recipes:
        runs = frame[frame["recipe"] == record.label]
        done, diverged = runs[runs["status"] == "done"], runs[runs["status"] == "diverged"]
        epochs = history[history["recipe"] == record.label]
        steady = epochs[epochs["epoch"] > 1] if (epochs["epoch"] > 1).any() else epochs
        summaries.append(
            RecipeSummary(
                record=record,
                seeds=done["seed"].tolist(),
                diverged=diverged["seed"].tolist(),
                test_accuracy=Spread.of(done["test_accuracy"].tolist()),
                test_loss=Spread.of(done["test_loss"].tolist()),
                seconds_per_epoch=float(steady["seconds"].median()) if len(steady) else None,
                published=PUBLISHED.get(record.name) if study.dataset["name"] == "mnist" else None,
            )
        )
    return summaries
