"""The search as its storage keeps it, which several processes may share and any may go on with."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, Trial, TrialState

from mlplab.errors import UsageError
from mlplab.recipes import SearchSpec
from mlplab.tuning.choosing import PRUNERS, distribution_of, make_sampler
from mlplab.tuning.grid import Grid
from mlplab.tuning.places import AGAIN, next_try
from mlplab.tuning.process import Signs, has_ended, this_process
from mlplab.tuning.storage import Store
from mlplab.tuning.trial import Outcome, Terms
from mlplab.tuning.tuned import Counts

ABOUT = "mlplab"
PROCESS, SEEN, REASON, OUTCOME, SCORES = "process", "seen", "reason", "outcome", "scores"
_STATES = {
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "diverged": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}

TrialName = tuple[str, str, int]
"""A storage, a search in it, and the number of a trial."""

_UNDER_WAY: set[TrialName] = set()
"""The trials that this process does."""

optuna.logging.set_verbosity(optuna.logging.ERROR)


class SharedSearch:
    """A search in a storage: made where there is none, else the one that is there.

    Args:
        store: the storage.
        spec: what is searched.
        terms: what all trials have in common.

    Raises:
        UsageError: the storage has another search under this name.
    """

    def __init__(self, store: Store, spec: SearchSpec, terms: Terms) -> None:
        self.store, self.spec, self.signs = store, spec, Signs()
        self.distributions = {one.name: distribution_of(one) for one in spec.ranges}
        settings = spec.settings
        self.sampler = make_sampler(settings.sampler, spec.ranges, settings.seed, self.trials)
        with store.lock:
            self.study = optuna.create_study(
                storage=store.storage,
                study_name=spec.study.name,
                direction=terms.direction,
                sampler=self.sampler,
                pruner=PRUNERS[settings.pruner](),
                load_if_exists=True,
            )
            self._check_same(about(spec, terms))
            if not self.trials():
                self.study.enqueue_trial(spec.start)
            self._take_up_lost()
            self.n_trials = self._most(settings.trials)

    def _most(self, n_trials: int) -> int:
        """How many trials there can be: a grid has an end, whatever drew those before."""
        if not isinstance(self.sampler, Grid):
            return n_trials
        return min(n_trials, len(self.counted()) + self.sampler.n_left(self.trials()))

    def _check_same(self, wanted: dict[str, Any]) -> None:
        there = self.study.user_attrs.get(ABOUT)
        if there is None and not self.trials():
            self.study.set_user_attr(ABOUT, wanted)
            return
        name = f"{self.spec.study.name!r} in {self.store.url}"
        way_out = "give this search another name in [study], or another storage"
        if there is None:
            raise UsageError(f"expected a search of mlplab's, got another as {name}; {way_out}")
        if differ := list(differences(there, wanted)):
            raise UsageError(
                f"expected the search that is there as {name}, got other {'; '.join(differ)}; "
                f"to go on with it, put these back; else {way_out}"
            )

    def trials(self, *states: TrialState) -> list[FrozenTrial]:
        """Return the trials that are in these states, or all."""
        return self.study.get_trials(deepcopy=False, states=states or None)

    def next(self) -> Trial | None:
        """Begin the next trial; return it, or None where there are as many as were asked for."""
        with self.store.lock:
            self._take_up_lost()
            if self.begun() >= self.n_trials:
                return None
            trial = self.study.ask(fixed_distributions=self.distributions)
            _UNDER_WAY.add(self._name(trial.number))
            try:
                trial.set_user_attr(SEEN, time.time())
                trial.set_user_attr(PROCESS, this_process())
            except BaseException:
                with self.doing(trial):
                    self.put_back(trial)
                raise
            return trial

    def _name(self, number: int) -> TrialName:
        return self.store.url, self.study.study_name, number

    @contextmanager
    def doing(self, trial: Trial) -> Iterator[None]:
        """Have a trial that was begun taken for this process's as long as the block lasts."""
        try:
            yield
        finally:
            _UNDER_WAY.discard(self._name(trial.number))

    def _take_up_lost(self) -> None:
        """Put trials whose process has ended back into the queue, and call them failed."""
        again = {trial.user_attrs.get(AGAIN) for trial in self.trials()}
        for trial in self.trials(TrialState.RUNNING):
            if self._is_lost(trial):
                self._try_again(trial, again)

    def _try_again(self, trial: FrozenTrial, again: set[int | None]) -> None:
        if trial.number not in again:
            self.study.add_trial(next_try(trial))
        self.study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)

    def put_back(self, trial: Trial) -> None:
        """Put a trial that this process gives up into the queue again."""
        with self.store.lock:
            for one in self.trials(TrialState.RUNNING):
                if one.number == trial.number:
                    self._try_again(one, set())

    def sign(self, trial: Trial) -> None:
        """Leave a sign of life for a trial under way."""
        trial.set_user_attr(SEEN, time.time())

    def last_reason(self) -> str:
        """Return why the last trial that has a reason was not complete."""
        reasons = [t.user_attrs[REASON] for t in self.trials() if REASON in t.user_attrs]
        return str(reasons[-1]) if reasons else ""

    def _is_lost(self, trial: FrozenTrial) -> bool:
        process = trial.user_attrs.get(PROCESS)
        if process == this_process():  # which may have given up before it could say so
            return self._name(trial.number) not in _UNDER_WAY
        if process is not None:
            ended = has_ended(process)
            seen = trial.user_attrs[SEEN]
            return self.signs.stopped(trial.number, seen) if ended is None else ended
        # Begun, and nobody's: under a lock that is known to be for ever.
        began = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
        return self.store.file is not None or self.signs.stopped(trial.number, began)

    def counted(self) -> list[FrozenTrial]:
        """Return the trials that count: all but those that were lost, and are tried again."""
        trials = self.trials()
        again = {trial.user_attrs.get(AGAIN) for trial in trials}
        return [trial for trial in trials if trial.number not in again]

    def begun(self) -> int:
        """Return how many trials have ended or are under way."""
        return sum(trial.state != TrialState.WAITING for trial in self.counted())

    def under_way(self) -> int:
        """Return how many trials other processes have under way."""
        return len(self.trials(TrialState.RUNNING))

    def counts(self) -> Counts:
        """Return how many trials came to which end."""
        ends = [_end_of(trial) for trial in self.counted()]
        return Counts(*(ends.count(state) for state in _STATES))

    def end(self, trial: Trial, outcome: Outcome) -> None:
        """Write down what came of a trial.

        Raises:
            UpdateFinishedTrialError: others took it up.
        """
        trial.set_user_attr(OUTCOME, outcome.state)
        if outcome.reason:
            trial.set_user_attr(REASON, outcome.reason)
        if outcome.state == "complete":
            trial.set_user_attr(SCORES, list(outcome.scores))
            self._tell(trial, outcome.value)
        else:
            self._tell(trial, None, _STATES[outcome.state])

    def _tell(self, trial: Trial, value: float | None, state: TrialState | None = None) -> None:
        try:
            self.study.tell(trial, value, state)
        except ValueError as error:
            if not self.study.trials[trial.number].state.is_finished():
                raise
            raise UpdateFinishedTrialError(str(error)) from error

    def best(self) -> FrozenTrial | None:
        """Return the complete trial with the best score, the earliest of equals, or None."""
        complete = self.trials(TrialState.COMPLETE)
        sign = -1 if self.study.direction.name == "MAXIMIZE" else 1
        return min(complete, key=lambda t: (sign * (t.value or 0.0), t.number), default=None)


