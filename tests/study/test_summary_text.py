"""The summary that a study keeps of a recipe."""

from __future__ import annotations

import keras

import mlplab
from mlplab import Dataset
from mlplab.recipes import notebook_recipes
from mlplab.study.writer import summary


def test_a_summary_does_not_depend_on_what_was_built_before(mnist: Dataset) -> None:
    recipe = notebook_recipes()[2]
    first = summary(recipe, recipe.model(mnist))
    keras.layers.Dense(1)
    assert summary(recipe, recipe.model(mnist)) == first
    assert 'Model: "bn-dropout-3"' in first
    for name in (
        "│ flatten (Flatten) ",
        "│ dense (Dense) ",
        "│ dense_3 (Dense) ",
        "│ dropout_2 (Dropout) ",
    ):
        assert name in first
    assert {len(line) for line in first.splitlines() if "│" in line} == {80}
    assert "690,255" in first


def test_names_that_were_given_stay(digits: Dataset) -> None:
    def build(dataset: Dataset) -> keras.Model:
        return keras.Sequential(
            [
                keras.Input(dataset.input_shape),
                keras.layers.Flatten(name="rows"),
                keras.layers.Dense(dataset.n_classes, activation="softmax", name="answer"),
            ]
        )

    recipe = mlplab.Recipe("named", build)
    text = summary(recipe, recipe.model(digits))
    assert "│ rows (Flatten) " in text
    assert "│ answer (Dense) " in text
