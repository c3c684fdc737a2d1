"""Seeds added until pairs are decided, on real runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import keras
import pytest

import mlplab
from mlplab import CompareError, Comparison, Dataset, Recipe, Study, UsageError, run_until_decided
from mlplab.compare import Looks, compare_scores


class Watching(mlplab.study.Progress):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.runs: list[tuple[str, int]] = []
        self.notices: list[str] = []

    def on_run_end(self, job: mlplab.study.Job, result: mlplab.study.RunResult) -> None:
        self.runs.append((job.label, job.seed))

    def on_notice(self, text: str) -> None:
        self.notices.append(text)


def decide(
    recipes: list[Recipe], digits: Dataset, path: Path, **how: Any
) -> tuple[Comparison, Watching, list[str]]:
    """Decide, and return the comparison, what was told, and the planned looks that were counted."""
    watching = Watching()
    study, found = run_until_decided(recipes, digits, path=path, progress=watching, **how)
    with study:
        looks = study.looks()
    return found, watching, looks.loc[looks["planned"], "seen"].tolist()


@pytest.fixture
def three(small: Recipe) -> list[Recipe]:
    """One that is far behind, and two that are almost the same."""
    return [
        small.replace(name="behind", epochs=1),
        small.replace(name="one", epochs=10),
        small.replace(name="other", epochs=10, batch_size=63),
    ]


@pytest.fixture
def equals() -> list[Recipe]:
    """Two networks that err about as often, on other examples."""

    def network(hidden: list[keras.layers.Layer]) -> Callable[[Dataset], keras.Model]:
        def build(dataset: Dataset) -> keras.Model:
            way_in = [keras.Input(dataset.input_shape), keras.layers.Flatten()]
            scaled = [*way_in, keras.layers.Rescaling(1 / 16)]
            answer = keras.layers.Dense(dataset.n_classes, activation="softmax")
            layers = [type(layer).from_config(layer.get_config()) for layer in hidden]
            return keras.Sequential([*scaled, *layers, answer])

        return build

    tanh = [keras.layers.Dense(12, activation="tanh")]
    return [
        Recipe("linear", network([]), batch_size=64, epochs=40),
        Recipe("tanh", network(tanh), batch_size=64, epochs=25),
    ]


def test_undecided_recipes_get_more_seeds_and_the_rest_keep_their_verdict(
    tmp_path: Path, digits: Dataset, three: list[Recipe]
) -> None:
    path = tmp_path / "a.study"
    found, watching, looks = decide(three, digits, path, max_seeds=10, margin=0.5)
    counts = {recipe.name: recipe.seeds for recipe in found.recipes}
    assert counts["behind"] < counts["one"] == counts["other"]
    assert {label for label, seed in watching.runs if seed >= counts["behind"]} == {"one", "other"}
    verdicts = {(pair.a, pair.b): pair for pair in found.pairs}
    assert verdicts["behind", "one"].verdict == "b better"
    assert verdicts["behind", "other"].verdict == "b better"

    planned = Looks((3, 5, 10))
    with Study(path) as study:  # each verdict is that of its look, on its first seeds
        for pair in found.pairs:
            seeds = counts["behind"] if pair.a == "behind" else counts["one"]
            scores = {r.name: study.outcomes(r.name)[:seeds] for r in found.recipes}
            at_look = compare_scores(scores, margin=0.5, look=planned.at(seeds)).pairs
            (same,) = [p for p in at_look if (p.a, p.b) == (pair.a, pair.b)]
            assert (same.verdict, same.low, same.high) == (pair.verdict, pair.low, pair.high)
    for number, seen in enumerate(looks, start=1):
        assert seen.startswith(f"comparison: recipes, accuracy, look {number} of 3 planned, at ")
    assert watching.notices[0] == "look 1 of 3 planned, at 3 seeds: 0 of 3 pairs decided"
    n = planned.planned.index(counts["behind"]) + 1
    at = f"look {n} of 3 planned, at {counts['behind']} seeds"
    assert f"behind, one: decided at {at}." in found.notes

    again, watching, _ = decide(three, digits, path, max_seeds=10, margin=0.5)
    assert watching.runs == []
    assert again == found
    mlplab.run(three, digits, 11, path=path).close()  # more seeds than any look takes
    assert decide(three, digits, path, max_seeds=10, margin=0.5)[0].pairs == found.pairs


def test_it_stops_where_no_number_of_seeds_decides(
    tmp_path: Path, digits: Dataset, equals: list[Recipe]
) -> None:
    """359 test examples cannot tell a tenth of a point, whatever the seeds."""
    found, watching, looks = decide(equals, digits, tmp_path / "a.study", max_seeds=30)
    assert found.pairs[0].verdict == "cannot tell yet"
    assert found.pairs[0].seeds_needed is None
    planned = Looks((3, 5, 10, 20, 30))
    with Study(tmp_path / "a.study") as study:
        hopeless = []
        for seeds in planned.planned[: len(looks)]:
            scores = {name: study.outcomes(name)[:seeds] for name in ("linear", "tanh")}
            (pair,) = compare_scores(scores, look=planned.at(seeds)).pairs
            hopeless.append(pair.seeds_needed is None)
    assert 2 <= len(looks) < 5
    assert hopeless[1:] == [False] * (len(looks) - 2) + [True]  # the first look is not believed
    assert len(watching.runs) == 2 * planned.planned[len(looks) - 1]
    assert found.notes[-1] == (
        "linear, tanh: open; no number of seeds decides it on this test set at the present "
        "difference."
    )


def test_it_stops_at_the_most_seeds_and_at_the_most_minutes(
    tmp_path: Path, digits: Dataset, three: list[Recipe]
) -> None:
    path = tmp_path / "a.study"
    found, _, looks = decide(three[1:], digits, path, max_seeds=2, margin=3)
    assert len(looks) == 1
    assert found.notes[-1].startswith(
        "one, other: open after 2 seeds a recipe, the most that were allowed"
    )
    found, watching, looks = decide(three[1:], digits, path, max_minutes=1e-6)
    assert [seed for _, seed in watching.runs] == [2, 2]
    assert found.notes[-1].startswith(
        "one, other: open: the next look, at 5 seeds, would take about 0.1 minutes more, past the "
        "limit of 1e-06"
    )
    assert looks[-1].endswith("look 1 of 5 planned, at 3 seeds")


def test_a_recipe_that_diverges_is_left_out_and_the_rest_go_on(
    tmp_path: Path, digits: Dataset, three: list[Recipe]
) -> None:
    wild = three[0].replace(name="wild", optimizer={"class": "SGD", "learning_rate": 1e30})
    found, watching, _ = decide(
        [wild, *three[:2]], digits, tmp_path / "a.study", max_seeds=5, margin=0.5
    )
    assert [pair.verdict for pair in found.pairs] == ["b better"]
    assert "wild: 3 of 3 runs diverged and are left out." in found.notes
    assert sorted(seed for label, seed in watching.runs if label == "wild") == [0, 1, 2]
    with Study(tmp_path / "a.study") as study:  # in one look, the same verdict is worth less
        assert any("added over planned looks" in note for note in study.compare().notes)
    missing = "at least two recipes, got only 'behind'. wild: 3 of 3 runs diverged and are left out"
    with pytest.raises(CompareError, match=missing):
        run_until_decided([wild, three[0]], digits, path=tmp_path / "b.study")


def test_a_recipe_with_one_run_that_did_not_diverge_is_left_out_and_the_rest_go_on(
    tmp_path: Path, digits: Dataset, three: list[Recipe]
) -> None:
    path = tmp_path / "a.study"
    mlplab.run(three, digits, 3, path=path).close()
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(
            "UPDATE run SET status = 'diverged' WHERE seed > 0 AND recipe_id = "
            "(SELECT id FROM recipe WHERE name = 'other')"
        )
    found, watching, _ = decide(three, digits, path, max_seeds=5, margin=0.5)
    assert [(pair.a, pair.b, pair.verdict) for pair in found.pairs] == [
        ("behind", "one", "b better")
    ]
    assert "other: 2 of 3 runs diverged and are left out." in found.notes
    assert (
        "other: one run that did not diverge cannot show how much seeds differ; left out."
        in found.notes
    )
    assert "other" not in {label for label, _ in watching.runs}


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"max_seeds": 1}, "at least two seeds a recipe, got at most 1"),
        ({"max_minutes": 0}, "expected a limit of more than 0 minutes, got 0"),
        ({"claim": "models"}, "has no use for more seeds"),
        ({"claim": "recipe"}, "did you mean 'recipes'"),
        ({"metric": "los"}, "did you mean 'loss'"),
        ({"margin": -1}, "margin must be 0 or more, got -1"),
        ({"level": 95}, "level must lie between 0 and 1, got 95"),
    ],
)
def test_what_cannot_be_decided_is_refused_before_training(
    how: dict[str, Any], message: str, tmp_path: Path, digits: Dataset, three: list[Recipe]
) -> None:
    with pytest.raises(CompareError, match=message):
        run_until_decided(three, digits, path=tmp_path / "a.study", **how)
    with pytest.raises(CompareError, match="at least two recipes, got only 'behind'"):
        run_until_decided(three[:1], digits, path=tmp_path / "a.study")
    with pytest.raises(UsageError, match="seeds"):
        mlplab.run(three, digits, "auto", path=tmp_path / "a.study")  # type: ignore[arg-type]
    assert not (tmp_path / "a.study").exists()
