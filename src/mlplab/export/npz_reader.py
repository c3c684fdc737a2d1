"""Reads a network that mlplab exported as .npz; needs NumPy alone. Copy it where you need it.

probabilities, config = load("relu-2-seed0.npz")
probabilities(images)  # (n, 28, 28) as in training -> (n, n_classes), of config["class_names"]
"""

import json
import math
from typing import Any

import numpy as np

_erf = np.vectorize(math.erf, otypes=[np.float64])


def _softmax(x: Any) -> Any:
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _normal(x: Any, epsilon: float) -> Any:
    return (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + epsilon)


# What each kind of step makes of x, (n, n_features); s has the step's arrays and numbers.
STEPS: dict[str, Any] = {
    "scale": lambda x, s: x * s["scale"] + s["shift"],
    "dense": lambda x, s: x @ s["kernel"] + s["bias"],
    "layer_norm": lambda x, s: _normal(x, s["epsilon"]) * s["scale"] + s["shift"],
    "relu": lambda x, s: np.maximum(x, 0),
    "leaky_relu": lambda x, s: np.where(x > 0, x, s["alpha"] * x),
    "elu": lambda x, s: np.where(x > 0, x, s["alpha"] * np.expm1(np.minimum(x, 0))),
    "selu": lambda x, s: 1.05070099 * np.where(x > 0, x, 1.67326324 * np.expm1(np.minimum(x, 0))),
    "gelu": lambda x, s: 0.5 * x * (1 + _erf(x / math.sqrt(2))),
    "gelu_tanh": lambda x, s: 0.5 * x * (1 + np.tanh(0.79788456 * (x + 0.044715 * x**3))),
    "silu": lambda x, s: 0.5 * x * (1 + np.tanh(0.5 * x)),
    "sigmoid": lambda x, s: 0.5 * (1 + np.tanh(0.5 * x)),
    "tanh": lambda x, s: np.tanh(x),
    "softplus": lambda x, s: np.logaddexp(x, 0),
    "softmax": lambda x, s: _softmax(x),
}


def load(path: Any) -> tuple[Any, dict[str, Any]]:
    """Return a function from examples to probabilities, and what the file says of itself."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    config = json.loads(str(arrays.pop("config")))

    def run(x: Any, network: list[dict[str, Any]]) -> Any:
        for step in network:
            held = {name: arrays[key] for name, key in step.get("arrays", {}).items()}
            x = STEPS[step["kind"]](x, step | held).astype(np.float32)
        return x

    def probabilities(x: Any) -> Any:
        rows = np.asarray(x, np.float32).reshape(len(x), -1)
        return np.mean([run(rows, network) for network in config["networks"]], axis=0)

    return probabilities, config
