"""A process on the backend that KERAS_BACKEND names: ``python -m tests.engine.backend_run FOLDER``.

Trains natively from given weights, goes on under Keras, natively again, and from a saved file. It
writes the weights after each, to be compared between backends, into FOLDER/states.npz.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

import mlplab
from mlplab.engine import Streams, initial_weights
from tests.engine.models import OPTIMIZERS, Case, batch_norm


def make_model() -> keras.Model:
    layers = keras.layers
    with initial_weights(Streams.of(3)):
        model = keras.Sequential(
            [
                keras.Input((28, 28)),
                layers.Flatten(),
                layers.Rescaling(1 / 255),
                layers.Dense(24, use_bias=False),
                layers.BatchNormalization(),
                layers.ReLU(),
                layers.Dense(10, "softmax"),
            ]
        )
    optimizer = keras.optimizers.Adam(epsilon=1e-3)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    rng = np.random.default_rng(0)
    model.set_weights(
        [rng.normal(scale=0.1, size=w.shape) if w.ndim == 2 else w for w in model.get_weights()]
    )
    return model


def state(model: keras.Model) -> list[Any]:
    variables = [*model.weights, *model.optimizer.variables]
    return [keras.ops.convert_to_numpy(variable.value) for variable in variables]


def main(folder: Path) -> None:
    train = mlplab.load("mnist", progress=False).train
    x, y = train.x[:1000], train.y[:1000]
    model, saved = make_model(), folder / "part.keras"

    def fit(model: keras.Model, engine: str, epochs: int) -> list[Any]:
        begin = int(keras.ops.convert_to_numpy(model.optimizer.iterations)) // 8
        mlplab.fit(
            model, x, y, batch_size=128, epochs=begin + epochs, initial_epoch=begin, verbose=0,
            seed=2, engine=engine, validation_split=0.0,
        )  # fmt: skip
        return state(model)

    states = {"native": fit(model, "native", 2)}
    model.save(saved)
    states["native, keras"] = fit(model, "keras", 1)
    states["native, keras, native"] = fit(model, "native", 1)
    loaded = keras.models.load_model(saved)
    states["native, saved, native"] = fit(loaded, "native", 1)
    loaded = keras.models.load_model(saved)
    states["native, saved, keras"] = fit(loaded, "keras", 1)
    states["predictions"] = [mlplab.predict(loaded, x[:50], engine="native")]
    states["Keras's predictions"] = [loaded.predict(x[:50], verbose=0)]
    for name in OPTIMIZERS:
        case = Case(batch_norm, "sparse", name)
        model = case.model()
        mlplab.fit(model, *case.data(), verbose=0, seed=2, engine="native")
        states[f"optimizer {name}"] = state(model)
    named = {f"{name}/{i:02}": a for name, arrays in states.items() for i, a in enumerate(arrays)}
    np.savez(folder / "states.npz", **named)
    sys.stdout.write(keras.backend.backend())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
