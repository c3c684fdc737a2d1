"""What the report says of recipes side by side, on real studies, counted anew."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import brier_score_loss

import mlplab
from mlplab import Dataset, Recipe, Study
from mlplab.report import write_report
from mlplab.report.compared import Compared
from mlplab.report.items import items_table, luck, nobody, only_one
from mlplab.report.sections import differences_section, looks_section, variation_section
from mlplab.report.tables import COMPARED_TABLES
from tests.report.test_page import text_of


@pytest.fixture(scope="module")
def study(study_file: Path) -> Iterator[Study]:
    with Study(study_file) as study:
        yield study


@pytest.fixture(scope="module")
def compared(study: Study, digits: Dataset) -> Compared:
    return Compared(study, digits)


@pytest.fixture(scope="module")
def single_file(digits: Dataset, small: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two networks of one run each, and a third without one under that seed."""
    path = tmp_path_factory.mktemp("single") / "single.study"
    mlplab.run([small, small.replace(name="longer", epochs=4)], digits, [4], path=path).close()
    return path


def test_the_claim_stands_first_and_verdicts_are_those_of_compare(
    report_folder: Path, study: Study
) -> None:
    found, text = study.compare(), text_of(report_folder / "report.html")
    section = text[text.rindex("Which differences are real") :]
    assert section.startswith(f"Which differences are real {found.question}")
    for pair in found.pairs:
        assert pair.sentence() in section
        assert f"{pair.difference:+.3f} {pair.low:+.3f} to {pair.high:+.3f}" in section
    read = pd.read_csv(report_folder / "tables" / "comparison.csv")
    pd.testing.assert_frame_equal(read, found.frame(), check_dtype=False)


def test_one_run_of_each_carries_the_claim_of_models_alone(
    single_file: Path, tmp_path: Path
) -> None:
    with Study(single_file) as study:
        compared = Compared(study)
        assert compared.comparison is not None
        assert compared.comparison.claim == "models"
        text = text_of(write_report(study, tmp_path))
    assert "which of these trained models (seed 4) is better on new examples" in text
    assert "Which recipe is better cannot be claimed: one run does not show how much" in text
    assert "Claim models: which of these trained models is right more often" in text
    assert not (tmp_path / "figures" / "split.png").exists()


def test_one_network_is_compared_with_nothing(lone_file: Path, tmp_path: Path) -> None:
    with Study(lone_file) as study:
        view = differences_section(Compared(study))
        text = text_of(write_report(study, tmp_path))
    assert view["comparison"] is None
    assert "A comparison takes two networks with runs or more." in text
    assert len(pd.read_csv(tmp_path / "tables" / "comparison.csv")) == 0
    assert len(pd.read_csv(tmp_path / "tables" / "items.csv")) > 0


def test_networks_that_diverged_are_left_out_by_name(
    digits: Dataset, small: Recipe, tmp_path: Path
) -> None:
    wild = small.replace(name="wild", optimizer={"class": "SGD", "learning_rate": 1e30}, loss="mse")
    recipes = [small, small.replace(name="longer", epochs=3), wild]
    with mlplab.run(recipes, digits, 2, path=tmp_path / "wild.study") as study:
        compared = Compared(study)
        assert compared.left_out == ["wild"]
        assert compared.limits == ["wild is left out: fewer than two runs are there to compare."]
        assert list(compared.right) == ["small", "longer"]


def test_seeds_added_until_decided_need_their_own_comparison(
    digits: Dataset, small: Recipe, tmp_path: Path
) -> None:
    study, found = mlplab.run_until_decided(
        [small, small.replace(name="longer", epochs=8)],
        digits,
        path=tmp_path / "auto.study",
        max_seeds=5,
    )
    with study:
        warned = text_of(write_report(study, tmp_path / "report", dataset=digits))
        kept = text_of(write_report(study, tmp_path / "report", dataset=digits, comparison=found))
    warning = "The verdicts here count all runs in one look, and are wrong more often than they say"
    assert warning in warned
    assert warning not in kept
    assert found.pairs[0].sentence() in kept
    assert all(note in kept for note in found.notes)


