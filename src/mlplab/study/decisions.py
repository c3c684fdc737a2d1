"""Verdicts that come in look by look, and when to stop looking."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlplab.compare import Comparison, Look, Pair
from mlplab.engine.core import usable_cores

if TYPE_CHECKING:
    from mlplab.study.study import Study

Names = tuple[str, str]


@dataclass
class Decisions:
    """What has been decided so far.

    Attributes:
        made: each decided pair as its look found it, and that look.
        found: the comparison at the latest look.
        look: the latest look.
        why: why the pairs that are open stay so, by pair, once it has ended.
    """

    made: dict[Names, tuple[Pair, Look]] = field(default_factory=dict)
    found: Comparison | None = None
    look: Look | None = None
    why: dict[Names, str] = field(default_factory=dict)

    def take(self, found: Comparison, look: Look) -> None:
        """Take in a look: open pairs that it decides are decided for good."""
        self.found, self.look = found, look
        for pair in found.pairs:
            if pair.decided and (pair.a, pair.b) not in self.made:
                self.made[pair.a, pair.b] = (pair, look)

    @property
    def open(self) -> list[Pair]:
        """The pairs that no look has decided, as the latest found them."""
        assert self.found is not None
        return [pair for pair in self.found.pairs if (pair.a, pair.b) not in self.made]

    @property
    def undecided(self) -> set[str]:
        """The recipes of open pairs."""
        return {name for pair in self.open for name in (pair.a, pair.b)}

    def said(self) -> str:
        """Return where things stand, for whoever watches."""
        n, n_open = len(self.made), len(self.open)
        return f"{self.look}: {n} of {n + n_open} {'pair' if n + n_open == 1 else 'pairs'} decided"

    def end(
        self, following: Look | None, study: Study, spent: float, max_minutes: float | None
    ) -> bool:
        """Return whether this look was the last, and keep why for each open pair.

        Args:
            following: the next planned look, if there is one.
            study: has the measured seconds of its runs.
            spent: minutes so far.
            max_minutes: no look may end after so many.
        """
        assert self.look is not None
        hopeless = {(p.a, p.b) for p in self.open if p.seeds_needed is None}
        if following is None:
            reason = f"open after {self.look.seeds} seeds a recipe, the most that were allowed"
        elif self.look.number > 1 and len(hopeless) == len(self.open):  # one look says too little
            reason = "open"
        elif max_minutes is not None and (
            (more := minutes(study, self.undecided, following.seeds)) + spent > max_minutes
        ):
            reason = (
                f"open: the next look, at {following.seeds} seeds, would take about "
                f"{max(more, 0.1):.1f} minutes more, past the limit of {max_minutes:g}"
            )
        else:
            return not self.open
        cannot = "; no number of seeds decides it on this test set at the present difference"
        self.why = {
            (pair.a, pair.b): reason + (cannot if (pair.a, pair.b) in hopeless else "")
            for pair in self.open
        }
        return True

    def comparison(self) -> Comparison:
        """Return every pair, decided ones as their look found them."""
        assert self.found is not None
        pairs = tuple(self.made.get((p.a, p.b), (p, None))[0] for p in self.found.pairs)
        notes = (*self.found.notes, *self.notes())
        return dataclasses.replace(self.found, pairs=pairs, notes=notes)

    def notes(self) -> Iterator[str]:
        """Yield for each pair when it was decided, or why it was not."""
        assert self.found is not None
        for pair in self.found.pairs:
            names = (pair.a, pair.b)
            if names in self.made:
                look = self.made[names][1]
                yield f"{pair.a}, {pair.b}: decided at {look}."
            else:
                yield f"{pair.a}, {pair.b}: {self.why[names]}."


def minutes(study: Study, labels: set[str], seeds: int) -> float:
    """Return the minutes that the missing runs take, going by those that were measured.

    Native runs go side by side, one a core; those of other engines one after another, or together
    and then their seconds are shares of what all took.
    """
    side_by_side, longest, in_a_row = 0.0, 0.0, 0.0
    for label in labels:
        there = {*study.kept.seeds(label), *study.kept.diverged(label)}
        rows = study.kept.rows(label, "engine", "seconds")
        missing = len(set(range(seeds)) - there)
        mean = sum(row["seconds"] for row in rows) / len(rows)
        if any(row["engine"] != "native" for row in rows):
            in_a_row += missing * mean
        elif missing:
            side_by_side, longest = side_by_side + missing * mean, max(longest, mean)
    return (max(side_by_side / usable_cores(), longest) + in_a_row) / 60
