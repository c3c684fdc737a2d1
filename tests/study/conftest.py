"""Small real studies: scikit-learn's digits, networks that train in a second."""

from __future__ import annotations

import keras
import pytest

import mlplab
from mlplab import Dataset, Recipe


def small_network(dataset: Dataset) -> keras.Model:
    """A network with every random stream in use."""
    return keras.Sequential(
        [
            keras.Input(dataset.input_shape),
            keras.layers.Flatten(),
            keras.layers.Rescaling(1 / 16),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(dataset.n_classes, activation="softmax"),
        ]
    )


@pytest.fixture(scope="session")
def digits() -> Dataset:
    return mlplab.load("digits")


@pytest.fixture(scope="session")
def small() -> Recipe:
    return Recipe("small", small_network, optimizer="adam", batch_size=64, epochs=2)
