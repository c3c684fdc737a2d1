"""Comparisons of real runs: as comparing their scores by hand, or refused with a reason."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mlplab
from mlplab import CompareError, Dataset, Recipe, Study, StudyError
from mlplab.study import compare_studies
from mlplab.study.comparing import cross_entropy
from mlplab.study.terms import unequal


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, digits: Dataset, small: Recipe) -> Path:
    """Two recipes, three seeds; a third recipe that always diverges, a fourth with one seed."""
    path = tmp_path_factory.mktemp("comparing") / "first.study"
    longer = small.replace(name="longer", epochs=12)
    wild = small.replace(name="wild", optimizer={"class": "SGD", "learning_rate": 1e30})
    mlplab.run([small, longer], digits, 3, path=path).close()
    mlplab.run(wild, digits, 3, path=path).close()
    return path


@pytest.fixture
def study(made: Path, tmp_path: Path) -> Iterator[Study]:
    with Study(shutil.copy(made, tmp_path)) as study:
        yield study


def test_accuracy_is_compared_as_by_hand(study: Study) -> None:
    scores = {name: study.outcomes(name) for name in ("small", "longer")}
    by_hand = mlplab.compare_scores(scores, "recipes", margin=0.5, level=0.9)
    found = study.compare(margin=0.5, level=0.9)
    assert found.frame().equals(by_hand.frame())
    assert found.pairs[0].verdict == "b better"
    assert study.compare().margin == 0.1
    this_test = study.compare("recipes-this-test", seeds=[0, 2])
    two = {name: y[[0, 2]] for name, y in scores.items()}
    assert this_test.frame().equals(mlplab.compare_scores(two, "recipes-this-test").frame())


def test_loss_is_that_of_the_kept_probabilities(study: Study) -> None:
    found = study.compare(metric="loss")
    assert found.margin == 0.01
    frame = study.frame().query("status == 'done'").groupby("recipe")["test_loss"]
    for recipe in found.recipes:
        assert recipe.mean == pytest.approx(frame.mean()[recipe.name], rel=1e-3)
        assert recipe.sd == pytest.approx(frame.std()[recipe.name], rel=1e-2)


def test_cross_entropy_keeps_its_digits_near_one() -> None:
    """Against the same answers before they were rounded to float16, of a sure model."""
    rng = np.random.default_rng(5)
    logits = rng.normal(size=(2, 500, 10))
    labels = rng.integers(10, size=500)
    logits[:, np.arange(500), labels] += rng.uniform(0, 14, size=500)
    exact = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    truth = -np.log(exact[:, np.arange(500), labels])
    got = cross_entropy(exact.astype(np.float16), labels)
    assert got.shape == (2, 500)
    assert np.allclose(got, truth, rtol=4e-3, atol=1e-6)
    naive = -np.log(exact.astype(np.float16)[:, np.arange(500), labels].astype(float))
    assert np.abs(naive / truth - 1).max() > 0.5  # float16 alone would be far off
    nothing = np.array([[[0.0, 1.0]]], dtype=np.float16)
    assert cross_entropy(nothing, np.array([0]))[0, 0] == pytest.approx(-np.log(1e-7))


def test_models_are_those_of_one_shared_seed(study: Study, digits: Dataset, small: Recipe) -> None:
    later = small.replace(name="later")
    mlplab.run(later, digits, [2, 1, 5], path=study.path).close()
    found = study.compare("models")
    assert "Of each recipe, the model of seed 1." in found.notes
    scores = {
        name: study.outcomes(name)[study.seeds(name).index(1)]
        for name in ("small", "longer", "later")
    }
    assert found.frame().equals(mlplab.compare_scores(scores, "models").frame())
    chosen = study.compare("models", seeds=[2])
    assert "Of each recipe, the model of seed 2." in chosen.notes
    with pytest.raises(CompareError, match="one trained model of each recipe, got 2 seeds"):
        study.compare("models", seeds=[1, 2])
    mlplab.run(small.replace(name="last"), digits, [7], path=study.path).close()
    with pytest.raises(CompareError, match=r"takes a seed that all .* got small: 0, 1, 2; "):
        study.compare("models", recipes=["small", "last"])


def test_what_diverged_is_left_out_and_said(study: Study, digits: Dataset, small: Recipe) -> None:
    found = study.compare()
    assert [recipe.name for recipe in found.recipes] == ["small", "longer"]
    assert "wild: 3 of 3 runs diverged and are left out." in found.notes
    assert "wild: 3 of 3 runs diverged and are left out." in str(found)
    assert "wild: 3 of 3 runs diverged and are left out." in found.to_dict()["notes"]
    with pytest.raises(CompareError, match="wild has no run to compare: none ended"):
        study.compare(recipes=["wild", "small"])


def test_minutes_come_from_measured_seconds(study: Study) -> None:
    (pair,) = study.compare().pairs
    means = study.frame().query("status == 'done'").groupby("recipe")["seconds"].mean()
    assert pair.seconds_a_run == pytest.approx((means["small"], means["longer"]))


def test_one_seed_cannot_carry_a_claim_about_recipes(study: Study) -> None:
    with pytest.raises(CompareError, match="small has one seed: the claim recipes takes at least"):
        study.compare(seeds=[0])
    assert study.compare("models", seeds=[0]).pairs


def test_loss_of_outputs_that_are_no_probabilities_is_refused(
    study: Study, digits: Dataset, sigmoid: Recipe
) -> None:
    mlplab.run(sigmoid, digits, 2, path=study.path).close()
    refused = r"takes probabilities that sum to 1 .* the outputs of sigmoid do not; compare by acc"
    for claim in ("models", "recipes"):
        with pytest.raises(CompareError, match=refused):
            study.compare(claim, metric="loss", recipes=["small", "sigmoid"])
    assert study.compare(recipes=["small", "sigmoid"]).pairs
    assert study.compare(metric="loss", recipes=["small", "longer"]).pairs


def test_a_recipe_without_any_run_is_said(study: Study, digits: Dataset, small: Recipe) -> None:
    """One of which only runs that vary one stream are there."""
    mlplab.run(small.replace(name="later"), digits, 2, path=study.path, vary="order").close()
    found = study.compare()
    assert [recipe.name for recipe in found.recipes] == ["small", "longer"]
    assert "later has no run yet and is left out." in found.notes
    with pytest.raises(CompareError, match="later has no run to compare"):
        study.compare(recipes=["small", "later"])


def test_unknown_names_words_and_seeds_are_refused(study: Study) -> None:
    with pytest.raises(StudyError, match=r"out of small, longer, wild, got 'smal'; did you mean"):
        study.compare(recipes=["smal", "longer"])
    with pytest.raises(CompareError, match=r"claim must be one of .*; did you mean 'recipes'"):
        study.compare("recipe")  # type: ignore[arg-type]
    with pytest.raises(CompareError, match="metric must be one of accuracy, loss"):
        study.compare(metric="auc")  # type: ignore[arg-type]
    with pytest.raises(CompareError, match="small has no run of seed 8, 9"):
        study.compare(seeds=[0, 8, 9])
    with pytest.raises(CompareError, match="at least two recipes, got only 'small'"):
        study.compare(recipes=["small"])


def test_only_runs_in_which_everything_varies_count(
    study: Study, digits: Dataset, small: Recipe
) -> None:
    before = study.compare().frame()
    mlplab.run(small, digits, 5, path=study.path, vary="order").close()
    assert study.compare().frame().equals(before)


def test_a_watched_test_set_is_said(tmp_path: Path, digits: Dataset, small: Recipe) -> None:
    two = [small, small.replace(name="longer", epochs=3)]
    with mlplab.run(two, digits, 2, path=tmp_path / "a.study", validation="test") as study:
        assert any(
            n.startswith("The validation data was the test set") for n in study.compare().notes
        )


def test_studies_are_compared_across_files(
    study: Study, tmp_path: Path, digits: Dataset, small: Recipe
) -> None:
    """Where labels collide, each gets its file's name."""
    two = [small, small.replace(name="mid", epochs=6)]
    with mlplab.run(two, digits, [3, 4], path=tmp_path / "second.study") as second:
        found = compare_studies([study, second])
        names = ["first/small", "longer", "second/small", "mid"]
        assert [recipe.name for recipe in found.recipes] == names
        arrays = [
            study.outcomes("small"),
            study.outcomes("longer"),
            second.outcomes("small"),
            second.outcomes("mid"),
        ]
        scores = dict(zip(names, arrays, strict=True))
        assert found.frame().equals(mlplab.compare_scores(scores).frame())
        some = compare_studies([study, second], recipes=["second/small", "longer"])
        assert [recipe.name for recipe in some.recipes] == ["second/small", "longer"]
        for one in (study, second):
            assert "comparison: recipes, accuracy" in set(one.looks()["seen"])


