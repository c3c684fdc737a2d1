"""Models drawn at random: the reference trains like Keras, and the core like the reference."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from keras import layers

import mlplab
from mlplab.engine import Streams, initial_weights
from tests.engine.helpers import distance, state, train
from tests.engine.models import LOSSES, OPTIMIZERS

CLOSE = 2e-3

ACTIVATIONS = ["relu", "tanh", "gelu", "silu", "elu", "selu", "leaky_relu", "softplus", "sigmoid"]
widths = st.integers(1, 300)


@st.composite
def hidden_layers(draw: Any) -> list[dict[str, Any]]:
    """Return up to six hidden blocks: a Dense, perhaps a normalisation, an activation."""
    block = st.fixed_dictionaries(
        {
            "units": widths,
            "norm": st.sampled_from(["", "", "batch", "layer"]),
            "activation": st.sampled_from(ACTIVATIONS),
        }
    )
    return draw(st.lists(block, max_size=6))


drawn = {
    "n_inputs": widths,
    "n_outputs": st.integers(2, 40),
    "blocks": hidden_layers(),
    "loss": st.sampled_from(sorted(LOSSES)),
    "optimizer": st.sampled_from(sorted(OPTIMIZERS)),
    "batch_size": st.integers(1, 300),
    "n_samples": st.integers(2, 330),
    "density": st.sampled_from([0.02, 0.2, 0.6, 1.0]),
    "as_bytes": st.booleans(),
    "seed": st.integers(0, 999),
}


def make_model(how: dict[str, Any]) -> keras.Model:
    loss, last, _, _ = LOSSES[how["loss"]]
    parts: list[Any] = [keras.Input((how["n_inputs"],))]
    if how["as_bytes"]:
        parts.append(layers.Rescaling(1 / 255))
    for block in how["blocks"]:
        parts.append(layers.Dense(block["units"], use_bias=block["norm"] != "batch"))
        if block["norm"] == "batch":
            parts.append(layers.BatchNormalization(epsilon=0.1))
        elif block["norm"] == "layer":
            parts.append(layers.LayerNormalization(epsilon=0.1))
        parts.append(layers.Activation(block["activation"]))
    with initial_weights(Streams.of(how["seed"])):
        model = keras.Sequential([*parts, layers.Dense(how["n_outputs"], last)])
    model.compile(OPTIMIZERS[how["optimizer"]](), loss)
    return model


def make_data(how: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(how["seed"])
    size = (how["n_samples"], how["n_inputs"])
    x = rng.normal(size=size).astype(np.float32)
    if how["as_bytes"]:
        x = rng.integers(0, 256, size=size, dtype=np.uint8)
    x[rng.random(size) >= how["density"]] = 0
    classes = rng.integers(how["n_outputs"], size=how["n_samples"])
    kind = LOSSES[how["loss"]][3]
    one_hot = np.eye(how["n_outputs"], dtype=np.float32)[classes]
    return x, {"class": classes, "one-hot": one_hot, "values": one_hot - 0.5}[kind]


def check_same(ours: keras.Model, theirs: keras.Model) -> None:
    far = {
        path: distance(mine, other)
        for (path, mine), other in zip(state(ours).items(), state(theirs).values(), strict=True)
    }
    assert not {path: value for path, value in far.items() if value > CLOSE}


def options(how: dict[str, Any], most_steps: int) -> dict[str, Any]:
    """Return fit's options for at most ``most_steps`` steps; a last batch is a partial one."""
    steps = -(-how["n_samples"] // how["batch_size"])
    return {"batch_size": how["batch_size"], "epochs": max(1, most_steps // steps), "seed": 3}


@given(st.fixed_dictionaries(drawn | {"n_samples": st.integers(2, 40)}))
def test_the_reference_trains_like_keras(how: dict[str, Any]) -> None:
    ours, theirs = make_model(how), make_model(how)
    x, y = make_data(how)
    train("reference", ours, x, y, **options(how, 12))
    mlplab.fit(theirs, x, y, engine="keras", verbose=0, **options(how, 12))
    check_same(ours, theirs)


@given(st.fixed_dictionaries(drawn))
def test_the_core_trains_like_the_reference(how: dict[str, Any]) -> None:
    ours, theirs = make_model(how), make_model(how)
    x, y = make_data(how)
    train("core", ours, x, y, **options(how, 20))
    train("reference", theirs, x, y, **options(how, 20))
    check_same(ours, theirs)
    expected = train("reference", theirs, x, y, epochs=1, validation_data=(x, y), batch_size=50)
    history = train("core", ours, x, y, epochs=1, validation_data=(x, y), batch_size=50)
    for name, values in expected.history.items():
        np.testing.assert_allclose(history.history[name], values, rtol=5e-3, atol=1e-4)
