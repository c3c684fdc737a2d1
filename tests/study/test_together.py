"""Studies under the engine jax: many seeds in one program, each run as if it were alone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import mlplab
from mlplab import Dataset, Recipe, Study
from mlplab.engine import Streams, jax_memory
from mlplab.study import Epoch, Job, Progress, RunResult
from mlplab.study.together import train_together
from tests.compiling import less_optimized
from tests.networks import small_network

layers = keras.layers


@pytest.fixture(scope="module", autouse=True)
def quick_compiling() -> Iterator[None]:
    """Let JAX compile in half the time, for both engines; other tests compile anew."""
    with less_optimized():
        yield


CLOSE: dict[str, Any] = {"rtol": 1e-4, "atol": 1e-5}
FIGURES = ["loss", "accuracy", "val_loss", "val_accuracy"]


class Recorder(Progress):
    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []

    def on_run_begin(self, job: Job) -> None:
        self.told.append(("begin", job.seed))

    def on_epoch_end(self, job: Job, epoch: Epoch) -> None:
        self.told.append((f"epoch {epoch.epoch}", job.seed))

    def on_run_end(self, job: Job, result: RunResult) -> None:
        self.told.append(("end", job.seed))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("together")


@pytest.fixture(scope="module")
def both(digits: Dataset, small: Recipe, folder: Path) -> Iterator[tuple[Study, Study, Recorder]]:
    told = Recorder()
    ours = mlplab.run(
        small, digits, 3, path=folder / "j.study", engine="jax", keep="models", progress=told
    )
    theirs = mlplab.run(
        small, digits, 3, path=folder / "k.study", engine="keras", progress=Recorder()
    )
    with ours, theirs:
        yield ours, theirs, told


def test_the_file_holds_what_it_holds_under_keras(both: tuple[Study, Study, Recorder]) -> None:
    ours, theirs, _ = both
    frame = ours.frame()
    assert frame.columns.tolist() == theirs.frame().columns.tolist()
    assert frame["engine"].tolist() == ["jax"] * 3
    assert frame["status"].tolist() == ["done"] * 3
    np.testing.assert_allclose(ours.history()[FIGURES], theirs.history()[FIGURES], **CLOSE)
    np.testing.assert_allclose(
        ours.probabilities("small"), theirs.probabilities("small"), atol=2e-3
    )
    assert (ours.outcomes("small") != theirs.outcomes("small")).mean() < 0.002
    np.testing.assert_allclose(frame["test_loss"], theirs.frame()["test_loss"], **CLOSE)
    assert ours.looks()["seen"].tolist() == theirs.looks()["seen"].tolist()


def test_seconds_are_shares_of_what_the_runs_took_together(
    both: tuple[Study, Study, Recorder],
) -> None:
    frame, history = both[0].frame(), both[0].history()
    assert frame["seconds"].nunique() == 1
    spent = history.groupby("seed")["seconds"].sum()
    assert (spent.to_numpy() < frame["seconds"].to_numpy()).all()


def test_progress_is_told_seed_by_seed(both: tuple[Study, Study, Recorder]) -> None:
    kinds = ["begin", "epoch 1", "epoch 2", "end"]
    assert both[2].told == [(kind, seed) for kind in kinds for seed in range(3)]


def test_kept_models_give_the_kept_answers(
    both: tuple[Study, Study, Recorder], digits: Dataset
) -> None:
    for seed in range(3):
        path = both[0].model_path("small", seed)
        assert path is not None
        model = keras.models.load_model(path)
        answers = model.predict(digits.test.x, verbose=0)
        np.testing.assert_allclose(answers, both[0].probabilities("small")[seed], atol=1e-3)


def augmented(dataset: Dataset) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input(dataset.input_shape),
            layers.Flatten(),
            layers.Dense(dataset.n_classes, "softmax"),
        ]
    )


def adapting(dataset: Dataset) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input(dataset.input_shape),
            layers.Flatten(),
            layers.Normalization(),
            layers.Dense(dataset.n_classes, "softmax"),
        ]
    )


def test_training_parts_of_their_own(mnist: Dataset, digits: Dataset, folder: Path) -> None:
    few = Dataset(
        "few",
        mlplab.Split(mnist.train.x[:300], mnist.train.y[:300]),
        mlplab.Split(mnist.test.x[:100], mnist.test.y[:100]),
        mnist.class_names,
    )
    averaging = {"class": "SGD", "use_ema": True, "ema_momentum": 0.9}
    noisy = Recipe(
        "noisy", augmented, optimizer=averaging, batch_size=64, epochs=1, augmentation=("noisy",)
    )
    normal = Recipe("normal", adapting, batch_size=64, epochs=1)
    for recipe, dataset in ((noisy, few), (normal, digits)):
        studies = [
            mlplab.run(
                recipe, dataset, 2, path=folder / f"{recipe.name}-{engine}.study", engine=engine
            )
            for engine in ("jax", "keras")
        ]
        ours, theirs = (study.history()[FIGURES].to_numpy() for study in studies)
        np.testing.assert_allclose(ours, theirs, **CLOSE)
        tests = [study.frame()["test_loss"] for study in studies]
        np.testing.assert_allclose(*tests, **CLOSE)
        assert ours[0, 0] != ours[1, 0]
        for study in studies:
            study.close()


def unlucky(dataset: Dataset) -> keras.Model:
    """A network that some seeds start from weights that no float can hold."""
    deviation = 1e25 if random.random() < 0.5 else 0.1  # noqa: S311
    start = keras.initializers.RandomNormal(stddev=deviation)
    return keras.Sequential(
        [
            keras.Input(dataset.input_shape),
            layers.Flatten(),
            layers.Dense(8, "relu", kernel_initializer=start),
            layers.Dense(8, "relu", kernel_initializer=start),
            layers.Dense(dataset.n_classes, kernel_initializer=start),
        ]
    )


def test_a_run_that_diverges_ends_and_the_others_go_on(digits: Dataset, folder: Path) -> None:
    loss = {"class": "CategoricalCrossentropy", "from_logits": True}
    recipe = Recipe("unlucky", unlucky, loss=loss, optimizer="sgd", batch_size=64, epochs=2)
    studies = [
        mlplab.run(recipe, digits, 4, path=folder / f"unlucky-{engine}.study", engine=engine)
        for engine in ("jax", "keras")
    ]
    ours, theirs = (study.frame() for study in studies)
    assert set(ours["status"]) == {"done", "diverged"}
    assert ours["status"].tolist() == theirs["status"].tolist()
    assert ours["epochs"].tolist() == theirs["epochs"].tolist()
    assert set(ours["epochs"]) == {1, 2}
    np.testing.assert_allclose(ours["test_loss"], theirs["test_loss"], **CLOSE)
    for study in studies:
        study.close()


def planned(seeds: list[int], told: list[tuple[int, Epoch]]) -> list[Any]:
    def tell(seed: int, epoch: Epoch) -> None:
        told.append((seed, epoch))

    return [(seed, Streams.of(seed), partial(tell, seed)) for seed in seeds]


def test_runs_that_do_not_fit_wait_for_the_others(digits: Dataset) -> None:
    recipe = Recipe("small", small_network, batch_size=64, epochs=1)
    results, orders = [], []
    for limit in (None, 0):
        told: list[tuple[int, Epoch]] = []
        begun: list[int] = []
        runs = planned([0, 1, 2], told)
        found = train_together(recipe, digits, 143, runs, begun.append, limit)
        first = next(found)
        orders.append(len(begun))
        results.append([first, *found])
    assert orders == [3, 1]  # all at once; one by one, where not even two fit
    for (seed, at_once), (_, waited) in zip(*results, strict=True):
        assert at_once.epochs[0][:-1] == waited.epochs[0][:-1], seed
        assert at_once.test_loss == waited.test_loss
        assert np.array_equal(at_once.probabilities, waited.probabilities)


class Interrupts(Progress):
    def on_epoch_end(self, job: Job, epoch: Epoch) -> None:
        if job.seed == 2:
            raise KeyboardInterrupt


def test_what_ended_before_an_interrupt_stays(
    digits: Dataset, small: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jax_memory, "MOST_ON_CPU", 2)
    path, recipe = tmp_path / "stopped.study", small.replace(epochs=1)
    with pytest.raises(KeyboardInterrupt):
        mlplab.run(recipe, digits, 4, path=path, engine="jax", progress=Interrupts())
    with Study(path) as study:
        assert study.seeds("small") == [0, 1]
    with mlplab.run(recipe, digits, 4, path=path, engine="jax") as study:
        assert study.seeds("small") == [0, 1, 2, 3]
