"""The networks that tests train where any will do."""

from __future__ import annotations

import keras

from mlplab import Dataset


def small_network(dataset: Dataset) -> keras.Model:
    """A network with every random stream in use, that trains in a second on small data."""
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


def sigmoid_network(dataset: Dataset) -> keras.Model:
    """A network whose outputs do not sum to one."""
    return keras.Sequential(
        [
            keras.Input(dataset.input_shape),
            keras.layers.Flatten(),
            keras.layers.Rescaling(1 / 16),
            keras.layers.Dense(dataset.n_classes, activation="sigmoid"),
        ]
    )
