"""What is exported: the argument read, the seed chosen blindly, the look counted."""

from __future__ import annotations

import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

import mlplab
from mlplab import Dataset, Recipe, Split, Study
from mlplab.errors import ModelError, StudyError, UsageError
from mlplab.export.source import read_source


def test_without_a_seed_it_is_the_lowest_that_is_kept(small_study: Path) -> None:
    source = read_source(f"{small_study}:small")
    assert source.name == "small-seed3"
    assert source.ensemble.facts["seeds"] == [3]
    assert "lowest" in source.ensemble.facts["chosen"]
    assert "chosen" not in read_source(f"{small_study}:small:7").ensemble.facts
    assert read_source(str(small_study)).name == "small-seed3"  # the only recipe


def test_facts_are_those_of_the_study(small_study: Path, digits: Dataset) -> None:
    facts = read_source(f"{small_study}:small:7").ensemble.facts
    with Study(small_study) as study:
        frame, record = study.frame(), study.recipe("small")
    assert facts["scores"]["test_accuracy"] == frame[frame.seed == 7].test_accuracy.item()
    assert facts["recipe_fingerprint"] == record.fingerprint
    assert facts["dataset"] == {"name": "digits", "fingerprint": digits.fingerprint}
    low, high = facts["scores"]["interval"]
    assert 0 < low < facts["scores"]["test_accuracy"] < high < 1


def test_an_ensemble_is_the_mean_of_all_seeds(kept_study: Path, mnist: Dataset) -> None:
    source = read_source(f"{kept_study}:bn-dropout-3", ensemble=True)
    with Study(kept_study) as study:
        mean = study.probabilities("bn-dropout-3").astype(np.float32).mean(axis=0)
        each = study.frame().query("recipe == 'bn-dropout-3'").test_accuracy
    got = source.ensemble.probabilities(mnist.test.x)
    assert np.abs(got - mean).max() < 1e-3  # kept probabilities are float16
    scores = source.ensemble.facts["scores"]
    assert [one["test_accuracy"] for one in scores["each"]] == each.tolist()
    assert scores["mean"] == pytest.approx(each.mean())
    assert scores["test_accuracy"] == (got.argmax(axis=1) == mnist.test.y).mean()


def test_a_kept_model_is_known_by_its_study(small_study: Path) -> None:
    kept = small_study.parent / "small.models" / "small-seed7.keras"
    facts = read_source(str(kept)).ensemble.facts
    assert (facts["recipe"], facts["seeds"]) == ("small", [7])


def test_a_model_of_ones_own_takes_a_dataset(small_study: Path, tmp_path: Path) -> None:
    kept = small_study.parent / "small.models" / "small-seed7.keras"
    model = tmp_path / "mine.keras"
    shutil.copy(kept, model)
    with pytest.raises(UsageError, match=r"mine\.keras: expected --dataset NAME, the data"):
        read_source(str(model))
    with pytest.raises(UsageError, match="expected STUDY:RECIPE with --ensemble, got one model"):
        read_source(str(model), ensemble=True, dataset="digits")
    facts = read_source(str(model), dataset="digits").ensemble.facts
    assert facts["scores"] == {
        **read_source(str(kept)).ensemble.facts["scores"],
        "each": [{"seed": None, "test_accuracy": facts["scores"]["test_accuracy"]}],
    }


@pytest.mark.parametrize(
    ("argument", "ensemble", "error", "text"),
    [
        ("{study}:smal", False, StudyError, "did you mean 'small'?"),
        ("{study}:small:5", False, StudyError, "expected a seed of small out of 0, 3, 7, got 5"),
        ("{study}:small:0", False, StudyError, "got none of small seed 0 beside {study}; "),
        ("{study}:small", True, StudyError, "got none of small seed 0 beside {study}; "),
        ("{study}:small:3", True, UsageError, "which takes all seeds, got seed 3"),
        ("nothing.study:small", False, StudyError, "found nothing at nothing.study"),
        ("nothing.keras", False, ModelError, "no such file"),
        ("", False, UsageError, "expected MODEL.keras or STUDY:RECIPE"),
    ],
)
def test_what_cannot_be_exported(
    small_study: Path, argument: str, ensemble: bool, error: type[Exception], text: str
) -> None:
    with pytest.raises(error) as raised:
        read_source(argument.format(study=small_study), ensemble=ensemble)
    assert text.format(study=small_study) in str(raised.value)


def test_a_study_of_several_recipes_names_them(kept_study: Path) -> None:
    with pytest.raises(UsageError) as raised:
        read_source(str(kept_study))
    choices = f"{kept_study}:softmax, {kept_study}:bn-dropout-3"
    assert str(raised.value) == f"expected one of {choices}, got {kept_study}"


def test_an_export_is_a_look_at_the_test_set(small_study: Path) -> None:
    read_source(f"{small_study}:small:3", command="mlplab export small")
    with Study(small_study) as study:
        last = study.looks().iloc[-1]
    assert last[["command", "seen"]].tolist() == [
        "mlplab export small",
        "test scores of exported networks",
    ]


@pytest.mark.parametrize("logits", [False, True])
def test_two_classes_from_one_output_and_logits_become_probabilities(
    tmp_path: Path, digits: Dataset, logits: bool
) -> None:
    """One output unit is two classes; a loss that takes logits leaves the last function out."""
    parts = [
        Split(part.x[part.y < 2].astype(np.float32), part.y[part.y < 2])
        for part in (digits.train, digits.test)
    ]
    np.savez(
        tmp_path / "two.npz",
        x_train=parts[0].x, y_train=parts[0].y, x_test=parts[1].x, y_test=parts[1].y,
    )  # fmt: skip
    activation = None if logits else "sigmoid"

    def build(dataset: Dataset) -> keras.Model:
        layers = [keras.layers.Flatten(), keras.layers.Dense(1, activation)]
        return keras.Sequential([keras.Input(dataset.input_shape), *layers])

    loss = {"class": "BinaryCrossentropy", "from_logits": logits}
    recipe = Recipe("one", build, loss=loss, epochs=2)
    study_path = tmp_path / "two.study"
    mlplab.run(recipe, tmp_path / "two.npz", seeds=1, path=study_path, keep="models").close()
    source = read_source(f"{study_path}:one")
    with Study(study_path) as study:
        kept = study.probabilities("one")[0].astype(np.float32)
    assert np.abs(source.expected[0] - kept).max() < 1e-3
    got = source.ensemble.probabilities(source.dataset.test.x)
    assert np.abs(got - source.expected[0]).max() < 1e-6
