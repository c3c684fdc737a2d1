"""`.keras` files: what Keras itself opens, and what is said in them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from mlplab import Dataset
from mlplab.errors import ModelError
from mlplab.export import keras_file
from mlplab.export.source import read_source
from mlplab.export.writing import write_export


def test_keras_opens_an_ensemble_that_takes_bytes(
    kept_study: Path, mnist: Dataset, tmp_path: Path
) -> None:
    source = read_source(f"{kept_study}:bn-dropout-3", ensemble=True)
    path = tmp_path / "mean.keras"
    done = write_export(source, "keras", path)
    model = keras.saving.load_model(path, safe_mode=True)
    x = mnist.test.x[:500]
    each = [one.predict(x, verbose=0) for one in source.models]
    np.testing.assert_allclose(model.predict(x, verbose=0), np.mean(each, axis=0), atol=1e-6)
    about = keras_file.read_facts(path)
    assert about["facts"] == done.facts
    assert about["class_names"] == list(mnist.class_names)


def test_an_exported_model_can_be_exported_again(kept_study: Path, tmp_path: Path) -> None:
    first = tmp_path / "mine.keras"
    write_export(read_source(f"{kept_study}:softmax"), "keras", first)
    again = write_export(read_source(str(first), dataset="mnist"), "numpy", tmp_path / "mine.npz")
    assert again.facts["recipe"] == "mine"
    assert again.parity.labels_that_differ == 0


@pytest.mark.parametrize("content", ["{", "3", "\udcff"])
def test_damaged_facts_are_said(tmp_path: Path, content: str) -> None:
    path = tmp_path / "net.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    assert keras_file.read_facts(path) == {}
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(keras_file.FACTS, content.encode(errors="surrogateescape"))
    with pytest.raises(ModelError, match=r"net.keras: expected .*facts.* got damaged ones: "):
        keras_file.read_facts(path)
