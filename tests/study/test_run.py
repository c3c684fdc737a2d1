"""``mlplab.run``: what is missing, and nothing else, into one study file."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

import mlplab
from mlplab import DataError, Dataset, Recipe, Study, UsageError
from mlplab.engine import Streams
from mlplab.study import Job, Progress, RunResult, train, writer
from tests.networks import small_network


class Recorder(Progress):
    def __init__(self) -> None:
        self.jobs: list[tuple[str, int]] = []
        self.notices: list[str] = []

    def on_run_end(self, job: Job, result: RunResult) -> None:
        self.jobs.append((job.label, job.seed))

    def on_notice(self, text: str) -> None:
        self.notices.append(text)


@pytest.fixture(scope="module")
def study(digits: Dataset, small: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Study:
    path = tmp_path_factory.mktemp("study") / "digits.study"
    return mlplab.run(
        [small, small.replace(name="longer", epochs=3)], digits, 3, path=path, keep="models"
    )


def same_results(left: Study, right: Study, label: str) -> None:
    """Every figure of the runs but the seconds is the same, bit for bit."""
    timeless = ["recipe", "seed", "epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
    histories = [study.history() for study in (left, right)]
    ours, theirs = (history[history["recipe"] == label][timeless] for history in histories)
    pd.testing.assert_frame_equal(
        ours.reset_index(drop=True), theirs.reset_index(drop=True), check_exact=True
    )
    assert np.array_equal(left.probabilities(label), right.probabilities(label))


def test_frame_has_a_row_a_run(study: Study) -> None:
    frame = study.frame()
    assert frame[["recipe", "seed"]].to_numpy().tolist() == [
        [label, seed] for label in ("small", "longer") for seed in range(3)
    ]
    assert set(frame["status"]) == {"done"}
    assert frame["epochs"].tolist() == [2, 2, 2, 3, 3, 3]
    assert (frame["seconds"] > 0).all()


def test_history_has_a_row_an_epoch(study: Study) -> None:
    history = study.history()
    assert len(history) == 3 * 2 + 3 * 3
    assert history["epoch"].min() == 1
    assert np.isfinite(history[["loss", "accuracy", "val_loss", "val_accuracy", "seconds"]]).all(
        axis=None
    )


def test_scores_are_those_of_the_kept_models(study: Study, digits: Dataset) -> None:
    x, y = digits.test
    for place, seed in enumerate(study.seeds("small")):
        path = study.model_path("small", seed)
        assert path is not None
        answers = keras.saving.load_model(path).predict(x, verbose=0)
        np.testing.assert_allclose(study.probabilities("small")[place], answers, atol=1e-3)
        assert np.array_equal(study.outcomes("small")[place], answers.argmax(axis=1) == y)
        row = study.frame().query("recipe == 'small' and seed == @seed").iloc[0]
        assert row["test_accuracy"] == np.mean(answers.argmax(axis=1) == y)
        true_class = answers[np.arange(len(y)), y]
        assert row["test_loss"] == pytest.approx(-np.log(true_class).mean(), rel=1e-5)


def test_labels_and_dataset_are_in_the_file(study: Study, digits: Dataset) -> None:
    assert np.array_equal(study.labels, digits.test.y)
    assert study.dataset["fingerprint"] == digits.fingerprint
    assert study.validation == 143  # a tenth of the 1,437 training examples: fewer than 5,000
    assert study.environments[0]["backend"] == keras.backend.backend()


def test_the_same_call_again_runs_nothing(study: Study, digits: Dataset, small: Recipe) -> None:
    recorder = Recorder()
    mlplab.run(small, digits, 3, path=study.path, progress=recorder).close()
    assert recorder.jobs == []


def test_only_what_is_missing_runs(digits: Dataset, small: Recipe, tmp_path: Path) -> None:
    recorder, path = Recorder(), tmp_path / "a.study"
    mlplab.run(small, digits, [1], path=path).close()
    mlplab.run(small, digits, 3, path=path, progress=recorder).close()
    assert sorted(recorder.jobs) == [("small", 0), ("small", 2)]


def test_a_run_alone_gives_the_bits_it_gives_in_a_study(
    study: Study, digits: Dataset, small: Recipe, tmp_path: Path
) -> None:
    with mlplab.run(small, digits, [0, 1, 2], path=tmp_path / "alone.study") as alone:
        same_results(study, alone, "small")
    streams = Streams.of(2)
    carved = digits.with_validation(143, streams.rng("split"))
    result = train(small, carved, streams)
    assert result.probabilities is not None
    assert np.array_equal(result.probabilities, study.probabilities("small")[2])


def test_seeds_differ_in_weights_and_split(study: Study) -> None:
    first, second, third = study.probabilities("small")
    assert not np.array_equal(first, second)
    assert not np.array_equal(second, third)


def test_a_changed_recipe_is_kept_apart(digits: Dataset, small: Recipe, tmp_path: Path) -> None:
    path, recorder = tmp_path / "a.study", Recorder()
    mlplab.run(small, digits, 1, path=path).close()
    changed = small.replace(epochs=1)
    with mlplab.run(changed, digits, 1, path=path, progress=recorder) as study:
        (label,) = (record.label for record in study.recipes)
        assert label == f"small@{changed.fingerprint(digits)[:6]}"
        assert study.frame()["recipe"].tolist() == ["small", label]
        assert [record.label for record in study.all_recipes] == ["small", label]
        assert recorder.notices == [
            "recipe small is not the one this study holds as small: "
            f"its runs are kept apart, as {label}"
        ]
    with mlplab.run(small, digits, 1, path=path) as study:  # the first one again: it is current now
        assert [record.label for record in study.recipes] == ["small"]


def test_data_and_seeds_of_other_types(small: Recipe, tmp_path: Path) -> None:
    x, y = np.random.default_rng(0).random((40, 8, 8)), np.arange(40) % 2
    np.savez(tmp_path / "own.npz", x=x, y=y)
    with mlplab.run(small, tmp_path / "own.npz", range(3, 5), path=tmp_path / "a.study") as study:
        assert study.seeds("small") == [3, 4]
        assert study.dataset["source"] == str(tmp_path / "own.npz")


def test_one_recipe_under_two_names(digits: Dataset, small: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "a.study"
    mlplab.run([small, small.replace(name="twin")], digits, 1, path=path).close()
    with mlplab.run(small.replace(name="renamed"), digits, 1, path=path) as study:
        assert study.frame()["recipe"].tolist() == ["small", "twin", "renamed"]
        assert len({record.fingerprint for record in study.recipes}) == 1
        for name in ("twin", "renamed"):
            assert np.array_equal(study.probabilities("small"), study.probabilities(name))


def test_kept_models_that_are_gone_are_made_again(
    digits: Dataset, small: Recipe, tmp_path: Path
) -> None:
    path = tmp_path / "a.study"
    with mlplab.run(small, digits, 1, path=path) as study:
        assert study.model_path("small", 0) is None
        before = study.probabilities("small")
    with mlplab.run(small, digits, 1, path=path, keep="models") as study:
        kept = study.model_path("small", 0)
        assert kept is not None
        assert np.array_equal(study.probabilities("small"), before)
    kept.unlink()
    with mlplab.run(small, digits, 1, path=path, keep="models") as study:
        assert study.model_path("small", 0) == kept
        assert len(study.frame()) == 1


def test_a_run_that_diverges_is_recorded_and_the_rest_go_on(
    digits: Dataset, small: Recipe, tmp_path: Path
) -> None:
    def linear(dataset: Dataset) -> keras.Model:
        return keras.Sequential(
            [keras.Input(dataset.input_shape), keras.layers.Flatten(), keras.layers.Dense(10)]
        )

    wild = Recipe(
        "wild", linear, loss="mean_squared_error",
        optimizer={"class": "SGD", "learning_rate": 1e6}, batch_size=64, epochs=9,
    )  # fmt: skip
    with mlplab.run([wild, small], digits, 1, path=tmp_path / "a.study", keep="models") as study:
        wild_run, small_run = study.frame().to_dict("records")
        assert (wild_run["status"], small_run["status"]) == ("diverged", "done")
        assert wild_run["epochs"] < 9
        assert math.isnan(wild_run["test_accuracy"])
        assert study.outcomes("wild").shape == (0, 359)
        assert study.model_path("wild", 0) is None
        last = study.history().query("recipe == 'wild'").iloc[-1]
        assert math.isnan(last["loss"]) or math.isnan(last["val_loss"])


def test_validation_test_watches_the_test_set(
    digits: Dataset, small: Recipe, tmp_path: Path
) -> None:
    with mlplab.run(small, digits, 1, path=tmp_path / "a.study", validation="test") as study:
        assert study.validation == "test"
        last = study.history().iloc[-1]
        assert last["val_accuracy"] == pytest.approx(study.frame()["test_accuracy"][0], abs=1e-6)


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        (0, "seeds: expected a number of seeds above 0, .* got 0"),
        (-3, "seeds: expected a number of seeds above 0, .* got -3"),
        (True, "seeds: expected a number of seeds above 0, .* got True"),
        ([], r"seeds: expected a number of seeds above 0, .* got \[\]"),
        ("12", "seeds: expected a number of seeds above 0, .* got '12'"),
        ([1, 1], "seeds: expected different seeds, got 1 more than once"),
        ([0, -1], r"seeds: expected a number of seeds above 0, .* got \[0, -1\]"),
    ],
)
def test_bad_seeds(
    digits: Dataset, small: Recipe, tmp_path: Path, seeds: object, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        mlplab.run(small, digits, seeds, path=tmp_path / "a.study")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_bad_recipes_and_keep(digits: Dataset, small: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "a.study"
    with pytest.raises(
        UsageError, match="expected recipes with different names, got small more than once"
    ):
        mlplab.run([small, small.replace(epochs=1)], digits, 1, path=path)
    with pytest.raises(UsageError, match="expected at least one recipe, got none"):
        mlplab.run([], digits, 1, path=path)
    with pytest.raises(UsageError, match="expected keep=\"models\" or None, got 'all'"):
        mlplab.run(small, digits, 1, path=path, keep="all")
    assert not list(tmp_path.iterdir())


def test_answers_that_no_file_can_hold_are_refused_before_training(
    digits: Dataset, small: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MOST_BYTES", 359 * 10 * 2 - 1)
    with pytest.raises(DataError, match=r"at most 358 examples, .*, got 359; hold out fewer"):
        mlplab.run(small, digits, 1, path=tmp_path / "a.study")
    assert not (tmp_path / "a.study").exists()


def test_normalization_is_adapted_on_the_training_part(digits: Dataset, tmp_path: Path) -> None:
    def network(dataset: Dataset) -> keras.Model:
        return keras.Sequential(
            [
                keras.Input(dataset.input_shape),
                keras.layers.Flatten(),
                keras.layers.Normalization(),
                keras.layers.Dense(dataset.n_classes, activation="softmax"),
            ]
        )

    recipe = Recipe("normalized", network, batch_size=64, epochs=1)
    carved = digits.with_validation(143, Streams.of(0).rng("split"))
    layer = train(recipe, carved, Streams.of(0)).model.layers[1]
    flat = carved.train.x.reshape(len(carved.train.x), -1)
    np.testing.assert_allclose(np.ravel(layer.mean), flat.mean(axis=0), rtol=1e-4, atol=1e-5)


def test_replace_of_streams_varies_one_source(digits: Dataset, small: Recipe) -> None:
    carved = digits.with_validation(143, Streams.of(0).rng("split"))
    base = train(small, carved, Streams.of(0)).probabilities
    for name in ("init", "order", "dropout"):
        varied = train(small, carved, replace(Streams.of(0), **{name: 1})).probabilities
        assert not np.array_equal(base, varied), name


def test_one_sigmoid_unit_gives_two_columns(digits: Dataset, tmp_path: Path) -> None:
    from mlplab.data import Split

    def even(split: Split) -> Split:
        return Split(split.x, split.y % 2)

    parity = replace(
        digits, train=even(digits.train), test=even(digits.test), class_names=("even", "odd")
    )

    def one_unit(dataset: Dataset) -> keras.Model:
        unit = keras.layers.Dense(1, activation="sigmoid")
        return keras.Sequential([*small_network(dataset).layers[:-1], unit])

    recipe = Recipe("parity", one_unit, loss="binary_crossentropy", batch_size=64, epochs=4)
    with mlplab.run(recipe, parity, 1, path=tmp_path / "a.study") as study:
        assert study.probabilities("parity").shape == (1, 359, 2)
        np.testing.assert_allclose(study.probabilities("parity").sum(axis=2), 1, atol=2e-3)
        last = study.frame()["test_accuracy"][0]
        assert last == study.outcomes("parity").mean()
        assert last > 0.6


@pytest.mark.parametrize("logits", [False, True])
def test_logits_are_kept_as_probabilities(digits: Dataset, tmp_path: Path, logits: bool) -> None:
    def network(dataset: Dataset) -> keras.Model:
        *hidden, answer = small_network(dataset).layers
        activation = None if logits else "softmax"
        return keras.Sequential([*hidden, keras.layers.Dense(answer.units, activation=activation)])

    loss = {"class": "CategoricalCrossentropy", "from_logits": logits}
    recipe = Recipe("answers", network, loss=loss, batch_size=64, epochs=1)
    with mlplab.run(recipe, digits, 1, path=tmp_path / "a.study") as study:
        np.testing.assert_allclose(study.probabilities("answers").sum(axis=2), 1, atol=5e-3)


@pytest.mark.parametrize("engine", ["native", "keras"])
def test_each_engine_trains_a_study(
    digits: Dataset, small: Recipe, tmp_path: Path, engine: str
) -> None:
    path = tmp_path / "a.study"
    with mlplab.run(small.replace(epochs=8), digits, 2, path=path, engine=engine) as study:
        assert set(study.frame()["engine"]) == {engine}
        assert (study.frame()["test_accuracy"] > 0.5).all()


def test_runs_of_both_engines_stand_in_one_study(
    digits: Dataset, small: Recipe, tmp_path: Path
) -> None:
    def convolutional(dataset: Dataset) -> keras.Model:
        return keras.Sequential(
            [
                keras.Input(dataset.input_shape),
                keras.layers.Conv1D(4, 3),
                keras.layers.Flatten(),
                keras.layers.Dense(dataset.n_classes, activation="softmax"),
            ]
        )

    other = Recipe("convolutional", convolutional, batch_size=64, epochs=1)
    with mlplab.run([other, small], digits, 2, path=tmp_path / "a.study") as study:
        engines = study.frame().set_index(["recipe", "seed"])["engine"].to_dict()
    assert engines == {
        ("convolutional", 0): "keras", ("convolutional", 1): "keras",
        ("small", 0): "native", ("small", 1): "native",
    }  # fmt: skip


def test_native_refuses_before_anything_is_trained(digits: Dataset, tmp_path: Path) -> None:
    def network(dataset: Dataset) -> keras.Model:
        layers = [keras.Input(dataset.input_shape), keras.layers.Conv1D(4, 3)]
        answer = keras.layers.Dense(dataset.n_classes, activation="softmax")
        return keras.Sequential([*layers, keras.layers.Flatten(), answer])

    recorder = Recorder()
    with pytest.raises(mlplab.EngineError, match="Conv1D"):
        mlplab.run(
            Recipe("convolutional", network), digits, 1,
            path=tmp_path / "a.study", engine="native", progress=recorder,
        )  # fmt: skip
    assert recorder.jobs == []


def test_a_recipe_is_built_once_and_once_more_for_each_run(
    digits: Dataset, small: Recipe, tmp_path: Path
) -> None:
    built = []

    def counted(dataset: Dataset) -> keras.Model:
        built.append(dataset)
        return small_network(dataset)

    recipe = small.replace(build=counted, epochs=1)
    for n_seeds, n_built in ((2, 1 + 2), (2, 1), (3, 1 + 1)):
        built.clear()
        mlplab.run(recipe, digits, n_seeds, path=tmp_path / "digits.study").close()
        assert len(built) == n_built
