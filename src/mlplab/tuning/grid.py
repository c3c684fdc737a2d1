"""Every combination of finite ranges once, whoever searches and whatever searched before."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial

from mlplab.errors import UsageError
from mlplab.recipes import Plain, Range
from mlplab.tuning.places import Trials, fixed_values

MOST_POINTS = 100_000

Point = tuple[int, ...]
"""The step of each range, or the place of its choice."""


class Grid(BaseSampler):
    """The first combination that no trial has, in an order drawn from the seed.

    Combinations are told apart by steps, not by numbers: 0.1 + 2 * 0.1 is no second 0.3. Trials
    that have begun and not yet said which is theirs are passed over: each of them takes one of the
    first that are free. So processes that share a search try none twice.

    Args:
        ranges: choices, whole numbers, or numbers with a step.
        seed: the study's.
        trials: gives all trials of the search.

    Raises:
        UsageError: a range with infinitely many values, or too many combinations.
    """

    def __init__(self, ranges: Sequence[Range], seed: int, trials: Trials) -> None:
        self.ranges, self.values, self.trials = ranges, _values(ranges), trials
        sizes = [len(its) for its in self.values.values()]
        if (n_points := math.prod(sizes)) > MOST_POINTS:
            raise UsageError(
                f"the sampler grid takes at most {MOST_POINTS:,} combinations, got {n_points:,}; "
                "give larger steps, or take the sampler random"
            )
        points = list(itertools.product(*map(range, sizes)))
        order = np.random.default_rng(seed).permutation(n_points)
        self.points: list[Point] = [points[place] for place in order]
        self.point = self.points[0]

    def free(self, trials: Sequence[FrozenTrial]) -> list[Point]:
        """Return the combinations that none of these trials has, in their order."""
        held = {self.point_of(trial) for trial in trials}
        return [point for point in self.points if point not in held]

    def n_left(self, trials: Sequence[FrozenTrial]) -> int:
        """Return how many combinations are left for trials that have not begun."""
        return max(0, len(self.free(trials)) - len(self._unsaid(trials)))

    def _unsaid(self, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        """Those under way of which nobody knows the combination yet."""
        going = [one for one in trials if not one.state.is_finished()]
        return [one for one in going if self.point_of(one) is None]

    def point_of(self, trial: FrozenTrial) -> Point | None:
        """Return the combination of a trial; None where it is not yet known."""
        known = fixed_values(trial) | trial.params
        places = [one.place(known[one.name]) for one in self.ranges if one.name in known]
        said = tuple(place for place in places if place is not None)
        return said if len(said) == len(self.ranges) else None

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Find the combination of this trial, which may have one already."""
        trials = self.trials()
        n_earlier = sum(one.number < trial.number for one in self._unsaid(trials))
        free = self.free(trials) or self.points  # where others were quicker, one is tried again
        self.point = free[n_earlier % len(free)]

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Say that nothing is sampled together."""
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Sample nothing together."""
        return {}

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Return the trial's value."""
        steps = dict(zip(self.values, self.point, strict=True))
        return self.values[param_name][steps[param_name]]


def _values(ranges: Sequence[Range]) -> dict[str, list[Plain]]:
    """The values of each range; that of the start is as it was written."""
    finite = {one.name: values for one in ranges if (values := one.values()) is not None}
    if endless := [one.name for one in ranges if one.name not in finite]:
        raise UsageError(
            "the sampler grid takes choices, whole numbers or a step in every range, "
            f"got none in {', '.join(endless)}"
        )
    for one in ranges:
        if (place := one.place(one.start)) is not None:
            finite[one.name][place] = one.start
    return finite