def test_outputs_that_are_no_probabilities_have_no_calibration_and_the_page_says_why(
    digits: Dataset, small: Recipe, sigmoid: Recipe, tmp_path: Path
) -> None:
    reason = "sigmoid. Calibration is about probabilities, which are 0 or more and sum to 1"
    with mlplab.run([small, sigmoid], digits, 2, path=tmp_path / "both.study") as study:
        text = text_of(write_report(study, tmp_path / "both", dataset=digits))
        assert list(Compared(study).calibrations) == ["small"]
    assert f"Left out: {reason}" in text
    table = pd.read_csv(tmp_path / "both" / "tables" / "calibration.csv")
    assert set(table.recipe) == {"small"}
    with mlplab.run(sigmoid, digits, 2, path=tmp_path / "alone.study") as study:
        text = text_of(write_report(study, tmp_path / "alone"))
    assert f"Left out: {reason}" in text
    assert "with 95 % intervals over seeds" not in text


def test_costs_are_shown_and_unequal_ones_are_said(compared: Compared) -> None:
    view = differences_section(compared)
    assert [row["parameters"] for row in view["costs"]] == ["1,210", "1,210"]
    assert [row["operations"] for row in view["costs"]] == ["1,184", "1,184"]  # 64 * 16 + 16 * 10
    ratio = compared.costs.seconds.max() / compared.costs.seconds.min()
    assert bool(view["warnings"]) == (ratio > 3)


def test_items_are_those_counted_by_loops(compared: Compared, study: Study) -> None:
    small, longer = study.outcomes("small"), study.outcomes("longer")
    n_test = len(study.labels)
    told = [i for i in range(n_test) if longer[:, i].sum() >= 2 and small[:, i].sum() <= 1]
    assert sorted(only_one(compared, "longer", "small").test_index) == told
    never = [i for i in range(n_test) if not small[:, i].any() and not longer[:, i].any()]
    assert sorted(nobody(compared).test_index) == never
    chance = [i for i in range(n_test) if 0 < small[:, i].sum() < 3 or 0 < longer[:, i].sum() < 3]
    assert sorted(luck(compared).test_index) == chance


def test_pictures_are_of_the_closest_pairs_and_the_page_says_so(
    digits: Dataset, small: Recipe, tmp_path: Path
) -> None:
    recipes = [small.replace(name=f"e{n}", epochs=n) for n in (1, 2, 4, 8)]
    with mlplab.run(recipes, digits, 2, path=tmp_path / "four.study") as study:
        found = study.compare()
        text = text_of(write_report(study, tmp_path / "report", dataset=digits))
    closest = sorted(found.pairs, key=lambda pair: abs(pair.difference))[:3]
    shown = {path.stem for path in (tmp_path / "report" / "figures").glob("*-only-?.png")}
    pairs = {f"{pair.a}-and-{pair.b}" for pair in closest}
    assert {name.rpartition("-only-")[0] for name in shown} == pairs
    assert "for the 3 pairs with the closest scores, of 6" in text


def test_answers_of_items_are_those_of_the_runs_named(compared: Compared) -> None:
    for row in only_one(compared, "longer", "small").itertuples():
        given = dict(part.rsplit(" x ", 1) for part in row.answers.split(", "))
        assert sum(map(int, given.values())) == 3
        assert int(given.get(row.truth, 0)) <= 1
    for row in nobody(compared).itertuples():
        given = dict(part.rsplit(" x ", 1) for part in row.answers.split(", "))
        assert sum(map(int, given.values())) == 6
        assert row.truth not in given


def test_items_table_has_every_group(compared: Compared, report_folder: Path) -> None:
    table = items_table(compared)
    assert set(table.group) == {"told apart", "always wrong", "seed-dependent"}
    told = table[table.group == "told apart"]
    assert set(zip(told.right, told.wrong, strict=True)) <= {
        ("small", "longer"),
        ("longer", "small"),
    }
    read = pd.read_csv(report_folder / "tables" / "items.csv")
    assert read.test_index.tolist() == table.test_index.tolist()


