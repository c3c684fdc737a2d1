"""Mapped data trains to the same bits as in memory, and in memory that does not grow with it."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest

import mlplab
from mlplab import Dataset, EngineError, Recipe
from mlplab.data.lazy import LazyRows
from mlplab.engine import Streams, choose_engine, jax_engine
from mlplab.engine.orders import ByBlocks
from mlplab.recipes import adapt
from tests.memory import bytes_taken

N_ROWS = 6000
SMALL_BLOCK = 2048
HELD: dict[Path, Dataset] = {}
"""The tables in memory, their test splits carved with blocks of the usual size."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables of many values and of few, each also converted."""
    folder, rng = tmp_path_factory.mktemp("mapped"), np.random.default_rng(0)
    for name, filled in (("full", 1.0), ("sparse", 0.3)):
        x = rng.normal(size=(N_ROWS, 40)) * (rng.random((N_ROWS, 40)) < filled)
        frame = pd.DataFrame(x, columns=[f"x{i}" for i in range(40)])
        frame["way"] = np.where(x[:, 0] + x[:, 1] > 0.5, "up", np.where(x[:, 2] > 0, "by", "down"))
        frame.to_parquet(folder / f"{name}.parquet")
        mlplab.convert(folder / f"{name}.parquet", folder / name, target="way", test=500)
        HELD[folder / name] = mlplab.load(folder / f"{name}.parquet", target="way", test=500)
    return folder


def both(folder: Path, name: str) -> tuple[Dataset, Dataset]:
    """The dataset in memory and mapped, with the same validation split."""
    datasets = (HELD[folder / name], mlplab.load(folder / name))
    carved = (d.with_validation(300, np.random.default_rng(1)) for d in datasets)
    return tuple(carved)  # type: ignore[return-value]


def network(dataset: Dataset) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input(dataset.input_shape),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(dataset.n_classes, activation="softmax"),
        ]
    )


def normalized(dataset: Dataset) -> keras.Model:
    """A network that the native engine does not train."""
    return keras.Sequential(
        [
            keras.Input(dataset.input_shape),
            keras.layers.GroupNormalization(4),
            keras.layers.Dense(dataset.n_classes, activation="softmax"),
        ]
    )


def trained(dataset: Dataset, loss: str, **options: Any) -> list[Any]:
    """Everything that training and looking at the test set gives."""
    recipe = Recipe("any", network, loss=loss)
    keras.utils.set_random_seed(0)
    model = recipe.model(dataset)
    splits = [
        (split.x, recipe.targets(split.y, dataset.n_classes)) for split in dataset.splits.values()
    ]
    settings = {"batch_size": 100, "epochs": 2, "verbose": 0, "seed": 3} | options
    history = mlplab.fit(model, *splits[0], validation_data=splits[1], **settings)
    engine = settings.get("engine", "auto")
    scores = mlplab.evaluate(model, *splits[2], engine=engine)
    answers = mlplab.predict(model, splits[2][0], engine=engine)
    return [history.history, scores, answers.tolist(), [w.tolist() for w in model.get_weights()]]


CASES = [
    ("native", 1 << 20, "full", "categorical_crossentropy", True),
    ("native", 1 << 20, "sparse", "sparse_categorical_crossentropy", True),
    ("native", 1 << 20, "full", "categorical_crossentropy", False),
    ("native", SMALL_BLOCK, "full", "categorical_crossentropy", True),
    ("native", SMALL_BLOCK, "sparse", "sparse_categorical_crossentropy", True),
    ("native", SMALL_BLOCK, "full", "categorical_crossentropy", False),
    ("keras", SMALL_BLOCK, "full", "categorical_crossentropy", True),
    ("keras", 1 << 20, "sparse", "sparse_categorical_crossentropy", False),
    ("jax", SMALL_BLOCK, "full", "sparse_categorical_crossentropy", True),
]


