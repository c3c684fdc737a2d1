"""A small model and data that the tests of the native engine train, under either engine."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

import mlplab
from mlplab.engine import Streams, initial_weights

N_SAMPLES, BATCH, N_INPUTS = 250, 48, 12  # six steps an epoch, the last a partial one

Data = tuple[np.ndarray, np.ndarray]


def make_data() -> Data:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N_SAMPLES, N_INPUTS)).astype(np.float32)
    x[rng.random(x.shape) < 0.5] = 0
    return x, (x[:, :3].sum(axis=1) > 0).astype(np.int32)


def make_model(dropout: float = 0.0, optimizer: Any = "adam", seed: int = 1) -> keras.Model:
    with initial_weights(Streams.of(seed)):
        hidden = [keras.layers.Dense(16, activation="relu")]
        if dropout:
            hidden += [keras.layers.Dropout(dropout), keras.layers.Dense(8, activation="tanh")]
        last = keras.layers.Dense(2, activation="softmax")
        model = keras.Sequential([keras.Input((N_INPUTS,)), *hidden, last])
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def weights(model: keras.Model) -> np.ndarray:
    return np.concatenate([np.ravel(weight) for weight in model.get_weights()])


def fit(model: keras.Model, data: Data, **options: Any) -> keras.callbacks.History:
    given = {"batch_size": BATCH, "epochs": 3, "verbose": 0, "engine": "native", "seed": 0}
    return mlplab.fit(model, *data, **given | options)


def by_keras(model: keras.Model, data: Data, **options: Any) -> keras.callbacks.History:
    return fit(model, data, **{"engine": "keras"} | options)
