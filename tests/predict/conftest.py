"""A small network trained on real digits, in a file, and pictures of digits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from mlplab.data import Dataset

Picture = npt.NDArray[np.uint8]


@pytest.fixture(scope="session")
def model(mnist: Dataset) -> keras.Model:
    """A network that reads MNIST's test images well after one epoch, in seconds."""
    keras.utils.set_random_seed(1)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Flatten(),
            layers.Rescaling(1 / 255),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(mnist.train.x[:30_000], mnist.train.y[:30_000], batch_size=64, verbose=0)
    return model


@pytest.fixture(scope="session")
def model_file(model: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "digits.keras"
    model.save(path)
    return path


@pytest.fixture
def picture_file(tmp_path: Path) -> Callable[..., Path]:
    """Save an array as a picture in the test's folder; its suffix says how."""

    def save(name: str, picture: Picture) -> Path:
        Image.fromarray(picture).save(tmp_path / name)
        return tmp_path / name

    return save
