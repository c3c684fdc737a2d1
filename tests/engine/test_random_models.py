"""Models drawn at random: both networks train them like Keras.

Keras takes a second to compile each, so the quick profile draws a few; see also
``test_random_networks``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import hypothesis
import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import layers

import mlplab
from mlplab.engine import plan_layers
from tests.engine.helpers import KINKED, assert_near, state, train
from tests.engine.models import LOSSES, OPTIMIZERS
from tests.engine.test_random_networks import start_weights

ACTIVATIONS = [function.__name__ for function in plan_layers.ACTIVATIONS]
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


# JAX compiles an initializer for each shape; zeros are quick, and Glorot's numbers follow.
dense = functools.partial(layers.Dense, kernel_initializer="zeros")


def make_model(how: dict[str, Any]) -> keras.Model:
    loss, last, _, _ = LOSSES[how["loss"]]
    parts: list[Any] = [keras.Input((how["n_inputs"],))]
    if how["as_bytes"]:
        parts.append(layers.Rescaling(1 / 255))
    for block in how["blocks"]:
        parts.append(dense(block["units"], use_bias=block["norm"] != "batch"))
        if block["norm"] == "batch":
            parts.append(layers.BatchNormalization(epsilon=0.1))
        elif block["norm"] == "layer":
            parts.append(layers.LayerNormalization(epsilon=0.1))
        parts.append(layers.Activation(block["activation"]))
    model = keras.Sequential([*parts, dense(how["n_outputs"], activation=last)])
    model.set_weights(start_weights([weight.shape for weight in model.weights], how["seed"]))
    model.compile(OPTIMIZERS[how["optimizer"]](), loss)
    return model


def n_samples(how: dict[str, Any]) -> int:
    """Return the number of samples: as drawn, but no more than 7 batches."""
    return min(how["n_samples"], 7 * how["batch_size"])


def make_data(how: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(how["seed"])
    size = (n_samples(how), how["n_inputs"])
    x = rng.normal(size=size).astype(np.float32)
    if how["as_bytes"]:
        x = rng.integers(0, 256, size=size, dtype=np.uint8)
    x[rng.random(size) >= how["density"]] = 0
    classes = rng.integers(how["n_outputs"], size=n_samples(how))
    kind = LOSSES[how["loss"]][3]
    one_hot = np.eye(how["n_outputs"], dtype=np.float32)[classes]
    return x, {"class": classes, "one-hot": one_hot, "values": one_hot - 0.5}[kind]


def options(how: dict[str, Any], most_steps: int) -> dict[str, Any]:
    """Return fit's options for at most ``most_steps`` steps; a last batch is a partial one."""
    steps = -(-n_samples(how) // how["batch_size"])
    return {"batch_size": how["batch_size"], "epochs": max(1, most_steps // steps), "seed": 3}


@pytest.mark.timeout(3600)  # in the full profile
@given(st.fixed_dictionaries(drawn))
def test_both_networks_train_like_keras(how: dict[str, Any]) -> None:
    model, x_y = make_model(how), make_data(how)
    start = model.get_weights()

    def outcome(fit: Callable[..., Any], *place: Any, **engine: Any) -> list[np.ndarray]:
        model.compile(OPTIMIZERS[how["optimizer"]](), LOSSES[how["loss"]][0])
        model.set_weights(start)
        fit(*place, model, *x_y, **options(how, 12), **engine)
        return list(state(model).values())

    by_keras = outcome(mlplab.fit, engine="keras", verbose=0)
    with np.errstate(all="ignore"):
        exact, rounded, core = (outcome(train, name) for name in ("exact", "reference", "core"))
    hypothesis.assume(all(np.isfinite(near).all() for near in rounded))  # it did not diverge
    functions = [how["loss"], *(block["activation"] for block in how["blocks"])]
    kinked = any(function in KINKED for function in functions)
    hypothesis.note(repr(how))
    for keras_own, true, near, ours in zip(by_keras, exact, rounded, core, strict=True):
        assert_near(ours, near, true, kinked=kinked, other=keras_own)
        assert_near(keras_own, near, true, kinked=kinked, other=ours)
