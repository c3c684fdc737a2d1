"""The scores of a recipe, reduced to what the comparison needs of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
FloatArray = npt.NDArray[np.float64]

_ROUNDING = 1e-12  # relative; means of right answers differ by 1 / n_examples or not at all


@dataclass(frozen=True)
class Moments:
    """Sums over the scores y[s, i] of one recipe.

    Attributes:
        seed_means: mean over the examples, shape (seeds,).
        example_means: mean over the seeds, shape (examples,).
        within: mean over the examples of the variance over the seeds (ddof = 1); 0 with one seed.
    """

    seed_means: FloatArray
    example_means: FloatArray
    within: float

    @property
    def n_seeds(self) -> int:
        """How many seeds."""
        return len(self.seed_means)

    @property
    def n_examples(self) -> int:
        """How many examples."""
        return len(self.example_means)

    @property
    def mean(self) -> float:
        """Mean over seeds and examples."""
        return float(self.seed_means.mean())

    @property
    def seed_variance(self) -> float:
        """Variance over the seeds of the mean over examples (ddof = 1); 0 with one seed."""
        return variance(self.seed_means) if self.n_seeds > 1 else 0.0

    def times(self, scale: float) -> Moments:
        """Return the moments of the scores times ``scale``."""
        return replace(
            self,
            seed_means=self.seed_means * scale,
            example_means=self.example_means * scale,
            within=self.within * scale**2,
        )


def variance(values: FloatArray, size: float | None = None) -> float:
    """Return the variance of a sample (ddof = 1); 0 where rounding alone tells the values apart.

    Args:
        values: two or more.
        size: how large the numbers were that the values were computed from; the values' own where
            None.

    Examples:
        >>> variance(np.array([0.1 + 0.2, 0.3, 0.3])), round(variance(np.array([1.0, 2.0])), 3)
        (0.0, 0.5)
    """
    size = float(np.abs(values).max()) if size is None else size
    return 0.0 if np.ptp(values) <= _ROUNDING * size else float(values.var(ddof=1))


def moments(scores: Array) -> Moments:
    """Reduce the scores of a recipe, in one pass over them a sum.

    With k[i] the sum over the S seeds, ``within = (sum y^2 - sum k^2 / S) / ((S - 1) N)``.

    Args:
        scores: shape (seeds, examples); booleans or floats.

    Examples:
        >>> found = moments(np.array([[1, 0, 1, 1], [1, 1, 1, 0]], dtype=bool))
        >>> found.seed_means.tolist(), found.example_means.tolist(), found.within
        ([0.75, 0.75], [1.0, 0.5, 1.0, 0.5], 0.25)
    """
    n_seeds, n_examples = scores.shape
    binary = scores.dtype.kind == "b"
    # Sums of zeros and ones are exact in float32 up to 2^24, and twice as fast.
    exact = binary and max(n_seeds, n_examples) < 2**24
    y = scores.astype(np.float32 if exact else np.float64, copy=False)
    by_seed = (y @ np.ones(n_examples, dtype=y.dtype)).astype(float)
    by_example = (np.ones(n_seeds, dtype=y.dtype) @ y).astype(float)
    within = 0.0
    if n_seeds > 1:
        squares = float(by_seed.sum()) if binary else float(np.square(y).sum())
        rest = squares - float(by_example @ by_example) / n_seeds
        within = max(rest, 0.0) / ((n_seeds - 1) * n_examples)
    return Moments(by_seed / n_examples, by_example / n_seeds, within)