def test_disputed_images_of_mnist_are_marked_and_left_out(
    mnist: Dataset, small: Recipe, tmp_path: Path
) -> None:
    with mlplab.run(small.replace(epochs=1), mnist, 2, path=tmp_path / "mnist.study") as study:
        compared = Compared(study, mnist)
        right = study.outcomes("small")
        text = text_of(write_report(study, tmp_path / "report", dataset=mnist))
        table, rows = compared.without_disputed, nobody(compared)
    assert len(mnist.disputed) == 15
    kept = np.setdiff1d(np.arange(10_000), mnist.disputed)
    assert table is not None
    assert_allclose(table.without, right[:, kept].mean())
    assert set(rows[rows.disputed].test_index) == set(rows.test_index) & set(mnist.disputed)
    assert rows.disputed.any()
    assert "without the 15 whose labels are disputed" in text
    assert f"{100 * right.mean():.2f} {100 * right[:, kept].mean():.2f}" in text


def test_calibration_agrees_with_scikit_learn_on_real_answers(
    compared: Compared, study: Study, report_folder: Path
) -> None:
    p = study.probabilities("longer").astype(float)
    scores = [brier_score_loss(study.labels, one, labels=range(10), scale_by_half=False)
              for one in p / p.sum(axis=2, keepdims=True)]  # fmt: skip
    assert_allclose(compared.calibrations["longer"].brier.values, scores, rtol=2e-3)
    read = pd.read_csv(report_folder / "tables" / "calibration.csv").set_index(["recipe", "seed"])
    assert_allclose(read.brier_score["longer"], compared.calibrations["longer"].brier.values)
    text = text_of(report_folder / "report.html")
    assert f"longer 3 {compared.calibrations['longer'].error.mean:.4f}" in text


def test_page_counts_its_own_looks(study_file: Path, tmp_path: Path) -> None:
    with Study(study_file, command="mlplab report digits.study") as study:
        before = len(study.looks())
        text = text_of(write_report(study, tmp_path))
        view = looks_section(study)
    assert view["n"] > before
    assert f"has counted {view['n']} looks at test scores" in text
    assert "mlplab report digits.study" in text
    assert "The validation data was the test set: training was watched on it" in text


def test_sources_of_variation_are_left_out_where_none_was_varied(
    compared: Compared, report_folder: Path
) -> None:
    assert variation_section(compared) == []
    assert "Sources of variation" not in text_of(report_folder / "report.html")


def test_sources_of_variation_that_were_varied_are_shown(
    digits: Dataset, small: Recipe, tmp_path: Path
) -> None:
    path = tmp_path / "varied.study"
    for vary in ("init", "order", "all"):
        mlplab.run(small, digits, 3, path=path, vary=vary).close()
    with Study(path) as study:
        page = write_report(study, tmp_path / "report", dataset=digits)
        variation = study.variation().set_index("vary")
        rows = {row["source"]: row for row in variation_section(Compared(study))}
        accuracies = study.frame().test_accuracy
    assert list(rows) == ["initial weights", "order of the examples", "all together"]
    assert rows["all together"]["sd"] == f"{100 * accuracies.std():.3f}"
    text = text_of(page)
    share = variation.sd["init"] ** 2 / variation.sd["all"] ** 2
    assert f"small initial weights 3 {100 * variation['mean']['init']:.3f} %" in text
    assert f"{100 * variation.sd['init']:.3f} {100 * share:.0f} %" in text
    assert (tmp_path / "report" / "figures" / "variation.svg").exists()
    assert len(pd.read_csv(tmp_path / "report" / "tables" / "variation.csv")) == 3


def test_tables_can_be_made_of_every_study(diverged_file: Path, lone_file: Path) -> None:
    for path in (diverged_file, lone_file):
        with Study(path) as study:
            tables = {name: make(Compared(study)) for name, make in COMPARED_TABLES.items()}
        assert len(tables["items"])
        assert re.match("recipe", " ".join(tables["calibration"].columns))
