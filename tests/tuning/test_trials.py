"""Trials: scored on validation data alone, the same each time, stopped, failed, diverged."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from mlplab.data import Dataset, Split
from mlplab.engine import Streams
from mlplab.errors import FailedError
from mlplab.recipes import Recipe, load_search
from mlplab.study import one_run, pool, train
from mlplab.study.one_run import Epoch
from mlplab.tuning import Found, TuneProgress, search, tune
from mlplab.tuning.trial import Outcome, Terms, run_trial
from tests.tuning.specs import HEAD, LINEAR


def terms_on(dataset: Dataset, metric: str = "accuracy", engine: str = "auto") -> Terms:
    return Terms(dataset, 143, range(3), metric, engine)


def go_on(epoch: int, mean: float) -> bool:
    return False


def trials_in(storage: str) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name="quick", storage=storage).trials


@pytest.fixture
def recipe(quick: Path) -> Recipe:
    spec = load_search(quick)
    return spec.recipe(spec.start)


@pytest.mark.parametrize("metric", ["accuracy", "loss"])
def test_the_score_is_the_mean_validation_score_after_the_last_epoch(
    recipe: Recipe, digits: Dataset, metric: str
):
    seen: list[tuple[int, float]] = []
    outcome = run_trial(recipe, terms_on(digits, metric), lambda *got: bool(seen.append(got)))
    expected = []
    for seed in range(3):
        streams = Streams.of(seed)
        carved = digits.with_validation(143, streams.rng("split"))
        expected.append(
            [getattr(e, f"val_{metric}") for e in train(recipe, carved, streams).epochs]
        )
    assert outcome == Outcome("complete", tuple(row[-1] for row in expected))
    assert outcome.value == pytest.approx(np.mean([row[-1] for row in expected]))
    assert seen == [(1, np.mean([row[0] for row in expected])), (2, outcome.value)]
    assert run_trial(recipe, terms_on(digits, metric), go_on) == outcome


def test_other_engines_score_too(recipe: Recipe, digits: Dataset):
    native = run_trial(recipe, terms_on(digits), go_on)
    keras = run_trial(recipe, terms_on(digits, engine="keras"), go_on)
    assert keras.value == pytest.approx(native.value, abs=0.02)


def poisoned(digits: Dataset) -> Dataset:
    """The same training set beside a test set that is noise under wrong labels."""
    rng = np.random.default_rng(0)
    noise = rng.normal(1e6, 1e6, digits.test.x.shape).astype(digits.test.x.dtype)
    return dataclasses.replace(digits, test=Split(noise, (digits.test.y + 1) % 10))


def test_no_trial_sees_the_test_set(
    quick: Path, tmp_path: Path, digits: Dataset, monkeypatch: pytest.MonkeyPatch
):
    """What is on the test set changes no trial, and no trained model is asked about it."""

    def asked(*arguments: Any, **options: Any) -> None:
        raise AssertionError("a trial looked at the test set")

    for name in ("look_at_test_set", "evaluate", "predict"):
        monkeypatch.setattr(one_run, name, asked)
    found = []
    for name, dataset in (("as-is", digits), ("poisoned", poisoned(digits))):
        storage = f"sqlite:///{tmp_path}/{name}.db"
        search(quick, dataset, trials=6, storage=storage, pruner="median")
        trials = trials_in(storage)
        found.append([(t.params, t.value, t.intermediate_values, t.state) for t in trials])
    assert len(found[0]) == 6
    assert found[0] == found[1]


def test_the_whole_trial_stops_when_it_is_told_to(recipe: Recipe, digits: Dataset):
    told: list[int] = []

    def stop_at_two(epoch: int, mean: float) -> bool:
        told.append(epoch)
        return epoch == 2

    outcome = run_trial(recipe.replace(epochs=200), terms_on(digits), stop_at_two)
    assert outcome == Outcome("pruned", reason="stopped after epoch 2 of 200")
    assert told == [1, 2]


class Seen(Terms):
    """Keeps the numbers of the epochs that any seed has passed."""

    def value(self, epoch: Epoch) -> float:
        self.__dict__.setdefault("epochs", []).append(epoch.epoch)
        return super().value(epoch)


@pytest.mark.parametrize("cores", [1, 2])
def test_no_seed_is_trained_to_the_end_of_a_trial_that_is_stopped(
    recipe: Recipe, digits: Dataset, monkeypatch: pytest.MonkeyPatch, cores: int
):
    monkeypatch.setattr(pool, "usable_cores", lambda: cores)
    terms = Seen(digits, 143, range(3), "accuracy")
    outcome = run_trial(recipe.replace(epochs=1000), terms, lambda epoch, mean: epoch == 5)
    assert outcome == Outcome("pruned", reason="stopped after epoch 5 of 1000")
    assert max(terms.__dict__["epochs"]) < 500


def test_an_error_of_the_caller_is_not_swallowed(recipe: Recipe, digits: Dataset):
    def fail(epoch: int, mean: float) -> bool:
        raise MemoryError

    with pytest.raises(MemoryError):
        run_trial(recipe.replace(epochs=200), terms_on(digits), fail)


class Keep(TuneProgress):
    """Keeps how trials ended."""

    def __init__(self) -> None:
        self.ended: list[Outcome] = []

    def on_trial_end(self, number: int, outcome: Outcome, *rest: Any) -> None:
        self.ended.append(outcome)


def searched(tmp_path: Path, text: str, storage: str, **how: Any) -> tuple[Found, list[Outcome]]:
    (tmp_path / "x.toml").write_text(text)
    kept = Keep()
    found = search(tmp_path / "x.toml", storage=storage, progress=kept, **how)
    return found, kept.ended


def test_bad_recipes_are_pruned(tmp_path: Path, storage: str):
    rates = "{ choices = [1e-2, 2e-2, 3e-2, 4e-2, 5e-2, 1e-7, 2e-7, 3e-7], start = 1e-2 }"
    text = f'{HEAD}[train]\nepochs = 6\noptimizer = {{ class = "Adam", learning_rate = {rates} }}\n'
    found, ended = searched(tmp_path, text + LINEAR, storage, trials=8, sampler="grid")
    assert found.counts.pruned >= 1
    assert found.counts.complete + found.counts.pruned == 8
    for trial, outcome in zip(trials_in(storage), ended, strict=True):
        if outcome.state == "pruned":
            assert trial.state == optuna.trial.TrialState.PRUNED
            assert len(trial.intermediate_values) < 6
            assert trial.user_attrs["reason"] == outcome.reason


def test_what_cannot_be_built_fails_and_the_search_goes_on(tmp_path: Path, storage: str):
    rows = "{ choices = [8, 7], start = 8, name = 'rows' }"
    text = f"""{HEAD}[train]
