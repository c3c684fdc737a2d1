"""The winner on fresh seeds: its comparison, and the optimism of the search's own score."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import optuna.visualization.matplotlib as plots
import pytest
import requests
from scipy import stats

import mlplab
from mlplab import Dataset, Study
from mlplab.errors import MlplabError, UsageError
from mlplab.recipes import load_search
from mlplab.tuning import Counts, Found, Tuned, optimism, tune
from mlplab.tuning.confirm import confirm
from mlplab.tuning.trial import Terms
from tests.ports import free_port
from tests.tuning.specs import HEAD, LINEAR, QUICK


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tuned")


@pytest.fixture(scope="module")
def tuned(folder: Path) -> Tuned:
    """A search of eight trials, confirmed beside runs of the start that were there before."""
    (folder / "quick.toml").write_text(QUICK)
    spec = load_search(folder / "quick.toml")
    before = [spec.recipe(spec.start), spec.recipe(spec.start | {"batch_size": 64}, "linear-tuned")]
    mlplab.run(before, "digits", [0, 1, 2, 7], path=folder / "quick.study").close()
    return tune(spec, trials=8, path=folder / "quick.study")


def test_only_fresh_seeds_count(tuned: Tuned, folder: Path):
    assert tuned.seeds == (1000, 1001, 1002)
    assert tuned.comparison is not None
    assert [recipe.seeds for recipe in tuned.comparison.recipes] == [3, 3]
    alone = tune(folder / "quick.toml", trials=8, path=folder / "alone.study",
                 storage=tuned.found.storage)  # fmt: skip
    assert alone.comparison is not None
    pair, same = tuned.comparison.pairs[0], alone.comparison.pairs[0]
    assert (pair.difference, pair.low, pair.high) == (same.difference, same.low, same.high)
    assert (pair.a, pair.b.partition("@")[0]) == ("linear", "linear-tuned")
    with Study(folder / "alone.study") as study:
        assert study.seeds("linear") == study.seeds("linear-tuned") == [1000, 1001, 1002]


def test_the_optimism_is_that_of_the_best_trial(tuned: Tuned, folder: Path):
    study = optuna.load_study(study_name="quick", storage=tuned.found.storage)
    assert tuned.value == study.best_value == np.mean(tuned.found.scores)
    assert tuned.values == study.best_params
    with Study(folder / "quick.study") as runs:
        label = runs.recipes[-1].label
        history = runs.history()
    rows = history[(history["recipe"] == label) & (history["epoch"] == 2)]
    scores = rows[rows["seed"] >= 1000]["val_accuracy"].tolist()
    assert list(tuned.fresh) == scores
    assert tuned.optimism is not None
    by_hand = stats.ttest_ind(tuned.found.scores, scores, equal_var=False).confidence_interval()
    assert tuned.optimism.amount == pytest.approx(tuned.value - np.mean(scores))
    assert (tuned.optimism.low, tuned.optimism.high) == pytest.approx((by_hand.low, by_hand.high))


@pytest.mark.parametrize("metric", ["accuracy", "loss"])
def test_optimism_against_another_implementation(metric: str):
    rng = np.random.default_rng(0)
    search, fresh = rng.normal(0.5, 0.1, 4), rng.normal(0.4, 0.2, 9)
    found = optimism(search, fresh, metric, level=0.9)
    better, worse = (search, fresh) if metric == "accuracy" else (fresh, search)
    test = stats.ttest_ind(better, worse, equal_var=False)
    interval = test.confidence_interval(0.9)
    assert found.amount == pytest.approx(better.mean() - worse.mean())
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_optimism_of_one_seed_takes_the_spread_of_the_fresh_ones():
    fresh = [0.90, 0.92, 0.94]
    found = optimism([0.95], fresh, "accuracy")
    half = stats.t.ppf(0.975, 2) * np.std(fresh, ddof=1) * np.sqrt(1 + 1 / 3)
    assert (found.low, found.high) == pytest.approx((0.03 - half, 0.03 + half))
    assert optimism([0.95], [0.9], "accuracy").low is None


def test_the_interval_of_optimism_holds_as_often_as_it_says():
    """Without a search to choose it, a trial of three seeds beside ten fresh ones."""
    rng, n_held = np.random.default_rng(1), 0
    for _ in range(2000):
        found = optimism(rng.normal(size=3), rng.normal(size=10), "accuracy")
        assert found.low is not None
        assert found.high is not None
        n_held += found.low <= 0 <= found.high
    assert 0.93 < n_held / 2000 < 0.97


def test_what_a_reader_is_shown(tuned: Tuned):
    shown = repr(tuned)
    assert "Search quick: 8 trials: " in shown
    assert f"Best validation accuracy in the search: {tuned.value:.2%} (mean of 2 seeds)" in shown
    assert f"On fresh seeds: {np.mean(tuned.fresh):.2%} (mean of 3 seeds)" in shown
    assert f"Optimism of the search's best score: {tuned.optimism}" in shown
    assert "which recipe is right more often on new examples" in shown


def test_the_same_call_again_trains_nothing(tuned: Tuned, folder: Path):
    again = tune(folder / "quick.toml", trials=8, path=folder / "quick.study")
    assert repr(again) == repr(tuned)
    with Study(folder / "quick.study") as study:
        assert len(study.frame()) == 4 + 4 + 3 + 3


def test_looks_at_the_test_set_are_counted(tuned: Tuned, folder: Path):
    with Study(folder / "quick.study") as study:
        seen = study.looks()["seen"].tolist()
    assert "comparison: recipes, accuracy" in seen


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_optunas_own_plots_read_the_storage(tuned: Tuned):
    import matplotlib.pyplot as plt

    study = optuna.load_study(study_name="quick", storage=tuned.found.storage)
    history = plots.plot_optimization_history(study)
    importances = plots.plot_param_importances(study)
    parallel = plots.plot_parallel_coordinate(study)
    intermediate = plots.plot_intermediate_values(study)
    assert importances.get_title("left")
    assert {text.get_text() for text in importances.get_yticklabels()} == set(tuned.values)
    assert max(history.collections[0].get_offsets()[:, 1]) == pytest.approx(tuned.value)
    assert parallel.figure is not None
    assert len(intermediate.get_lines()) >= 8
    plt.close("all")


def test_optunas_dashboard_opens_the_storage(tuned: Tuned):
    port = free_port()
    where = ["--host", "127.0.0.1", "--port", str(port), "--server", "wsgiref"]
    program = Path(sys.executable).with_name("optuna-dashboard")
    with subprocess.Popen(
        [program, tuned.found.storage, *where], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            answer = answer_of(f"http://127.0.0.1:{port}/api/studies", server)
        finally:
            server.terminate()
    assert [study["study_name"] for study in answer["study_summaries"]] == ["quick"]


def answer_of(url: str, server: subprocess.Popen[bytes]) -> Any:
    """What a server that has just been started answers, once it does."""
    deadline = time.monotonic() + 60
    while server.poll() is None and time.monotonic() < deadline:
        try:
            return requests.get(url, timeout=30).json()
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError(f"no answer of {url}")


def test_the_start_may_win(tmp_path: Path):
    rates = "{ choices = [0.03, 1e-7], start = 0.03 }"
    text = f'{HEAD}[train]\nepochs = 2\noptimizer = {{ class = "Adam", learning_rate = {rates} }}\n'
    (tmp_path / "x.toml").write_text(text + LINEAR)
    tuned = tune(tmp_path / "x.toml", sampler="grid", path=tmp_path / "x.study")
    assert tuned.recipe.name == "linear"
    assert tuned.comparison is None
    assert tuned.optimism is not None
    assert tuned.notes == ("The starting recipe won: the search found none with a better score.",)
    with Study(tmp_path / "x.study") as study:
        assert [record.label for record in study.recipes] == ["linear"]


def test_a_winner_that_diverges_on_fresh_seeds_is_said(tmp_path: Path, digits: Dataset):
    (tmp_path / "x.toml").write_text(QUICK)
    spec = load_search(tmp_path / "x.toml")
    terms = Terms(digits, 143, range(2), "accuracy")
    wild = spec.start | {"optimizer.learning_rate": 1e38}
    found = Found("quick", "sqlite:///a.db", 3, wild, 0.99, (0.99, 0.99), Counts(4, 0, 0, 0), 4)
    how = {"progress": None, "command": "test", "keep": None}
    tuned = confirm(spec, terms, found, tmp_path / "x.study", **how)
    assert tuned.optimism is None
    assert tuned.comparison is None
    assert tuned.notes == (
        "linear-tuned diverged on 3 of 3 fresh seeds: it is not to be relied on, whatever its "
        "other runs scored.",
        "linear-tuned has too few runs left to be compared.",
    )


def test_mistakes_are_told_before_the_first_trial(quick: Path, tmp_path: Path, storage: str):
    (tmp_path / "text.study").write_text("no study, and longer than a header")
    spec = load_search(quick)
    start = spec.recipe(spec.start)
    mlplab.run(start, "digits", [0], path=tmp_path / "other.study", validation=200).close()
    for how, message in (
        ({"path": tmp_path / "text.study"}, "expected a study file"),
        ({"path": tmp_path / "other.study"}, "got a file with runs under validation=200"),
        ({"track": {"paper": "a.txt"}}, "paper"),
    ):
        with pytest.raises(MlplabError, match=message):
            tune(quick, storage=storage, **({"path": tmp_path / "new.study"} | how))
    assert not list(tmp_path.glob("quick.tune.db"))  # not even begun


def test_settings_that_mean_nothing(quick: Path, tmp_path: Path, storage: str):
    for how, message in (
        ({"trials": 0}, "trials: expected greater than 0, got 0"),
        ({"sampler": "best"}, "sampler: expected 'tpe', 'random', 'grid', 'qmc' or 'cmaes', got"),
        ({"fresh_seeds": 1}, "fresh_seeds: expected greater than or equal to 2, got 1"),
        ({"seeds": 1001}, "expected at most 1000 seeds a trial, got 1001"),
        ({"sampler": "grid"}, "a step in every range, got none in optimizer.learning_rate"),
    ):
        with pytest.raises(UsageError, match=message):
            tune(quick, storage=storage, path=tmp_path / "new.study", **how)
