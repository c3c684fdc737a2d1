"""``mlplab compare``, ``run --seeds auto`` and ``run --vary``, as processes."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mlplab
from mlplab import Study

from .conftest import EXAMPLES, Program

SPEC = EXAMPLES / "digits.toml"
CLAIM = "Claim recipes: which recipe is right more often on new examples, whatever the seed?"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of the two networks of examples/digits.toml."""
    spec = mlplab.recipes.load_spec(SPEC)
    path = tmp_path_factory.mktemp("compare") / "digits.study"
    recipes = [recipe.replace(epochs=4) for recipe in spec.recipes]
    mlplab.run(recipes, "digits", 3, path=path).close()
    return path


@pytest.fixture
def study(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(made, tmp_path))


def test_verdicts_terms_and_the_look(mlplab_: Program, study: Path) -> None:
    result = mlplab_("compare", study.name, "--margin", 1)
    lines = result.stdout.splitlines()
    assert lines[0] == CLAIM
    assert max(map(len, lines[1:])) <= 80
    assert result.stderr == ""
    with Study(study) as kept:
        found = kept.compare(margin=1)
        looks = kept.looks()
    assert str(found) in result.stdout
    assert "hidden-64       4,810                     4,736" in result.stdout
    assert "- Not on equal terms: hidden-64 has 7.4 times the parameters" in result.stdout
    assert looks.loc[0, ["command", "seen"]].tolist() == [
        "mlplab compare digits.study --margin 1",
        "comparison: recipes, accuracy",
    ]


def test_a_report_is_a_look(mlplab_: Program, study: Path) -> None:
    mlplab_("report", study.name)
    with Study(study) as kept:
        looks = kept.looks()
    assert set(looks["command"]) == {"mlplab report digits.study"}
    assert "test scores" in set(looks["seen"])


def test_json_and_csv_hold_the_same(mlplab_: Program, study: Path, tmp_path: Path) -> None:
    command = ("compare", study.name, "--metric", "loss", "--json", "--csv", "pairs.csv")
    content = json.loads(mlplab_(*command).stdout)
    assert next(iter(content)) == "question"
    assert content["question"].startswith("Claim recipes: which recipe has the lower loss")
    assert content["margin"] == 0.01
    assert [row["recipe"] for row in content["terms"]] == ["linear", "hidden-64"]
    with Study(study) as kept:
        frame = kept.compare(metric="loss").frame()
    with (tmp_path / "pairs.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert list(row) == list(frame.columns)
    assert row["verdict"] == content["pairs"][0]["verdict"] == frame["verdict"][0]
    assert float(row["low"]) == pytest.approx(frame["low"][0])
    refused = mlplab_(*command, code=2)
    assert "got files that are there: pairs.csv" in refused.stderr
    mlplab_(*command, "--force")


def test_scores_from_files(mlplab_: Program, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    scores = {name: (rng.random((3, 400)) < p) * 1 for name, p in [("a", 0.9), ("b", 0.6)]}
    np.savez(tmp_path / "scores.npz", **scores, c=scores["a"])
    rows = [
        (name, s, i, y[s, i]) for name, y in scores.items() for s in range(3) for i in range(400)
    ]
    table = pd.DataFrame(rows, columns=["recipe", "seed", "example", "score"])
    table.to_csv(tmp_path / "scores.csv", index=False)
    table.to_parquet(tmp_path / "scores.parquet")
    expected = str(mlplab.compare_scores(scores)) + "\n"
    chosen = ("--recipes", "a", "--recipes", "b")
    assert mlplab_("compare", "--from", "scores.npz", *chosen).stdout == expected
    assert mlplab_("compare", "--from", "scores.csv").stdout == expected
    assert mlplab_("compare", "--from", "scores.parquet").stdout == expected
    wrong = mlplab_("compare", "--from", "scores.csv", "--recipes", "A", code=2)
    assert "expected recipes out of a, b, got 'A'; did you mean 'a'?" in wrong.stderr


def test_several_studies(mlplab_: Program, study: Path, tmp_path: Path) -> None:
    shutil.copy(study, tmp_path / "again.study")
    both = mlplab_("compare", "digits.study", "again.study", "--json")
    names = [row["name"] for row in json.loads(both.stdout)["recipes"]]
    assert names == [f"{file}/{name}" for file in ("digits", "again")
                     for name in ("linear", "hidden-64")]  # fmt: skip


def test_a_file_given_twice_counts_once(mlplab_: Program, study: Path) -> None:
    twice = mlplab_("compare", "digits.study", f"./{study.name}", study.resolve(), "--json")
    names = [row["name"] for row in json.loads(twice.stdout)["recipes"]]
    assert names == ["linear", "hidden-64"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "expected study files, or --from with a file of scores, got neither"),
        (("digits.study", "--from", "x.npz"), "got both"),
        (("digits.study", "--claim", "recipe"), "did you mean 'recipes'?"),
        (("digits.study", "--level", "95"), "level must lie between 0 and 1, got 95"),
        (("digits.study", "--recipes", "linear"), "at least two recipes, got only 'linear'"),
        (("no.study",), "expected a study file, found nothing at no.study"),
        (("--from", "no.npz"), "no.npz: there is no such file"),
    ],
)
def test_refusals_are_short_and_exit_2(
    arguments: tuple[str, ...], message: str, mlplab_: Program, study: Path
) -> None:
    result = mlplab_("compare", *arguments, code=2)
    assert message in result.stderr
    assert result.stderr.startswith("mlplab: error: ")
    assert result.stdout == ""


