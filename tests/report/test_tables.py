"""Tables against the study's own figures, counted anew."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import mlplab
from mlplab import Dataset, Study, notebook_recipes
from mlplab.data import Split
from mlplab.report.compared import Compared
from mlplab.report.misreads import answers, confusion, misread
from mlplab.report.tables import TABLES, comparisons, history, layers_of, scores


def test_scores_are_those_of_the_runs(study: Study) -> None:
    table = scores(study).set_index("recipe")
    runs = study.frame().groupby("recipe")
    assert list(table.index) == ["small", "longer"]
    assert_allclose(table.test_accuracy_mean, runs.test_accuracy.mean()[table.index])
    assert_allclose(table.test_accuracy_sd, runs.test_accuracy.std()[table.index])
    assert_allclose(table.test_loss_mean, runs.test_loss.mean()[table.index])
    each = [float(value) for value in table.test_accuracy_values["small"].split()]
    assert_allclose(each, runs.get_group("small").test_accuracy, rtol=1e-5)
    assert table.parameters_total["small"] == 64 * 16 + 16 + 16 * 10 + 10
    assert table.seeds["small"] == "0 1 2"
    assert table.published_test_accuracy.isna().all()


def test_a_single_run_has_no_standard_deviation(lone_file: Path) -> None:
    with Study(lone_file) as study:
        table = scores(study)
    assert table.n_runs.tolist() == [1]
    assert table.test_accuracy_sd.isna().all()


def test_diverged_runs_are_counted_apart(diverged_file: Path) -> None:
    with Study(diverged_file) as study:
        table = scores(study).set_index("recipe")
        others = [make(study) for make in TABLES.values()]
    assert table.n_diverged.tolist() == [0, 2]
    assert table.n_runs.tolist() == [2, 0]
    assert pd.isna(table.test_accuracy_mean["wild"])
    assert all(len(frame) for frame in others)


def test_history_says_whose_figures_validation_shows(study: Study, lone_file: Path) -> None:
    assert set(history(study).validation) == {"test set"}
    with Study(lone_file) as lone:
        assert set(history(lone).validation) == {"200 of the training set"}


def printed(model: keras.Model) -> str:
    """What Keras prints of a model, as wide as studies keep it."""
    lines: list[str] = []
    model.summary(line_length=80, print_fn=lines.append)
    return "\n".join(lines)


@pytest.mark.parametrize("recipe", notebook_recipes(), ids=lambda recipe: recipe.name)
def test_layers_are_read_from_a_summary(recipe: mlplab.Recipe) -> None:
    x, y = np.zeros((10, 28, 28), np.uint8), np.arange(10)
    model = recipe.model(Dataset("blank", Split(x, y), Split(x, y), tuple("0123456789")))
    table = layers_of(printed(model))
    assert table["class"].tolist() == [type(layer).__name__ for layer in model.layers]
    assert table.layer.tolist() == [layer.name for layer in model.layers]
    assert table.parameters.tolist() == [layer.count_params() for layer in model.layers]
    assert table.output_shape.tolist() == [str(layer.output.shape) for layer in model.layers]


def test_layers_of_a_model_that_branches() -> None:
    start = keras.Input((4,))
    joined = keras.layers.Concatenate()([keras.layers.Dense(3)(start), start])
    table = layers_of(printed(keras.Model(start, keras.layers.Dense(2)(joined))))
    assert table["class"].tolist() == ["InputLayer", "Dense", "Concatenate", "Dense"]
    assert table.parameters.tolist() == [0, 15, 0, 16]


def test_answers_agree_with_outcomes(study: Study) -> None:
    given = answers(study, "small")
    assert np.array_equal(given == study.labels, study.outcomes("small"))


def test_confusion_counts_every_test_example_once(study: Study) -> None:
    counts = confusion(study, "small")
    assert_allclose(counts.sum(axis=1), np.bincount(study.labels, minlength=10))
    assert_allclose(np.trace(counts) / len(study.labels), study.outcomes("small").mean())


def test_misread_lists_each_example_that_any_run_misreads(study: Study) -> None:
    table = misread(study, "small")
    n_wrong = (~study.outcomes("small")).sum(axis=0)
    assert sorted(table.test_index) == np.flatnonzero(n_wrong).tolist()
    assert np.array_equal(table.n_misread, n_wrong[table.test_index])
    assert table.n_misread.is_monotonic_decreasing
    assert table.certainty.between(0, 1).all()
    first = table.iloc[0]
    said = [part.rsplit(" x ", 1) for part in first.answers.split(", ")]
    assert sum(int(count) for _, count in said) == 3
    assert first.truth == str(study.labels[first.test_index])


def test_the_pairs_of_every_family_are_rows(study: Study) -> None:
    first = study.compare("recipes")
    second = study.compare("recipes", pairs=[("longer", "small")])
    compared = Compared(study, given_comparison=first, further=[second])
    rows = comparisons(compared)
    assert list(zip(rows.a, rows.b, strict=True)) == [("small", "longer"), ("longer", "small")]
