"""Those who train on a folder of mapped arrays, each in a process of its own.

``python -m benchmarks.large_peers NAME FOLDER EPOCHS`` trains and prints one JSON object: rows a
second in the last epoch, and the most private memory (RssAnon) that the process held. The name
``convert`` converts a table instead: ``convert TABLE FOLDER N_TEST``.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.memory import watching

WIDTHS, BATCH_SIZE, SEED = (300, 300), 512, 0
Seconds = list[float]


def opened(folder: Path) -> tuple[Any, Any]:
    """Return the mapped training arrays, as anyone opens them."""
    return tuple(np.load(folder / f"{name}_train.npy", mmap_mode="r") for name in "xy")


def keras_model(n_inputs: int) -> Any:
    """Return the network, compiled."""
    import keras

    hidden = [keras.layers.Dense(width, activation="relu") for width in WIDTHS]
    layers = [keras.Input((n_inputs,)), *hidden, keras.layers.Dense(2, activation="softmax")]
    model = keras.Sequential(layers)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def clock() -> Any:
    """Return a Keras callback that keeps the seconds of each epoch."""
    import keras

    class Clock(keras.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.seconds: Seconds = []

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.begun = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.seconds.append(time.perf_counter() - self.begun)

    return Clock()


def mlplab_native(folder: Path, epochs: int) -> Seconds:
    """Train as a study does: on rows of the mapped file that a validation split leaves."""
    import mlplab
    from mlplab.data import default_validation

    dataset, watch = mlplab.load(folder), clock()
    n_held_out = default_validation(dataset.train.n)
    x, y = dataset.with_validation(n_held_out, np.random.default_rng(SEED)).train
    labels = mlplab.Recipe("any", keras_model, "sparse_categorical_crossentropy").targets(y, 2)
    options = {"batch_size": BATCH_SIZE, "epochs": epochs, "verbose": 0, "seed": SEED}
    model = keras_model(x.shape[1])
    mlplab.fit(model, x, labels, callbacks=[watch], engine="native", **options)
    return watch.seconds


def keras_arrays(folder: Path, epochs: int) -> Seconds:
    """Hand the mapped arrays to ``Model.fit``."""
    x, y = opened(folder)
    return _keras(x.shape[1], epochs, x=x, y=y, batch_size=BATCH_SIZE)


def keras_dataset(folder: Path, epochs: int) -> Seconds:
    """Hand batches to ``Model.fit`` through a PyDataset that shuffles rows each epoch."""
    import keras

    x, y = opened(folder)

    class Batches(keras.utils.PyDataset):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.rng = np.random.default_rng(SEED)
            self.on_epoch_end()

        def __len__(self) -> int:
            return -(-len(x) // BATCH_SIZE)

        def __getitem__(self, step: int) -> tuple[Any, Any]:
            rows = self.order[step * BATCH_SIZE : (step + 1) * BATCH_SIZE]
            return x[rows], y[rows]

        def on_epoch_end(self) -> None:
            self.order = self.rng.permutation(len(x))

    return _keras(x.shape[1], epochs, x=Batches())


def keras_tf_data(folder: Path, epochs: int) -> Seconds:
    """Hand batches to ``Model.fit`` through tf.data: slices, a shuffle buffer, prefetching."""
    import tensorflow as tf

    x, y = opened(folder)
    data = tf.data.Dataset.from_tensor_slices((x, y))
    data = data.shuffle(100_000, seed=SEED).batch(BATCH_SIZE).prefetch(tf.data.AUTOTUNE)
    return _keras(x.shape[1], epochs, x=data)


def _keras(n_inputs: int, epochs: int, **data: Any) -> Seconds:
    watch = clock()
    keras_model(n_inputs).fit(**data, epochs=epochs, verbose=0, callbacks=[watch])
    return watch.seconds


def torch_rows(folder: Path, epochs: int) -> Seconds:
    """Train from a DataLoader over a map-style Dataset, a row at a time."""
    return _torch(folder, epochs, whole_batches=False)


def torch_batches(folder: Path, epochs: int) -> Seconds:
    """Train from a DataLoader whose sampler asks for a whole batch at a time."""
    return _torch(folder, epochs, whole_batches=True)


def _torch(folder: Path, epochs: int, *, whole_batches: bool) -> Seconds:
    import torch
    from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler

    x, y = opened(folder)

    class Mapped(Dataset):  # type: ignore[misc]
        def __len__(self) -> int:
            return len(x)

        def __getitem__(self, rows: Any) -> tuple[Any, Any]:
            return torch.from_numpy(np.array(x[rows])), torch.as_tensor(np.array(y[rows]))

    torch.manual_seed(SEED)
    data, widths = Mapped(), (x.shape[1], *WIDTHS)
    loader = DataLoader(data, BATCH_SIZE, shuffle=True)
    if whole_batches:
        batches = BatchSampler(RandomSampler(data), BATCH_SIZE, drop_last=False)
        loader = DataLoader(data, sampler=batches, batch_size=None)
    hidden = [
        torch.nn.Sequential(torch.nn.Linear(*pair), torch.nn.ReLU()) for pair in pairwise(widths)
    ]
    model = torch.nn.Sequential(*hidden, torch.nn.Linear(widths[-1], 2))
    optimizer, loss = torch.optim.Adam(model.parameters()), torch.nn.CrossEntropyLoss()
    seconds: Seconds = []
    for _ in range(epochs):
        begun = time.perf_counter()
        for rows, labels in loader:
            optimizer.zero_grad()
            loss(model(rows), labels).backward()
            optimizer.step()
        seconds.append(time.perf_counter() - begun)
    return seconds


PEERS: dict[str, Callable[[Path, int], Seconds]] = {
    "mlplab, native": mlplab_native,
    "Keras on JAX, arrays": keras_arrays,
    "Keras on JAX, PyDataset": keras_dataset,
    "Keras on JAX, tf.data": keras_tf_data,
    "PyTorch, DataLoader of rows": torch_rows,
    "PyTorch, DataLoader of batches": torch_batches,
}


def converted(table: Path, folder: Path, n_test: int) -> Seconds:
    """Convert a table."""
    import mlplab

    begun = time.perf_counter()
    mlplab.convert(table, folder, target="label", test=n_test, progress=False)
    return [time.perf_counter() - begun]


PARTS = ("train", "test")


def rows_of(name: str, n_train: int, n_test: int) -> int:
    """Return how many rows are read: ours leaves a validation split out."""
    if name == "convert":
        return n_train + n_test
    if PEERS[name] is not mlplab_native:
        return n_train
    from mlplab.data import default_validation

    return n_train - default_validation(n_train)


def main() -> None:
    """Do what the command line names, and tell of it."""
    name, path, *rest = sys.argv[1:]
    with watching() as peak:
        if name == "convert":
            seconds, folder = converted(Path(path), Path(rest[0]), int(rest[1])), Path(rest[0])
        else:
            seconds, folder = PEERS[name](Path(path), int(rest[0])), Path(path)
    rows = rows_of(name, *(len(np.load(folder / f"y_{part}.npy", mmap_mode="r")) for part in PARTS))
    print(json.dumps({"rows_a_second": rows / seconds[-1], "private": peak()}))


if __name__ == "__main__":
    main()
