"""The crossed analysis as its formulas read: loops, and nothing clever."""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def crossed_parts(a: Array, b: Array) -> dict[str, float]:
    """Return D, V and its parts, for scores of shape (seeds, examples)."""
    a, b = a.astype(float), b.astype(float)
    n = a.shape[1]
    means_a = [statistics.fmean(row) for row in a]
    means_b = [statistics.fmean(row) for row in b]
    d = [statistics.fmean(a[:, i]) - statistics.fmean(b[:, i]) for i in range(n)]
    examples = statistics.variance(d) / n
    seeds = statistics.variance(means_a) / len(a) + statistics.variance(means_b) / len(b)
    within = 0.0
    for y in (a, b):
        mean = statistics.fmean(statistics.variance(y[:, i]) for i in range(n))
        within += mean / (len(y) * n)
    total = max(examples + seeds - within, examples, seeds)
    return {
        "difference": statistics.fmean(d),
        "examples": max(examples - within, 0.0),
        "seeds": max(seeds - within, 0.0),
        "total": total,
    }


def pigeonhole(a: Array, b: Array, n: int, rng: np.random.Generator) -> float:
    """Return the variance of the difference over resampled seeds and resampled examples."""
    found = []
    for _ in range(n):
        i = rng.integers(0, a.shape[1], a.shape[1])
        s, t = (rng.integers(0, len(y), len(y)) for y in (a, b))
        found.append(a[s][:, i].mean() - b[t][:, i].mean())
    return float(np.var(found))


def drawn(
    rng: np.random.Generator, seeds: int, examples: int, *, luck: float, spread: float, noise: float
) -> Array:
    """Return normal scores with known parts: seeds, examples, and what remains."""
    return (
        luck * rng.standard_normal((seeds, 1))
        + spread * rng.standard_normal((1, examples))
        + noise * rng.standard_normal((seeds, examples))
    )
