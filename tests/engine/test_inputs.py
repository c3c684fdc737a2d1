"""What x and y may be, and what reading them costs: no copy of what the core reads as it lies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import scipy.sparse

import mlplab
from mlplab import DataError
from mlplab.data import Dataset
from mlplab.engine import Streams, initial_weights
from mlplab.engine.arrays import features
from mlplab.engine.plan import plan_layers

MIB = 2**20


def digits_model() -> keras.Model:
    with initial_weights(Streams.of(1)):
        layers = [keras.layers.Dense(32, activation="relu"), keras.layers.Dense(10, "softmax")]
        model = keras.Sequential([keras.Input((784,)), keras.layers.Rescaling(1 / 255), *layers])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def pixels(mnist: Dataset, n: int) -> np.ndarray:
    return mnist.train.x[:n].reshape(n, 784)


@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64])
def test_arrays_are_read_where_they_lie(mnist: Dataset, tmp_path: Path, kind: type) -> None:
    plan = plan_layers(digits_model())
    np.save(tmp_path / "x.npy", pixels(mnist, 100).astype(kind))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    for x in (mapped, mapped.reshape(100, 28, 28).reshape(100, 784), mapped[::2], mapped[:, :784]):
        assert np.shares_memory(features(x, plan), mapped)
    wider = np.hstack([mapped, np.ones((100, 1), kind)])  # the targets stand in the last column
    assert np.shares_memory(features(wider[:, :-1], plan), wider)


def test_arrays_that_lie_otherwise_are_put_in_order() -> None:
    plan = plan_layers(digits_model())
    x = np.random.default_rng(0).normal(size=(50, 784))
    swapped = x.astype(">f8")
    packed = np.zeros(50, np.dtype([("flag", "u1"), ("x", "f8", (784,))]))  # odd addresses
    packed["x"] = x
    for form in (np.asfortranarray(x), swapped, packed["x"], x[:, ::-1][:, ::-1]):
        np.testing.assert_allclose(features(form, plan), x, rtol=1e-6)
    flags = x > 0
    assert features(flags, plan).dtype == np.uint8
    assert np.shares_memory(features(flags, plan), flags)


def test_a_sparse_matrix_is_left_as_it_is(mnist: Dataset) -> None:
    canonical = scipy.sparse.csr_array(pixels(mnist, 20).astype(np.float32))
    doubled = scipy.sparse.csr_array(
        (np.ones(4), [3, 1, 1, 0], [0, 3, 4]), shape=(2, 784)
    )  # unsorted, and (0, 1) twice
    plan = plan_layers(digits_model())
    data, indices, _ = features(canonical, plan)
    assert np.shares_memory(data, canonical.data)
    assert np.shares_memory(indices, canonical.indices)
    data, indices, _ = features(doubled, plan)
    assert (data.tolist(), indices.tolist()) == ([2, 1, 1], [1, 3, 0])
    assert doubled.indices.tolist() == [3, 1, 1, 0]


@pytest.mark.parametrize("engine", ["native", "keras"])
def test_plain_lists_are_numbers(engine: str) -> None:
    def trained(x: object, y: object) -> keras.Model:
        with initial_weights(Streams.of(1)):
            model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        options = {"epochs": 3, "verbose": 0, "seed": 0, "engine": engine}
        mlplab.fit(model, x, y, validation_data=(x, y), **options)
        return model

    x, y = [[0, 1.5], [1, 0], [2, 2]], [[1], [0], [2]]
    by_lists, by_arrays = trained(x, y), trained(np.array(x), np.array(y))
    np.testing.assert_array_equal(by_lists.get_weights()[0], by_arrays.get_weights()[0])
    np.testing.assert_array_equal(
        mlplab.predict(by_lists, x, engine=engine),
        mlplab.predict(by_arrays, np.array(x), engine=engine),
    )
    assert mlplab.evaluate(by_lists, x, y) == mlplab.evaluate(by_arrays, np.array(x), np.array(y))
    with pytest.raises(DataError, match="expected x as lists of one length, got lists of diff"):
        mlplab.predict(by_lists, [[0, 1], [1]])


LIMITED = """
import resource, sys
import numpy as np
import mlplab
from tests.engine.test_inputs import MIB, digits_model

def private_bytes():
    [line] = [line for line in open("/proc/self/status") if line.startswith("VmData")]
    return 1024 * int(line.split()[1])

x = np.load(sys.argv[1], mmap_mode="r")
y = np.load(sys.argv[2])
options = {"batch_size": 100, "verbose": 0, "seed": 0, "engine": "native"}
mlplab.fit(digits_model(), x[:500], y[:500], **options)  # what starts once has started
limit = private_bytes() + 64 * MIB
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
model = digits_model()
history = mlplab.fit(model, x, y, **options, validation_split=0.1)
assert history.history["val_accuracy"][0] > 0.9, history.history
assert mlplab.predict(model, x, engine="native").shape == (len(x), 10)
try:
    np.asarray(x, np.float32).copy()
except MemoryError:
    print("a copy does not fit")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA counts private memory on Linux")
def test_a_file_larger_than_the_memory_allowed_is_trained_on(
    mnist: Dataset, tmp_path: Path
) -> None:
    shape = (len(mnist.train.x), 784)
    x = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float64, shape)
    for rows in np.array_split(np.arange(len(x)), 20):
        x[rows] = mnist.train.x[rows].reshape(len(rows), 784)
    assert x.nbytes > 300 * MIB
    np.save(tmp_path / "y.npy", mnist.train.y)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, tmp_path / "x.npy", tmp_path / "y.npy"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "a copy does not fit\n"
