"""Small networks and data for the tests of the core."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mlplab.engine import _core

Floats = npt.NDArray[np.float32]
Layer = dict[str, Any]

ADAM = {"kind": "adam", "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
SGD = {"kind": "sgd"}


def dense(units: int, **settings: Any) -> Layer:
    return {"kind": "dense", "units": units, "use_bias": True, **settings}


def activation(function: str, alpha: float = 0.3) -> Layer:
    return {"kind": "activation", "function": function, "alpha": alpha}


def batch_norm(**settings: Any) -> Layer:
    return {"kind": "batch_norm", "momentum": 0.9, "epsilon": 1e-3, **settings}


def layer_norm(**settings: Any) -> Layer:
    return {"kind": "layer_norm", "epsilon": 1e-3, **settings}


def dropout(rate: float, key: int = 1) -> Layer:
    return {"kind": "dropout", "rate": rate, "key": key}


def network(
    n_inputs: int,
    layers: list[Layer],
    loss: str = "mean_squared_error",
    optimizer: dict[str, Any] = SGD,
    *,
    max_batch: int = 64,
    threads: int = 1,
    isa: str = "",
    seed: int = 0,
    **loss_settings: Any,
) -> _core.Network:
    """Return a network with weights drawn from the seed, variances positive."""
    net = _core.Network(
        n_inputs, layers, {"kind": loss, **loss_settings}, optimizer, max_batch, threads, isa
    )
    rng = np.random.default_rng(seed)
    weights = [rng.normal(0, 1, w.shape).astype(np.float32) for w in net.get_weights()]
    net.set_weights(
        [np.abs(w) / 4 + np.float32(0.1) if w.ndim == 1 else w / np.sqrt(len(w)) for w in weights]
    )
    return net


def examples(n: int, n_inputs: int, density: float = 1.0, seed: int = 0) -> Floats:
    rng = np.random.default_rng(seed)
    keep = rng.random((n, n_inputs)) < density
    return np.where(keep, rng.normal(size=(n, n_inputs)), 0).astype(np.float32)


def one_hot(n: int, n_classes: int, seed: int = 0) -> Floats:
    return np.eye(n_classes, dtype=np.float32)[
        np.random.default_rng(seed).integers(0, n_classes, n)
    ]


def rates(n_rows: int, batch_size: int, rate: float = 0.01) -> Floats:
    return np.full(-(-n_rows // batch_size), rate, np.float32)


def train(net: _core.Network, x: Any, y: Any, batch_size: int, epochs: int = 1) -> dict[str, Any]:
    """Train for some epochs, each in an order of its own; returns the last one's scores."""
    steps = rates(len(y), batch_size)
    scores: dict[str, Any] = {}
    for epoch in range(epochs):
        order = np.random.default_rng(epoch).permutation(len(y))
        scores = dict(net.train_epoch(x, y, order, batch_size, steps, epoch * len(steps)))
    return scores
