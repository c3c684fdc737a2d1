"""Training one model on a given network, and comparing what came of it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from mlplab.engine import Streams, core, native
from mlplab.engine.job import prepare
from mlplab.engine.keras_engine import FitArguments
from tests.engine.reference import ReferenceNetwork

Array = npt.NDArray[Any]

# Whatever drives the core must drive the slow network, and the other way round.
NETWORKS: dict[str, Callable[..., Any]] = {
    "reference": ReferenceNetwork,
    "core": core.make_network,
}

EXACT = functools.partial(ReferenceNetwork, dtype=np.float64)

PASSED_ON = {
    "verbose": 0,
    "class_weight": None,
    "steps_per_epoch": None,
    "validation_steps": None,
    "validation_batch_size": None,
    "validation_freq": 1,
}


def fit_arguments(x: Any, y: Any, **options: Any) -> FitArguments:
    """Return the arguments of ``fit`` with its defaults, but for ``verbose=0``."""
    own: dict[str, Any] = {
        "sample_weight": None,
        "batch_size": None,
        "epochs": 1,
        "initial_epoch": 0,
        "shuffle": True,
        "validation_split": 0.0,
        "validation_data": None,
        "callbacks": [],
        "threads": 2,
    }
    passed_on = {name: options.pop(name, default) for name, default in PASSED_ON.items()}
    return FitArguments(x=x, y=y, passed_on=passed_on, **{**own, **options})


def train(
    network: str, model: keras.Model, x: Any, y: Any, *, seed: int | None = 0, **options: Any
) -> keras.callbacks.History:
    """Train a model with the native engine on the reference or on the core."""
    job = prepare(model, fit_arguments(x, y, **options))
    streams = None if seed is None else Streams.of(seed)
    return native.run(job, streams, (NETWORKS | {"exact": EXACT})[network])


def state(model: keras.Model) -> dict[str, Array]:
    """Return all weights and optimizer variables by path, as float64 arrays."""
    variables = [*model.weights, *model.optimizer.variables]
    return {v.path: np.asarray(keras.ops.convert_to_numpy(v.value), np.float64) for v in variables}


KINKED = ("relu", "leaky_relu", "selu", "mae", "mean_absolute_error")


def assert_near(
    ours: Array, rounded: Array, exact: Array, *, kinked: bool, other: Array | None = None
) -> None:
    """Assert that float32 ended about as near exact arithmetic as float32 NumPy did.

    How fast rounding grows is the network's own: a saturated sigmoid multiplies it. NumPy's own
    distance from float64 measures it; ten times that, and a little, is allowed. Where a slope jumps
    (``KINKED``) a sum is now and then rounded to the other side of zero by one engine and not by
    the other, and a column learns from one example more or less. Such a column moves the length of
    the whole by up to a few hundredths but not the middle one of the differences, unless what lies
    above it moves with it: ``other`` is what a third engine ended with in float32, and where that
    moved too, its distance is allowed as NumPy's is.
    """
    overall = distance_overall(ours, exact) - 10 * distance_overall(rounded, exact)
    if not kinked:
        assert overall <= 1e-4
        return
    assert overall <= 1e-1
    others = [rounded] if other is None else [rounded, other]
    allowed = 10 * max(typical_distance(one, exact) for one in others)
    assert typical_distance(ours, exact) - allowed <= 1e-4


def typical_distance(ours: Array, theirs: Array) -> float:
    """Return the median difference, relative to the root mean square of an array."""
    size = np.linalg.norm(theirs) / np.sqrt(theirs.size)
    return float(np.median(np.abs(ours - theirs)) / max(1e-3, size))


def distance_overall(ours: Array, theirs: Array) -> float:
    """Return the length of the difference, relative to the length of an array."""
    return float(np.linalg.norm(ours - theirs) / max(1e-3, np.linalg.norm(theirs)))


def distance(ours: Array, theirs: Array) -> float:
    """Return the largest difference, relative to the largest entry of an array."""
    return float(np.abs(ours - theirs).max() / max(1e-3, np.abs(theirs).max()))
