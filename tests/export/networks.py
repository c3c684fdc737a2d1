"""Networks of random numbers with every step there is, and programs that fail."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from mlplab.export.ensemble import Ensemble
from mlplab.export.network import ACTIVATIONS, Activation, Dense, LayerNorm, Network, Scale

SHAPE = (3, 4)


def random_ensemble(n_networks: int = 2) -> Ensemble:
    """Networks with every kind of step and every activation, for bytes."""
    rng = np.random.default_rng(0)

    def some(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.5, shape).astype(np.float32)

    def network() -> Network:
        unit = np.eye(12, dtype=np.float32)  # carries what tells examples apart to the end
        steps = [Scale(np.full(1, 1 / 255, np.float32), np.zeros(1, np.float32))]
        for function in ACTIVATIONS:
            steps += [Dense(some(12, 12) + 2 * unit, some(12)), Activation(function, 0.3)]
            steps += [LayerNorm(1 + some(12), some(1), 1e-3), Scale(1 + some(12), some(12))]
        return Network(SHAPE, (*steps, Dense(some(12, 3), some(3)), Activation("softmax")))

    networks = tuple(network() for _ in range(n_networks))
    facts = {"recipe": "random", "seeds": [1, 2], "input": {"shape": [3, 4], "dtype": "uint8"}}
    return Ensemble(networks, ("a", "b", "c"), facts)


def of_one(function: str) -> Ensemble:
    """A network of one activation, on numbers around zero."""
    rng = np.random.default_rng(1)
    kernel = rng.normal(0, 1, (12, 3)).astype(np.float32)
    steps = (Dense(kernel, np.zeros(3, np.float32)), Activation(function, 0.3))
    ensemble = random_ensemble(1)
    facts = ensemble.facts | {"input": {"shape": [3, 4], "dtype": "float32"}}
    return dataclasses.replace(ensemble, networks=(Network(SHAPE, steps),), facts=facts)


def some_bytes(n: int = 50) -> np.ndarray:
    """Examples of bytes, (n, 3, 4)."""
    return np.random.default_rng(1).integers(0, 256, (n, *SHAPE)).astype(np.uint8)


def some_numbers(n: int = 200) -> np.ndarray:
    """Examples of numbers around zero, (n, 3, 4)."""
    return np.random.default_rng(2).normal(0, 2, (n, *SHAPE)).astype(np.float32)


def program(path: Path, text: str) -> None:
    """Write a program, say one that is no Node, where a test looks for programs."""
    path.write_text(text)
    path.chmod(0o755)
