"""What a search found, and what its winner is worth."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mlplab.plain_text import bullets, table
from mlplab.recipes import Plain, Recipe
from mlplab.tuning.optimism import Optimism

if TYPE_CHECKING:
    from mlplab.compare import Comparison


class Counts(NamedTuple):
    """How many trials came to which end.

    Attributes:
        complete: trained to the end under every seed.
        pruned: stopped early, as worse than others were by then.
        diverged: a loss became no number.
        failed: the recipe could not be built.
    """

    complete: int
    pruned: int
    diverged: int
    failed: int

    def __str__(self) -> str:
        ends = [f"{n} {word}" for word, n in self._asdict().items() if n]
        return f"{sum(self)} trials" + (f": {', '.join(ends)}" if ends else "")


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes:
        name: the search's name in its storage.
        storage: the storage's URL, but for a password.
        number: the best trial's number.
        values: its value for each range, by name.
        value: its score: the mean over its seeds.
        scores: the score of each seed.
        counts: how many trials came to which end.
        asked: how many trials were asked for.
    """

    name: str
    storage: str
    number: int
    values: dict[str, Plain]
    value: float
    scores: tuple[float, ...]
    counts: Counts
    asked: int


@dataclass(frozen=True)
class Tuned:
    """A search, and its winner on fresh seeds beside the recipe it started from.

    Attributes:
        found: what the search found.
        metric: the validation score that it went by.
        start: the starting values, by name.
        recipe: the winner.
        started_from: the recipe that it started from.
        path: the study file with the fresh runs.
        seeds: the fresh seeds.
        fresh: the validation score of each fresh run of the winner that did not diverge.
        comparison: the two recipes on the fresh seeds alone; None where the start itself won, or
            where runs diverged until too few were left.
        optimism: how much too good the search's best score is; None where every fresh run
            diverged.
        notes: what a reader should know besides.
    """

    found: Found
    metric: str
    start: dict[str, Plain]
    recipe: Recipe = field(repr=False)
    started_from: Recipe = field(repr=False)
    path: Path
    seeds: tuple[int, ...]
    fresh: tuple[float, ...]
    comparison: Comparison | None
    optimism: Optimism | None
    notes: tuple[str, ...]

    @property
    def values(self) -> dict[str, Plain]:
        """The winner's value for each range, by name."""
        return self.found.values

    @property
    def value(self) -> float:
        """The search's best score; see ``optimism`` for how far to trust it."""
        return self.found.value

    def __repr__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """Return what came out, the comparison last, as lines of text."""
        told = ["", str(self.comparison)] if self.comparison else []
        return [*self.search_lines(), *told]

    def search_lines(self) -> list[str]:
        """Return what the search found and how optimistic it was, as lines of text."""
        found = self.found
        rows = [
            [name, shown(self.start[name]), shown(value)] for name, value in found.values.items()
        ]
        lines = [
            f"Search {found.name}: {found.counts}",
            "",
            *table(["range", self.started_from.name, f"best (trial {found.number})"], rows),
            "",
            f"Best validation {self.metric} in the search: {self.told(found.value)} "
            f"(mean of {_seeds(len(found.scores))})",
        ]
        if self.optimism:
            lines += [
                f"On fresh seeds: {self.told(self.optimism.fresh)} "
                f"(mean of {_seeds(self.optimism.n_fresh)})",
                f"Optimism of the search's best score: {self.optimism}",
            ]
        return [*lines, *(["", *bullets(self.notes)] if self.notes else [])]

    def told(self, score: float) -> str:
        """Return a validation score in words: a percentage, or a loss."""
        return f"{score:.2%}" if self.metric == "accuracy" else f"{score:.4f}"

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the recipes' functions as plain data."""
        found = dataclasses.asdict(self.found) | {"counts": self.found.counts._asdict()}
        return {
            "search": found,
            "metric": self.metric,
            "start": self.start,
            "recipe": self.recipe.name,
            "started_from": self.started_from.name,
            "study": str(self.path),
            "fresh_seeds": list(self.seeds),
            "fresh": list(self.fresh),
            "optimism": dataclasses.asdict(self.optimism) if self.optimism else None,
            "comparison": self.comparison.to_dict() if self.comparison else None,
            "notes": list(self.notes),
        }


def shown(value: Plain) -> str:
    """Return a value as a table shows it.

    Examples:
        >>> shown(0.00123456), shown(64), shown("relu"), shown(True)
        ('0.001235', '64', 'relu', 'true')
    """
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _seeds(n: int) -> str:
    return f"{n} seed" if n == 1 else f"{n} seeds"
