"""What a comparison found: pairs of recipes with their verdicts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mlplab.compare import words
from mlplab.compare.estimate import Components
from mlplab.compare.groups import letters, ordered
from mlplab.compare.looks import Look
from mlplab.compare.needed import Ahead, Needed, needed
from mlplab.compare.verdict import Claim, Metric, Verdict, is_decided, question, winner

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class RecipeScores:
    """The scores of one recipe in short.

    Attributes:
        name: the recipe.
        seeds: how many seeds.
        mean: mean score: a share of right answers, or a loss.
        sd: standard deviation over seeds of a seed's mean (ddof = 1); None with one seed.
    """

    name: str
    seeds: int
    mean: float
    sd: float | None


@dataclass(frozen=True)
class Pair:
    """Two recipes, their difference and what to make of it.

    Differences, ends of intervals, margins and standard deviations are percentage points for
    accuracy, units of loss for losses.

    Attributes:
        a: one recipe.
        b: the other.
        claim: what is asked of them.
        metric: which score.
        margin: the difference from which on it matters.
        level: how often the intervals of all pairs hold at once.
        difference: score of a minus score of b.
        low: lower end of the interval.
        high: upper end.
        verdict: one of ``VERDICTS``; it says neither more nor less than the interval. Where the
            interval may miss less often than in one of 1e12, which no test here can tell (an early
            one of looks planned far ahead), the interval is that of 1e-12 and nothing is decided.
        p: two-sided p-value of this pair alone.
        p_holm: the same with all pairs taken into account (Holm). The verdict does not follow from
            it but from the interval, which is a little stricter.
        sd_seeds: the part of the difference's standard deviation that seeds cause; the squares of
            the three parts add up to the variance of the difference.
        sd_examples: the part that the choice of test examples causes.
        sd_within: the part that either would reduce.
        alpha: how often the interval of this pair alone may miss, from 1e-12 on.
        alpha_last: the same at the last of several planned looks; ``alpha`` where one was meant.
        ahead: of each planned look that follows, its seeds and how often the interval may miss at
            it; where one was meant, none.
        components: the variance for other numbers of seeds and examples.
        seconds_a_run: measured seconds of a run of a and of b, or None.
    """

    a: str
    b: str
    claim: Claim
    metric: Metric
    margin: float
    level: float
    difference: float
    low: float
    high: float
    verdict: Verdict
    p: float
    p_holm: float
    sd_seeds: float
    sd_examples: float
    sd_within: float
    alpha: float
    alpha_last: float
    components: Components
    seconds_a_run: tuple[float, float] | None = None
    ahead: Ahead = ()

    @property
    def decided(self) -> bool:
        """Whether the verdict is anything but ``cannot tell yet``."""
        return is_decided(self.verdict)

    @property
    def better(self) -> str | None:
        """The recipe that the verdict puts first, or None."""
        return {"a": self.a, "b": self.b, None: None}[winner(self.verdict)]

    @cached_property
    def needed(self) -> Needed:
        """What would decide it; for a decided pair, the seeds there are."""
        if self.decided:
            return Needed(max(self.components.n_seeds, default=1))
        return needed(
            self.components, self.alpha_last, self.difference, self.margin, self.claim, self.ahead
        )

    @property
    def seeds_needed(self) -> int | None:
        """Seeds a recipe that would decide it; None where no number of seeds can."""
        return self.needed.seeds

    @property
    def examples_needed(self) -> int | None:
        """Test examples that would decide it, where no number of seeds can."""
        return self.needed.examples

    @property
    def minutes_needed(self) -> float | None:
        """Minutes that the missing seeds take, one run after the other; None where not known."""
        if self.seconds_a_run is None or self.seeds_needed is None:
            return None
        there = self.components.n_seeds
        if not there:  # the claim models has no use for seeds
            return None
        each = there if len(there) == 2 else there * 2  # paired seeds are runs of both recipes
        missing = [max(self.seeds_needed - n, 0) for n in each]
        return sum(n * s for n, s in zip(missing, self.seconds_a_run, strict=True)) / 60

    def sentence(self) -> str:
        """Return the verdict in words, and what would settle it if anything is open."""
        return words.sentence(self)

    def row(self) -> dict[str, Any]:
        """Return the pair's row of ``Comparison.frame``."""
        shown = (
            *("a", "b", "claim", "difference", "low", "high", "verdict"),
            *("sd_seeds", "sd_examples", "sd_within", "seeds_needed", "examples_needed"),
        )
        return {name: getattr(self, name) for name in shown}


