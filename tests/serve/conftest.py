"""Networks trained on the real MNIST, exported, and served."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import mlplab
from mlplab import Dataset, Recipe, notebook_recipes
from mlplab.export.source import read_source
from mlplab.export.writing import write_export
from tests.serve.running import Running, running


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory, mnist: Dataset) -> dict[str, Path]:
    """One network of the notebook's as each kind of file, and two of its seeds together."""
    folder = tmp_path_factory.mktemp("served")
    relu_2 = next(recipe for recipe in notebook_recipes() if recipe.name == "relu-2")
    study = folder / "kept.study"
    mlplab.run(relu_2.replace(epochs=1), mnist, seeds=2, path=study, keep="models").close()
    one = read_source(f"{study}:relu-2:0", dataset="mnist")
    both = read_source(f"{study}:relu-2", ensemble=True, dataset="mnist")
    return {
        "npz": write_export(one, "numpy", folder / "digits.npz").path,
        "onnx": write_export(one, "onnx", folder / "digits.onnx").path,
        "keras": write_export(one, "keras", folder / "digits.keras").path,
        "both": write_export(both, "numpy", folder / "both.npz").path,
        "keras-both": write_export(both, "keras", folder / "both.keras").path,
    }


@pytest.fixture(scope="session")
def service(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The ``.npz`` file, served; at the end there is nothing in its log."""
    with running(files["npz"], log=tmp_path_factory.mktemp("log") / "log") as service:
        yield service
        assert service.errors == ""


@pytest.fixture(scope="session")
def rows(
    small: Recipe, digits: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """A network that takes rows of 64 numbers, and no pictures."""
    folder = tmp_path_factory.mktemp("small")
    splits = {"train": digits.train, "test": digits.test}
    arrays = {f"x_{name}": split.x.reshape(split.n, -1) for name, split in splits.items()}
    labels = {f"y_{name}": split.y for name, split in splits.items()}
    np.savez(folder / "rows.npz", **arrays, **labels)
    dataset = mlplab.load(folder / "rows.npz")
    mlplab.run(small, dataset, seeds=1, path=folder / "small.study", keep="models").close()
    source = read_source(f"{folder / 'small.study'}:small:0")
    file = write_export(source, "numpy", folder / "small.npz").path
    with running(file, log=folder / "log") as service:
        yield service
        assert service.errors == ""