epochs = 1
[[recipe]]
name = "shaped"
layers = [
    {{ class = "Reshape", target_shape = [{rows}, 8, 1] }},
    {{ class = "Dense", units = "classes", activation = "softmax" }},
]
"""
    found, ended = searched(tmp_path, text, storage, sampler="grid")
    assert (found.counts.complete, found.counts.failed, found.asked) == (1, 1, 2)
    assert found.values == {"rows": 8}
    assert ended[1].state == "failed"
    assert "Keras says of Reshape" in ended[1].reason
    failed = trials_in(storage)[1]
    assert failed.state == optuna.trial.TrialState.FAIL
    assert failed.user_attrs["reason"] == ended[1].reason


SQUARES = f'{HEAD}[train]\nepochs = 2\nloss = "mse"\n'
UNBOUNDED = '[[recipe]]\nname = "squares"\nlayers = [{ class = "Dense", units = "classes" }]\n'


def test_what_diverges_counts_as_bad_and_the_search_goes_on(tmp_path: Path, storage: str):
    rate = "{ choices = [1e30, 1e-3], start = 1e30 }"
    text = f'{SQUARES}optimizer = {{ class = "SGD", learning_rate = {rate} }}\n{UNBOUNDED}'
    found, ended = searched(tmp_path, text, storage, sampler="grid")
    assert (found.counts.complete, found.counts.diverged) == (1, 1)
    assert found.values == {"optimizer.learning_rate": 1e-3}
    assert ended[0].state == "diverged"
    assert ended[0].reason.startswith("the loss of seed ")
    assert trials_in(storage)[0].state == optuna.trial.TrialState.PRUNED


def test_a_search_in_which_nothing_works_says_so(tmp_path: Path, storage: str):
    rate = "{ choices = [1e30, 1e31], start = 1e30 }"
    text = f'{SQUARES}optimizer = {{ class = "SGD", learning_rate = {rate} }}\n{UNBOUNDED}'
    with pytest.raises(
        FailedError,
        match="no trial of the search was complete: 2 trials: 2 diverged; the loss of seed",
    ):
        searched(tmp_path, text, storage, sampler="grid")
    with pytest.raises(FailedError, match="2 diverged"):
        tune(tmp_path / "x.toml", storage=storage, sampler="grid", path=tmp_path / "a.study")
    assert not (tmp_path / "a.study").exists()  # a study of no runs would be of no use