@dataclass(frozen=True)
class Comparison:
    """Every pair of some recipes, or some pairs, compared under one claim.

    ``str`` of it is the question, a table of the recipes, one of the pairs, and a sentence a pair.

    Attributes:
        claim: ``"models"``, ``"recipes-this-test"`` or ``"recipes"``.
        metric: ``"accuracy"`` or ``"loss"``.
        margin: the difference from which on it matters, in the unit of ``Pair.difference``.
        level: how often the intervals of all pairs hold at once.
        n_examples: how many test examples.
        recipes: each recipe's scores in short, in the order given.
        pairs: every pair that was compared, in the order given.
        look: which of the planned looks this is, or None where one look was meant.
        notes: what else a reader should know, a sentence each.

    Examples:
        >>> import numpy as np
        >>> from mlplab import compare_scores
        >>> rng = np.random.default_rng(0)
        >>> found = compare_scores({name: rng.random((3, 5000)) < 0.9 for name in "ab"}, margin=3)
        >>> found.frame()[["a", "b", "claim", "verdict"]]
           a  b    claim               verdict
        0  a  b  recipes  practically the same
    """

    claim: Claim
    metric: Metric
    margin: float
    level: float
    n_examples: int
    recipes: tuple[RecipeScores, ...]
    pairs: tuple[Pair, ...]
    look: Look | None = None
    notes: tuple[str, ...] = ()

    @property
    def question(self) -> str:
        """The claim as a question: the first line of every output."""
        return question(self.claim, self.metric)

    @property
    def undecided(self) -> tuple[Pair, ...]:
        """The pairs of which it cannot be told yet."""
        return tuple(pair for pair in self.pairs if not pair.decided)

    @property
    def complete(self) -> bool:
        """Whether every pair of the recipes was compared."""
        return len(self.pairs) == math.comb(len(self.recipes), 2)

    def frame(self) -> pd.DataFrame:
        """Return a row a pair: a, b, claim, difference, low, high, verdict, the split, the needs.

        ``seeds_needed`` and ``examples_needed`` are ``Int64``, missing where there is no number.
        """
        import pandas as pd

        frame = pd.DataFrame([pair.row() for pair in self.pairs])
        return frame.astype({"seeds_needed": "Int64", "examples_needed": "Int64"})

    def groups(self) -> dict[str, str]:
        """Return letters by recipe, best first; recipes that share one were not told apart.

        Where only some pairs were compared, the others were not told apart either.
        """
        means = {recipe.name: recipe.mean for recipe in self.recipes}
        apart = [(pair.a, pair.b) for pair in self.pairs if pair.better]
        return letters(ordered(means, rising=self.metric == "loss"), apart)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, fit for ``json.dumps``; what is not known is None."""
        groups = self.groups() if self.complete else {}
        return {
            "question": self.question,
            "claim": self.claim,
            "metric": self.metric,
            "margin": self.margin,
            "level": self.level,
            "n_examples": self.n_examples,
            "look": None if self.look is None else str(self.look),
            "notes": list(self.notes),
            "recipes": [vars(one) | {"group": groups.get(one.name)} for one in self.recipes],
            "pairs": [
                pair.row()
                | {
                    "p_holm": pair.p_holm,
                    "seeds_then": pair.needed.seeds_then,
                    "minutes_needed": pair.minutes_needed,
                    "sentence": pair.sentence(),
                }
                for pair in self.pairs
            ],
        }  # fmt: skip

    def __str__(self) -> str:
        """Return the question, a table of recipes, a table of pairs, and a sentence a pair."""
        return words.page(self)


def seconds_of(
    pair: tuple[str, str], seconds: Mapping[str, float] | float | None
) -> tuple[float, float] | None:
    """Return the seconds of a run of both recipes of a pair, or None where one is not known."""
    if seconds is None:
        return None
    if not isinstance(seconds, Mapping):
        return float(seconds), float(seconds)
    known = [seconds[name] for name in pair if name in seconds]
    return (float(known[0]), float(known[1])) if len(known) == 2 else None