def test_studies_on_other_data_are_refused(
    study: Study, tmp_path: Path, digits: Dataset, small: Recipe
) -> None:
    fewer = mlplab.Dataset(
        "fewer",
        mlplab.Split(*(part[:400] for part in digits.train)),
        digits.test,
        digits.class_names,
    )
    with (
        mlplab.run(small, fewer, 2, path=tmp_path / "fewer.study") as other,
        pytest.raises(CompareError, match=r"the same data .* on digits \(.*; .* on fewer \("),
    ):
        compare_studies([study, other])


def test_terms_are_parameters_operations_and_seconds(study: Study) -> None:
    terms = study.terms().set_index("recipe")
    assert terms["parameters"]["small"] == 64 * 16 + 16 + 16 * 10 + 10
    assert terms["operations"]["small"] == 64 * 16 + 16 * 10
    seconds = study.frame().query("recipe == 'longer'")["seconds"]
    assert terms["seconds"]["longer"] == pytest.approx(seconds.mean())
    assert pd.isna(terms["seconds"]["wild"])


def test_many_times_the_cost_is_warned_of_and_three_times_is_not() -> None:
    terms = pd.DataFrame(
        {
            "recipe": ["a", "b", "c"],
            "parameters": [10, 30, 31],
            "operations": pd.array([None, 7, 7], dtype="Int64"),
            "seconds": [1.0, 3.0, 0.5],
        }
    )
    assert list(unequal(terms)) == [
        "Not on equal terms: c has 3.1 times the parameters of a.",
        "Not on equal terms: b has 6.0 times the seconds of c.",
    ]
