"""Optuna's samplers and pruners, by the names that a study spec gives them.

A sampler's random numbers follow from the study's seed and the trial's place in the search. So
processes that share a search do not draw the same trials, nor does one that goes on where another
was; and a trial that is tried again changes nothing of what those after it draw.
"""

from __future__ import annotations

import copy
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

from mlplab.extras import needed
from mlplab.recipes import Range
from mlplab.tuning.grid import Grid
from mlplab.tuning.places import AGAIN, Trials, fixed_values, place_of


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


def make_sampler(name: str, ranges: Sequence[Range], seed: int, trials: Trials) -> BaseSampler:
    """Return the sampler of this name.

    Args:
        name: as the study spec gives it.
        ranges: what is searched.
        seed: the study's.
        trials: gives all trials of the search. The study that Optuna hands to a sampler may show
            a part of them, as hyperband's brackets do.

    Raises:
        UsageError: a grid over ranges without steps; a sampler whose package is not installed.
    """
    if name == "grid":
        return Grid(ranges, seed, trials)
    if name == "qmc":  # all processes share one sequence, of which each draws the next point
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            own = Numbered(_random, seed, trials)
            return Sobol(
                scramble=True, seed=seed, independent_sampler=own, warn_independent_sampling=False
            )
    return Numbered(_SAMPLERS[name], seed, trials)


def _tpe(seed: int, place: int) -> BaseSampler:
    return TPESampler(seed=seed, constant_liar=True)  # trials under way count, as if they were bad


def _random(seed: int, place: int) -> BaseSampler:
    return RandomSampler(seed=seed)


def _cmaes(seed: int, place: int) -> BaseSampler:
    with needed("tune"):
        import cmaes  # noqa: F401
    return Cmaes(seed, place)


_SAMPLERS: dict[str, Callable[[int, int], BaseSampler]] = {
    "tpe": _tpe,
    "random": _random,
    "cmaes": _cmaes,
}


class Sobol(QMCSampler):
    """Optuna's, which takes no second point of the sequence for a trial that is tried again."""

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Draw the next point, unless the trial has its values already."""
        if AGAIN in trial.user_attrs and set(search_space) <= set(fixed_values(trial)):
            return {}
        return super().sample_relative(study, trial, search_space)


class Cmaes(CmaEsSampler):
    """Optuna's, which adds the trial's number to its seed: here its place."""

    def __init__(self, seed: int, place: int) -> None:
        super().__init__(seed=seed, warn_independent_sampling=False)
        self.place = place

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Draw as the trial of this place does."""
        placed = copy.copy(trial)
        placed.number = self.place
        return super().sample_relative(study, placed, search_space)


class Numbered(BaseSampler):
    """A sampler made anew for each trial, from a seed and the trial's place in the search.

    Args:
        make: makes the sampler from a seed and a place.
        seed: the study's.
        trials: gives all trials of the search.
    """

    def __init__(self, make: Callable[[int, int], BaseSampler], seed: int, trials: Trials) -> None:
        self.make, self.seed, self.trials = make, seed, trials
        self.sampler = self._made(0)

    def _made(self, place: int) -> BaseSampler:
        own = np.random.SeedSequence([self.seed, place]).generate_state(1)[0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of arguments that Optuna calls experimental
            return self.make(int(own), place)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Take the sampler that this trial's place gives."""
        self.sampler = self._made(place_of(trial, self.trials()))
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


PRUNERS: dict[str, Callable[[], BasePruner]] = {
    "median": MedianPruner,
    "hyperband": HyperbandPruner,
    "halving": SuccessiveHalvingPruner,
    "none": NopPruner,
}
