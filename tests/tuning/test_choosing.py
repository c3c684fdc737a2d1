"""What is tried: the same after an interruption, and on a grid every combination once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import FloatDistribution, IntDistribution

from mlplab.recipes import Range
from mlplab.tuning import TuneProgress, search
from mlplab.tuning.grid import Grid
from mlplab.tuning.storage import open_store
from tests.tuning.specs import HEAD, LINEAR, QUICK

SIZES = "{ choices = [64, 128, 256], start = 256 }"
RATES = "{ low = 1e-4, high = 0.1, log = true, start = 1e-3 }"
FINITE = QUICK.replace(RATES, "{ choices = [1e-3, 1e-2], start = 1e-3 }")
ALL = {(size, rate) for size in (64, 128, 256) for rate in (1e-3, 1e-2)}


def trials_in(storage: str) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name="quick", storage=open_store(storage).storage).trials


def points_in(storage: str) -> list[tuple[Any, ...]]:
    return [
        (t.params["batch_size"], t.params["optimizer.learning_rate"]) for t in trials_in(storage)
    ]


class StopAt(TuneProgress):
    """Interrupts, as Ctrl-C does, in the trial of a number."""

    def __init__(self, number: int) -> None:
        self.number = number

    def on_trial_epoch(self, number: int, epoch: int, mean: float) -> None:
        if number == self.number:
            raise KeyboardInterrupt


@pytest.mark.parametrize("sampler", ["tpe", "random", "grid", "qmc", "cmaes"])
def test_an_interrupted_search_tries_what_a_whole_one_tries(
    quick: Path, tmp_path: Path, sampler: str
):
    text = QUICK.replace(RATES, "{ low = 0.001, high = 0.02, step = 0.001, start = 0.001 }")
    quick.write_text(text.replace("epochs = 2", "epochs = 1"))
    if sampler == "cmaes":  # it draws numbers alone, two or more
        quick.write_text(quick.read_text().replace(SIZES, "{ low = 64, high = 256, start = 256 }"))
    how: dict[str, Any] = {"trials": 13, "sampler": sampler, "pruner": "none"}
    whole, parts = (f"journal:///{tmp_path}/{name}" for name in ("whole", "parts"))
    search(quick, storage=whole, **how)
    for number in (1, 5):
        with pytest.raises(KeyboardInterrupt):
            search(quick, storage=parts, progress=StopAt(number), **how)
    search(quick, storage=parts, **how)
    lost = {trial.user_attrs.get("again") for trial in trials_in(parts)}
    counted = [trial for trial in trials_in(parts) if trial.number not in lost]
    assert len(lost - {None}) == 2
    expected = [(trial.params, trial.value) for trial in trials_in(whole)]
    assert [(trial.params, trial.value) for trial in counted] == expected


def test_a_grid_is_tried_once_in_brackets_too(quick: Path, storage: str):
    quick.write_text(FINITE.replace("epochs = 2", "epochs = 9"))  # of which hyperband makes three
    search(quick, trials=50, sampler="grid", pruner="hyperband", storage=storage)
    points = points_in(storage)
    assert points[0] == (256, 1e-3)
    assert len(points) == 6
    assert set(points) == ALL


def test_a_grid_goes_on_where_another_search_was(quick: Path, storage: str):
    quick.write_text(FINITE)
    search(quick, trials=4, sampler="random", storage=storage)
    before = points_in(storage)
    quick.write_text(
        FINITE.replace("start = 256", "start = 64").replace("[tune]", "[tune]\nseed = 7")
    )
    search(quick, trials=50, sampler="grid", storage=storage)
    after = points_in(storage)[4:]
    assert len(after) == len(set(after)) == 6 - len(set(before))
    assert set(after) == ALL - set(before)


def test_steps_that_rounding_makes_unlike_are_one(quick: Path, storage: str):
    rates = "{ low = 0.1, high = 0.5, step = 0.1, start = 0.3 }"
    text = f'{HEAD}[train]\nepochs = 1\noptimizer = {{ class = "Adam", learning_rate = {rates} }}\n'
    quick.write_text(text + LINEAR)
    search(quick, trials=50, sampler="grid", storage=storage)
    tried = [trial.params["optimizer.learning_rate"] for trial in trials_in(storage)]
    assert tried[0] == 0.3
    assert sorted(round(rate, 9) for rate in tried) == [0.1, 0.2, 0.3, 0.4, 0.5]


def test_two_that_begin_at_once_take_two_points_of_a_grid():
    """As on a server, where nothing holds the second back until the first has its values."""
    kept = optuna.storages.InMemoryStorage()
    ranges = (Range("units", 1, low=1, high=2), Range("rate", 0.0, low=0.0, high=0.2, step=0.1))
    where: dict[str, Any] = {"study_name": "at-once", "storage": kept, "load_if_exists": True}
    searches = [optuna.create_study(**where, sampler=Grid(ranges, 0, list)) for _ in range(2)]
    for one in searches:
        one.sampler.trials = one.get_trials
    seen = set()
    for _ in range(3):
        both = [one.ask() for one in searches]
        for trial in reversed(both):
            units = trial._suggest("units", IntDistribution(1, 2))
            seen.add((units, trial._suggest("rate", FloatDistribution(0.0, 0.2, step=0.1))))
    assert len(seen) == 6