def test_seeds_auto_decides_and_repeats(mlplab_: Program, tmp_path: Path) -> None:
    command = ("run", SPEC, "--epochs", 4, "--seeds", "auto", "--max-seeds", 5, "--margin", 1)
    first = mlplab_(*command)
    assert "note: look 1 of 2 planned, at 3 seeds: " in first.stderr
    assert first.stdout.splitlines()[0] == CLAIM
    assert "- linear, hidden-64: decided at look " in first.stdout
    again = json.loads(mlplab_(*command, "--json", "-q").stdout)
    assert next(iter(again.items())) == ("question", CLAIM)
    assert again["comparison"]["pairs"][0]["verdict"] == "b better"
    assert again["comparison"]["pairs"][0]["sentence"].split()[0] == "hidden-64"
    with Study(tmp_path / "digits.study") as study:
        commands = set(study.looks()["command"])
    assert f"mlplab run {SPEC} --epochs 4 --seeds auto --max-seeds 5 --margin 1" in commands


def test_vary_prints_the_sources_of_variation(mlplab_: Program, study: Path) -> None:
    text = mlplab_("run", SPEC, "--epochs", 4, "--seeds", 3, "--vary", "init").stdout
    assert text.splitlines()[0] == "Test accuracy on digits, by what the seed varies"
    assert "hidden-64  init       3" in text
    content = json.loads(
        mlplab_("run", SPEC, "--epochs", 4, "--seeds", 3, "--vary", "order", "--json", "-q").stdout
    )
    found = {(row["recipe"], row["vary"]): row["runs"] for row in content["variation"]}
    assert found == {(r, v): 3 for r in ("linear", "hidden-64") for v in ("init", "order", "all")}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--seeds", "many"), "expected --seeds to be a number or auto, got 'many'"),
        (("--vary", "spilt"), "got 'spilt'; did you mean 'split'?"),
        (("--seeds", "auto", "--vary", "init"), "a number of seeds with --vary init, got auto"),
        (("--seeds", "auto", "--max-seeds", "1"), "two seeds a recipe, got at most 1"),
        (("--seeds", "2", "--margin", "1"), "--margin goes with --seeds auto, got a number of"),
        (("--max-minutes", "3"), "--max-minutes goes with --seeds auto, got a number of seeds"),
    ],
)
def test_run_refuses_what_cannot_be(
    arguments: tuple[str, ...], message: str, mlplab_: Program, tmp_path: Path
) -> None:
    assert message in mlplab_("run", SPEC, *arguments, code=2).stderr
    assert list(tmp_path.iterdir()) == []
