"""The losses and metrics of the slow, obvious network.

A loss takes targets t and predictions p, both (n, n_outputs), and returns one value a sample, shape
(n,), and d(value)/dp.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Settings = dict[str, Any]
Loss = Callable[[Array, Array, Settings], tuple[Array, Array]]

EPSILON = 1e-7


def _clip(p: Array) -> tuple[Array, Array]:
    """Return p clipped to [epsilon, 1 - epsilon] and the slope of the clipping."""
    low, high = p.dtype.type(EPSILON), p.dtype.type(1.0 - EPSILON)
    return np.clip(p, low, high), ((p >= low) & (p <= high)).astype(p.dtype)


def one_hot(y: Array, n_outputs: int, dtype: npt.DTypeLike) -> Array:
    return (y[:, None] == np.arange(n_outputs)).astype(dtype)


def crossentropy(t: Array, p: Array, settings: Settings) -> tuple[Array, Array]:
    """- sum_j t_j log p_j, with p made to add up to 1 and kept off 0 and 1."""
    smoothing = settings.get("label_smoothing", 0.0)
    if smoothing:
        t = (t * (1 - smoothing) + smoothing / t.shape[1]).astype(p.dtype)
    if settings["from_logits"]:
        shifted = p - p.max(axis=1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        slope = np.exp(log_p) * t.sum(axis=1, keepdims=True) - t
        return -(t * log_p).sum(axis=1), slope
    total = p.sum(axis=1, keepdims=True)
    share = p / total
    clipped, inside = _clip(share)
    d_share = -t / clipped * inside
    slope = (d_share - (d_share * share).sum(axis=1, keepdims=True)) / total
    return -(t * np.log(clipped)).sum(axis=1), slope


def binary_crossentropy(t: Array, p: Array, settings: Settings) -> tuple[Array, Array]:
    """mean_j of - t_j log p_j - (1 - t_j) log(1 - p_j)"""
    smoothing = settings.get("label_smoothing", 0.0)
    if smoothing:
        t = (t * (1 - smoothing) + 0.5 * smoothing).astype(p.dtype)
    n = p.shape[1]
    if settings["from_logits"]:
        values = t * np.logaddexp(0, -p) + (1 - t) * np.logaddexp(0, p)
        return values.mean(axis=1), (np.exp(-np.logaddexp(0, -p)) - t) / n
    q, inside = _clip(p)
    values = -(t * np.log(q) + (1 - t) * np.log(1 - q))
    return values.mean(axis=1), (-t / q + (1 - t) / (1 - q)) * inside / n


def mean_squared_error(t: Array, p: Array, settings: Settings) -> tuple[Array, Array]:
    return np.square(p - t).mean(axis=1), 2 * (p - t) / p.shape[1]


def mean_absolute_error(t: Array, p: Array, settings: Settings) -> tuple[Array, Array]:
    return np.abs(p - t).mean(axis=1), np.sign(p - t) / p.shape[1]


LOSSES: dict[str, Loss] = {
    "categorical_crossentropy": crossentropy,
    "sparse_categorical_crossentropy": crossentropy,
    "binary_crossentropy": binary_crossentropy,
    "mean_squared_error": mean_squared_error,
    "mean_absolute_error": mean_absolute_error,
}


def _in_top_k(labels: Array, p: Array, settings: Settings) -> Array:
    at_label = p[np.arange(len(p)), labels][:, None]
    at_label = np.where(np.isnan(at_label), -np.inf, at_label)
    return 1 + (p > at_label).sum(axis=1) <= settings["k"]


Metric = Callable[[Array, Array, Settings], Array]

# Metrics take t as one-hot or plain vectors, and return one value a sample.
METRICS: dict[str, Metric] = {
    "categorical_accuracy": lambda t, p, s: t.argmax(axis=1) == p.argmax(axis=1),
    "sparse_categorical_accuracy": lambda t, p, s: t.argmax(axis=1) == p.argmax(axis=1),
    "binary_accuracy": lambda t, p, s: (t == (p > s["threshold"])).mean(axis=1),
    "top_k": lambda t, p, s: _in_top_k(t.argmax(axis=1), p, s),
    "sparse_top_k": lambda t, p, s: _in_top_k(t.argmax(axis=1), p, s),
    "mse": lambda t, p, s: np.square(p - t).mean(axis=1),
    "mae": lambda t, p, s: np.abs(p - t).mean(axis=1),
}