@pytest.mark.parametrize(("engine", "block", "name", "loss", "shuffle"), CASES)
def test_the_same_bits(
    engine: str,
    block: int,
    name: str,
    loss: str,
    shuffle: bool,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mlplab.data.splits.BLOCK_ROWS", block)
    monkeypatch.setattr("mlplab.engine.feed.LOT_BYTES", 100_000)
    held, mapped = both(folder, name)
    assert isinstance(mapped.train.x, LazyRows)
    options = {"engine": engine, "shuffle": shuffle}
    assert trained(mapped, loss, **options) == trained(held, loss, **options)


@pytest.mark.parametrize("name", ["full", "sparse"])
def test_blocks_and_lots_change_the_order_and_nothing_else(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Samples as they lie come in one order, whole or in lots: the weights are the same bits."""
    held, _ = both(folder, name)
    options = {"engine": "native", "shuffle": False}
    whole = trained(held, "categorical_crossentropy", **options)
    monkeypatch.setattr("mlplab.data.splits.BLOCK_ROWS", SMALL_BLOCK)
    monkeypatch.setattr("mlplab.engine.feed.LOT_BYTES", 100_000)
    lots = trained(held, "categorical_crossentropy", **options)
    assert lots[3] == whole[3]
    np.testing.assert_allclose(lots[0]["loss"], whole[0]["loss"], rtol=1e-12)


def test_weights_of_samples_and_of_classes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlplab.data.splits.BLOCK_ROWS", SMALL_BLOCK)
    held, mapped = both(folder, "full")
    weight = np.random.default_rng(0).random(held.train.n).astype(np.float32)
    for options in ({"sample_weight": weight}, {"class_weight": {0: 2.0, 2: 0.5}}):
        settings = {"engine": "native", "epochs": 1, **options}
        found = [trained(d, "sparse_categorical_crossentropy", **settings) for d in (held, mapped)]
        assert found[0] == found[1]


@pytest.mark.parametrize("engine", ["native", "keras", "jax"])
def test_a_tail_for_validation(engine: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``validation_split`` of rows to be read is carved unread: only the tail comes into memory."""
    monkeypatch.setattr("mlplab.data.splits.BLOCK_ROWS", SMALL_BLOCK)
    read: list[int] = []
    between = LazyRows.between

    def counted(rows: LazyRows, start: int, stop: int, step: int = 1) -> Any:
        read.append(stop - start)
        return between(rows, start, stop, step)

    monkeypatch.setattr(LazyRows, "between", counted)
    found = []
    for dataset in both(folder, "full"):
        recipe = Recipe("any", network)
        keras.utils.set_random_seed(0)
        model = recipe.model(dataset)
        targets = recipe.targets(dataset.train.y, dataset.n_classes)
        history = mlplab.fit(
            model,
            dataset.train.x,
            targets,
            validation_split=0.1,
            engine=engine,
            epochs=2,
            batch_size=100,
            verbose=0,
            seed=3,
        )
        found.append([history.history, [w.tolist() for w in model.get_weights()]])
    assert found[0] == found[1]
    assert len(found[0][0]["val_loss"]) == 2
    if engine != "jax":  # which takes all of it to its device
        assert max(read) < 0.2 * N_ROWS


def test_a_mapped_validation_split_of_the_test_set(folder: Path) -> None:
    datasets = (HELD[folder / "full"], folder / "full")
    recipe = Recipe("any", network, epochs=1)
    histories = [
        mlplab.run(recipe, d, 1, path=folder / f"{i}.study", validation="test", engine="native")
        for i, d in enumerate(datasets)
    ]
    first, second = (study.history().drop(columns="seconds") for study in histories)
    pd.testing.assert_frame_equal(first, second)
    for study in histories:
        study.close()


def test_a_study_goes_on_where_the_data_is_mapped(folder: Path) -> None:
    recipe, path = Recipe("any", network, epochs=1), folder / "on.study"
    in_memory = HELD[folder / "full"]
    with mlplab.run(recipe, in_memory, [0], path=path) as study:
        assert len(study.frame()) == 1
    with mlplab.run(recipe, folder / "full", [0, 1], path=path) as study:
        assert study.frame().seed.tolist() == [0, 1]
    with mlplab.run(recipe, in_memory, [0, 1], path=folder / "whole.study") as whole:
        assert np.array_equal(whole.probabilities("any"), study_probabilities(path))


def study_probabilities(path: Path) -> Any:
    with mlplab.Study(path) as study:
        return study.probabilities("any")


def test_what_is_larger_than_the_device(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, mapped = both(folder, "full")
    monkeypatch.setattr(jax_engine, "free_bytes", lambda: 1000)
    with pytest.raises(EngineError, match="x takes 1 MB, and the jax engine has all of it on"):
        trained(mapped, "categorical_crossentropy", engine="jax")
    model = Recipe("any", normalized).model(mapped)
    assert choose_engine("auto", model) == "jax"
    assert choose_engine("auto", model, mapped.train.x) == "keras"
    with pytest.raises(EngineError, match="x takes 1 MB"):
        mlplab.run(Recipe("any", network), folder / "full", 1, path=folder / "j", engine="jax")


@pytest.mark.parametrize("n_samples", [2049, 5000, 8191, 8192])
def test_an_order_drawn_by_blocks(n_samples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlplab.data.splits.BLOCK_ROWS", SMALL_BLOCK)
    order = Streams.of(3).order_in_blocks(1, n_samples)
    assert isinstance(order, ByBlocks)
    rows = order.rows(0, n_samples)
    assert np.array_equal(np.sort(rows), np.arange(n_samples))
    cuts = np.random.default_rng(0).integers(0, n_samples, (20, 2))
    assert all(np.array_equal(order.rows(a, b), rows[a:b]) for a, b in np.sort(cuts))
    assert np.array_equal(Streams.of(3).epoch_order(1, n_samples), rows)
    for other in (Streams.of(3).epoch_order(2, n_samples), Streams.of(4).epoch_order(1, n_samples)):
        assert not np.array_equal(other, rows)
    # Neighbours of the order lie far from each other, as they would in a permutation of a block.
    assert np.median(np.abs(np.diff(rows))) > 250


def test_normalization_in_parts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, mapped = both(folder, "full")
    models = [
        keras.Sequential([keras.Input((40,)), keras.layers.Normalization()]) for _ in range(2)
    ]
    adapt(models[0], mapped.train.x)
    monkeypatch.setattr("mlplab.data.splits.BLOCK_ROWS", SMALL_BLOCK)
    monkeypatch.setattr("mlplab.data.lazy.PART_BYTES", 50_000)
    adapt(models[1], mapped.train.x)
    x = np.asarray(mapped.train.x, np.float64)
    for model in models:
        mean, variance = (np.ravel(v) for v in (model.layers[0].mean, model.layers[0].variance))
        np.testing.assert_allclose(mean, x.mean(axis=0), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(variance, x.var(axis=0), rtol=1e-5)


def test_rows_are_an_array_to_those_who_ask(folder: Path) -> None:
    held, mapped = both(folder, "full")
    for rows, array in ((mapped.train.x, held.train.x), (mapped.validation.y, held.validation.y)):
        assert (rows.shape, rows.dtype, rows.ndim, rows.size) == (
            *(array.shape, array.dtype, array.ndim, array.size),
        )
        assert np.array_equal(np.asarray(rows), array)
        assert np.array_equal(pickle.loads(pickle.dumps(rows)), array)  # noqa: S301
        for index in (3, -1, slice(5, 50, 7), slice(None, None, -1), [3, -2], array[:, ...] == 0):
            if not isinstance(index, np.ndarray) or index.ndim == 1:
                assert np.array_equal(rows[index], array[index])
    assert np.array_equal(mapped.train.x[2:9, 3], held.train.x[2:9, 3])
    with pytest.raises(IndexError):
        mapped.train.x[len(mapped.train.x)]
    with pytest.raises(ValueError, match="read-only"):
        mapped.test.x[0] = 1


MEASURED = """
import sys
from pathlib import Path
import keras
import mlplab
from benchmarks.memory import private_memory, watching
from mlplab.data import splits
from mlplab.engine import feed

splits.BLOCK_ROWS, feed.LOT_BYTES = 1 << 16, 1 << 20

def network(dataset):
    layers = [keras.Input(dataset.input_shape), keras.layers.Dense(16, activation="relu")]
    return keras.Sequential([*layers, keras.layers.Dense(2, activation="softmax")])

folder = Path(sys.argv[1])
recipe = mlplab.Recipe("any", network, batch_size=1024, epochs=1)
small = mlplab.load(folder / "small")
mlplab.run(recipe, small, 1, path=folder / (sys.argv[2] + "-warm.study")).close()
begun = private_memory()
with watching(every=0.002) as peak:
    mlplab.run(recipe, folder / sys.argv[2], 1, path=folder / (sys.argv[2] + ".study")).close()
print(peak() - begun)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells private memory from mapped files")
def test_memory_does_not_grow_with_the_data(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, rows in (("small", 5_000), ("200k", 200_000), ("1M", 1_000_000)):
        frame = pd.DataFrame(rng.random((rows, 8), np.float32), columns=list("abcdefgh"))
        frame["way"] = (frame.a > 0.5).astype(int)
        frame.to_parquet(tmp_path / f"{name}.parquet")
        mlplab.convert(tmp_path / f"{name}.parquet", tmp_path / name, target="way", test=2000)
    peaks = [bytes_taken(MEASURED, tmp_path, name) for name in ("200k", "1M")]
    # The arrays differ by 32 MB, their labels by 6.4 MB, one order of them by another 6.4 MB.
    assert peaks[1] - peaks[0] < 4 << 20, peaks
