"""Optuna's samplers and pruners, by the names that a study spec gives them.

A sampler's random numbers follow from the study's seed and the trial's number. So processes that
share a search do not draw the same trials, nor does one that goes on where another was.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    NopPruner,
    SuccessiveHalvingPruner,
)
from optuna.samplers import (
    BaseSampler,
    CmaEsSampler,
    QMCSampler,
    RandomSampler,
    TPESampler,
)
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from mlplab.errors import UsageError
from mlplab.recipes import Plain, Range

AGAIN = "again"
"""The attribute of a trial that takes the place of one whose process has ended: its number."""

MOST_POINTS = 100_000


def distribution_of(one: Range) -> BaseDistribution:
    """Return a range as Optuna knows it.

    Examples:
        >>> distribution_of(Range("units", 32, low=16, high=64, log=True))
        IntDistribution(high=64, log=True, low=16, step=1)
    """
    if one.low is None or one.high is None:
        return CategoricalDistribution(one.choices)
    if one.whole:
        low, high = int(one.low), int(one.high)
        return IntDistribution(low, high, log=one.log, step=int(one.step or 1))
    return FloatDistribution(one.low, one.high, log=one.log, step=one.step)


def make_sampler(name: str, ranges: Sequence[Range], seed: int) -> BaseSampler:
    """Return the sampler of this name.

    Raises:
        UsageError: a grid over ranges without steps; a sampler whose package is not installed.
    """
    if name == "grid":
        return Grid(ranges, seed)
    if name == "qmc":  # all processes share one sequence, of which each draws the next point
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return QMCSampler(scramble=True, seed=seed, warn_independent_sampling=False)
    return Numbered(_SAMPLERS[name], seed)


def _tpe(seed: int) -> BaseSampler:
    return TPESampler(seed=seed, constant_liar=True)  # trials under way count, as if they were bad


def _random(seed: int) -> BaseSampler:
    return RandomSampler(seed=seed)


def _cmaes(seed: int) -> BaseSampler:
    try:
        import cmaes  # noqa: F401
    except ModuleNotFoundError as error:
        raise UsageError(
            "expected the package cmaes for the sampler cmaes, which is not installed; "
            "run: pip install cmaes"
        ) from error
    return CmaEsSampler(seed=seed, warn_independent_sampling=False)


_SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    "tpe": _tpe,
    "random": _random,
    "cmaes": _cmaes,
}


class Numbered(BaseSampler):
    """A sampler made anew for each trial, from a seed and the trial's number.

    Args:
        make: makes the sampler from a seed.
        seed: the study's.
    """

    def __init__(self, make: Callable[[int], BaseSampler], seed: int) -> None:
        self.make, self.seed = make, seed
        self.sampler = self._made(0)

    def _made(self, number: int) -> BaseSampler:
        own = np.random.SeedSequence([self.seed, number]).generate_state(1)[0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of arguments that Optuna calls experimental
            return self.make(int(own))

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Take the sampler that this trial's number gives."""
        self.sampler = self._made(trial.number)
        self.sampler.before_trial(study, trial)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Ask the sampler."""
        return self.sampler.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Ask the sampler."""
        return self.sampler.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Ask the sampler."""
        return self.sampler.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Tell the sampler."""
        self.sampler.after_trial(study, trial, state, values)


class Grid(BaseSampler):
    """Every combination once, the start first, the others in an order drawn from the seed.

    A trial's place among the trials of a search says which combination is its own. Optuna's own
    grid looks for one that no other trial has, and two processes may find the same.

    Args:
        ranges: choices, whole numbers, or numbers with a step.
        seed: the study's.

    Raises:
        UsageError: a range with infinitely many values, or too many combinations.
    """

    def __init__(self, ranges: Sequence[Range], seed: int) -> None:
        values = [one.values() for one in ranges]
        if endless := [one.name for one, its in zip(ranges, values, strict=True) if its is None]:
            raise UsageError(
                "the sampler grid takes choices, whole numbers or a step in every range, "
                f"got none in {', '.join(endless)}"
            )
        finite = [its for its in values if its is not None]
        if (n_points := math.prod(map(len, finite))) > MOST_POINTS:
            raise UsageError(
                f"the sampler grid takes at most {MOST_POINTS:,} combinations, got {n_points:,}; "
                "give larger steps, or take the sampler random"
            )
        self.names = [one.name for one in ranges]
        start = tuple(one.start for one in ranges)
        points = [point for point in itertools.product(*finite) if point != start]
        order = np.random.default_rng(seed).permutation(len(points))
        self.points: list[tuple[Plain, ...]] = [start, *(points[place] for place in order)]
        self.point = self.points[0]

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Find the combination of this trial's place; those tried again have their own."""
        earlier = [
            one
            for one in study.get_trials(deepcopy=False)
            if one.number < trial.number and AGAIN not in one.user_attrs
        ]
        self.point = self.points[len(earlier) % len(self.points)]

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
        return self.point[self.names.index(param_name)]


def most_trials(sampler: BaseSampler, n_trials: int) -> int:
    """Return how many trials there can be: a grid has an end."""
    return min(n_trials, len(sampler.points)) if isinstance(sampler, Grid) else n_trials


PRUNERS: dict[str, Callable[[], BasePruner]] = {
    "median": MedianPruner,
    "hyperband": HyperbandPruner,
    "halving": SuccessiveHalvingPruner,
    "none": NopPruner,
}
