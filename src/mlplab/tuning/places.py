"""A trial's place in its search, in which a trial that was lost and the next try of it are one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from optuna.trial import FrozenTrial, TrialState, create_trial

AGAIN = "again"
"""The attribute of a trial that takes the place of one whose process has ended: its number."""

Trials = Callable[[], Sequence[FrozenTrial]]
"""Gives all trials of a search."""


_FIXED, _CMAES = "fixed_params", "cma"


def place_of(trial: FrozenTrial, trials: Sequence[FrozenTrial]) -> int:
    """Return how many trials of a search come before one, each tried again counted once."""
    again = {one.number: one.user_attrs.get(AGAIN) for one in trials}
    number = trial.number
    while (first := again.get(number)) is not None:
        number = first
    return sum(one < number and of is None for one, of in again.items())


def fixed_values(trial: FrozenTrial) -> dict[str, Any]:
    """Return the values that a trial was given before any sampler was asked."""
    return dict(trial.system_attrs.get(_FIXED, {}))


def next_try(trial: FrozenTrial) -> FrozenTrial:
    """Return a trial for the queue, to be done in the place of one that was lost.

    It has the same values, as far as they were drawn, and what CMA-ES keeps with those it drew.
    """
    attributes = {k: v for k, v in trial.system_attrs.items() if k.startswith(_CMAES)}
    return create_trial(
        state=TrialState.WAITING,
        system_attrs={**attributes, _FIXED: fixed_values(trial) | trial.params},
        user_attrs={AGAIN: trial.number},
    )