def about(spec: SearchSpec, terms: Terms) -> dict[str, Any]:
    """Return what a search must have in common with the one in the storage, as plain data."""
    content = {
        "space": spec.about(),
        "data": [terms.dataset.name, terms.dataset.fingerprint],
        "validation": terms.validation,
        "metric": terms.metric,
        "seeds": len(terms.seeds),
    }
    return dict(json.loads(json.dumps(content)))


def differences(there: dict[str, Any], wanted: dict[str, Any]) -> Any:
    """Yield what differs between two searches, in words.

    Examples:
        >>> one = {"space": {"ranges": {"rate": {"low": 0}}, "around": 1}, "seeds": 3}
        >>> other = {"space": {"ranges": {"rate": {"low": 1}}, "around": 1}, "seeds": 5}
        >>> list(differences(one, other))
        ["ranges (rate: {'low': 1}, there {'low': 0})", 'seeds (5, there 3)']
    """
    had, has = there["space"]["ranges"], wanted["space"]["ranges"]
    changed = [
        f"{name}: {has.get(name, 'none')}, there {had.get(name, 'none')}"
        for name in {**had, **has}
        if had.get(name) != has.get(name)
    ]
    if changed:
        yield f"ranges ({'; '.join(changed)})"
    elif there["space"] != wanted["space"]:
        yield "values around the ranges, in [train] or [[recipe]]"
    for key in ("data", "validation", "metric", "seeds"):
        if there.get(key) != wanted.get(key):
            yield f"{key} ({_shown(wanted.get(key))}, there {_shown(there.get(key))})"


def _shown(value: Any) -> str:
    return f"{value[0]} {value[1][:12]}" if isinstance(value, list) else str(value)


def _end_of(trial: FrozenTrial) -> str:
    return str(trial.user_attrs.get(OUTCOME, "")) if trial.state.is_finished() else ""
