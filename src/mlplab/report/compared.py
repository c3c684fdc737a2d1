"""What a report says of recipes side by side: the claim its runs can carry, items, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from mlplab.compare import (
    Calibration,
    Claim,
    Comparison,
    Metric,
    Pair,
    calibration,
    right_shares,
    scores_without,
)
from mlplab.compare.calibration import are_probabilities
from mlplab.compare.verdict import DEFAULT_MARGIN
from mlplab.data import Dataset
from mlplab.data.drawn_set import DrawnSet, Right
from mlplab.report import items
from mlplab.report.drawn import compare_drawn, drawn_right, stress_set
from mlplab.report.misreads import answers
from mlplab.report.numbers import listed
from mlplab.study import Study

MOST_PAIRS = 3
"""Pairs of which a report shows pictures."""


@dataclass(frozen=True)
class Asked:
    """What a report asks of recipes; all as for ``Study.compare``.

    Attributes:
        claim: the claim; None for the one that the runs can carry.
        margin: the difference from which on it matters.
        level: how often all verdicts are to hold at once.
        metric: ``"accuracy"`` or ``"loss"``.
    """

    claim: Claim | None = None
    margin: float | None = None
    level: float = 0.95
    metric: Metric = "accuracy"


@dataclass(frozen=True)
class Compared:
    """The recipes of a study side by side.

    Attributes:
        study: the study.
        dataset: its dataset, or None where it cannot be had.
        given_comparison: a comparison of its recipes that was made already, as
            ``run_until_decided`` returns it; to be shown in place of one made anew.
        asked: what is asked where none was made.
        further: comparisons to be shown beside, each with pairs that are a family of their own.
    """

    study: Study
    dataset: Dataset | None = None
    given_comparison: Comparison | None = None
    asked: Asked = Asked()
    further: Sequence[Comparison] = ()

    @cached_property
    def right(self) -> dict[str, npt.NDArray[np.bool_]]:
        """By recipe with runs, whether each answer was right, shape (n_seeds, n_test)."""
        labels = [record.label for record in self.study.recipes]
        return {name: self.study.outcomes(name) for name in labels if self.study.seeds(name)}

    @cached_property
    def stress(self) -> DrawnSet | None:
        """The stress set of the dataset, where kept models can read it."""
        return stress_set(self.study, self.dataset)

    @cached_property
    def drawn(self) -> dict[str, dict[int, Right]]:
        """What kept models read right of it, by recipe and seed; empty where none can."""
        return drawn_right(self.study, self.stress)

    @cached_property
    def drawn_comparison(self) -> Comparison | None:
        """The recipes compared by their drawn-like accuracy; None where too few models are kept."""
        margin = self.asked.margin if self.asked.metric == "accuracy" else None
        own = DEFAULT_MARGIN["accuracy"] if margin is None else margin
        return compare_drawn(self.drawn, own, self.asked.level)

    @cached_property
    def given(self) -> dict[str, npt.NDArray[np.intp]]:
        """By recipe with runs, each run's answers: class indices, shape (n_seeds, n_test)."""
        return {name: answers(self.study, name) for name in self.right}

    @property
    def several(self) -> list[str]:
        """The recipes with two runs or more."""
        return [name for name, right in self.right.items() if len(right) > 1]

    @property
    def left_out(self) -> list[str]:
        """The recipes of the study that the comparison does without."""
        there = {recipe.name for one in self.comparisons for recipe in one.recipes}
        return [r.label for r in self.study.recipes if r.label not in there]

    @cached_property
    def common_seeds(self) -> list[int]:
        """The seeds of which every recipe with runs has one."""
        each = [set(self.study.seeds(name)) for name in self.right]
        return sorted(set.intersection(*each)) if each else []

    @cached_property
    def comparison(self) -> Comparison | None:
        """The comparison asked for, or the one that the runs can carry: of recipes, or of models.

        None where they carry none.

        Raises:
            CompareError: the runs cannot carry what was asked for.
        """
        if self.given_comparison is not None:
            return self.given_comparison
        claim = self.asked.claim or self.carried
        if claim is None or not self.right:
            return None
        names = self.several if claim != "models" and len(self.several) > 1 else list(self.right)
        asked = self.asked
        return self.study.compare(
            claim, recipes=names, margin=asked.margin, level=asked.level, metric=asked.metric
        )

    @property
    def comparisons(self) -> list[Comparison]:
        """The comparison, and those to be shown beside it."""
        return list(filter(None, (self.comparison, *self.further)))

    @property
    def carried(self) -> Claim | None:
        """The claim that the runs can carry."""
        if len(self.several) > 1:
            return "recipes"
        return "models" if len(self.right) > 1 and self.common_seeds else None

    @property
    def limits(self) -> list[str]:
        """What the runs there are do not let one claim, in sentences."""
        return list(filter(None, [self._claim_note(), self._left_out_note()]))

    def _claim_note(self) -> str:
        if len(self.right) < 2:
            return "A comparison takes two networks with runs or more."
        if self.comparison is None:
            return "The networks have no seed in common, and fewer than two have several runs."
        if self.comparison.claim == self.carried == "models":
            return (
                f"With one run of a network, what can be claimed is which of these trained models "
                f"(seed {self.common_seeds[0]}) is better on new examples. Which recipe is better "
                "cannot be claimed: one run does not show how much seeds differ. Two seeds a "
                "recipe carry that claim, five or more carry it well (--seeds 5)."
            )
        return ""

    def _left_out_note(self) -> str:
        if not (self.comparison and self.left_out):
            return ""
        which, verb = listed(self.left_out), "are" if len(self.left_out) > 1 else "is"
        return f"{which} {verb} left out: fewer than two runs are there to compare."

    @property
    def closest(self) -> Pair | None:
        """The pair that is hardest to decide: undecided ones first, then by its difference."""
        pairs = self.comparison.pairs if self.comparison else ()
        open_first = sorted(pairs, key=lambda pair: (pair.decided, abs(pair.difference)))
        return open_first[0] if open_first else None

    @property
    def pictured_pairs(self) -> Sequence[tuple[str, str]]:
        """The pairs whose items a report shows as pictures, those with close scores first."""
        pairs = self.comparison.pairs if self.comparison else ()
        ranked = sorted(pairs, key=lambda pair: abs(pair.difference))
        return [(pair.a, pair.b) for pair in ranked[:MOST_PAIRS]]

    @cached_property
    def shares(self) -> pd.DataFrame:
        """A row a test example, a column a recipe: the share of its seeds that got it right."""
        return right_shares(self.right)

    @cached_property
    def nobody(self) -> pd.DataFrame:
        """The examples that no run of any recipe gets right; see ``items.nobody``."""
        return items.nobody(self)

    @cached_property
    def luck(self) -> pd.DataFrame:
        """The examples that depend on the seed; see ``items.luck``."""
        return items.luck(self)

    @cached_property
    def _only(self) -> dict[tuple[str, str], pd.DataFrame]:
        return {}

    def only_one(self, right: str, wrong: str) -> pd.DataFrame:
        """Return the examples that tell two recipes apart; see ``items.only_one``."""
        if (right, wrong) not in self._only:
            self._only[right, wrong] = items.only_one(self, right, wrong)
        return self._only[right, wrong]

    @property
    def disputed(self) -> list[int]:
        """The test examples whose labels people dispute."""
        return list(self.study.dataset["disputed"])

    @cached_property
    def without_disputed(self) -> pd.DataFrame | None:
        """Each recipe's accuracy with and without those, or None where there are none."""
        return scores_without(self.right, self.disputed) if self.right and self.disputed else None

    @cached_property
    def calibrations(self) -> dict[str, Calibration]:
        """By recipe with runs and probabilities: reliability, calibration error, Brier score."""
        found = {}
        for name, right in self.right.items():
            answers = self.study.probabilities(name)
            if are_probabilities(answers):
                found[name] = calibration(answers, self.study.labels, right)
        return found

    @property
    def uncalibrated(self) -> str:
        """Of which recipes with runs no calibration can be shown, and why, or nothing."""
        without = [name for name in self.right if name not in self.calibrations]
        if not without:
            return ""
        return (
            f"Left out: {listed(without)}. Calibration is about probabilities, which are 0 or more "
            "and sum to 1 for each example, as those of a softmax; these outputs do not."
        )

    @cached_property
    def costs(self) -> pd.DataFrame:
        """A row a compared recipe: recipe, parameters, operations, seconds."""
        names = [recipe.name for found in self.comparisons for recipe in found.recipes]
        return self.study.terms(list(dict.fromkeys(names)))

    @cached_property
    def variation(self) -> pd.DataFrame:
        """The spread of scores by the source of chance that was varied."""
        return self.study.variation()
