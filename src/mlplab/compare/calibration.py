"""Calibration: whether a model that says 90 % is right nine times in ten."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from mlplab.compare.scores import check_share
from mlplab.errors import CompareError

N_BINS = 15

Array = npt.NDArray[Any]
FloatArray = npt.NDArray[np.float64]

# Stored probabilities are rounded (float16), so that those of an example sum to one only nearly.
_ROUNDING = 0.02


def are_probabilities(answers: Array) -> bool:
    """Return whether answers, shape (..., classes), are 0 or more and sum to 1 over the classes.

    Those of a softmax are; those of sigmoid or linear outputs are not.

    Examples:
        >>> are_probabilities(np.array([[0.25, 0.75]])), are_probabilities(np.array([[0.9, 0.8]]))
        (True, False)
    """
    sums = answers.sum(axis=-1, dtype=np.float64)
    return bool(answers.min() >= 0 and np.abs(sums - 1).max() <= _ROUNDING)


@dataclass(frozen=True)
class OverSeeds:
    """A figure of every seed, and its mean with Student's interval over the seeds.

    The interval is about other seeds on these very test examples.

    Attributes:
        values: one a seed.
        level: how often the interval holds.

    Examples:
        >>> found = OverSeeds((1.0, 2.0, 3.0), level=0.95)
        >>> found.mean, [round(end, 3) for end in found.interval]
        (2.0, [-0.484, 4.484])
    """

    values: tuple[float, ...]
    level: float = 0.95

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return float(np.mean(self.values))

    @property
    def interval(self) -> tuple[float, float] | None:
        """``mean ± t sd / sqrt(S)`` with S - 1 degrees of freedom; None with one seed."""
        n = len(self.values)
        if n < 2:
            return None
        t = -float(special.stdtrit(n - 1, (1 - self.level) / 2))
        half = t * float(np.std(self.values, ddof=1)) / math.sqrt(n)
        return self.mean - half, self.mean + half


@dataclass(frozen=True)
class Calibration:
    """How well the probabilities of a recipe's models fit what happened.

    Attributes:
        edges: of the bins of confidence, shape (n_bins + 1,); a bin holds its upper edge.
        counts: examples in each bin, shape (seeds, n_bins).
        confidence: mean confidence in each bin, shape (seeds, n_bins); NaN where it is empty.
        accuracy: share of right answers in each bin, likewise.
        error: expected calibration error.
        brier: Brier score.
    """

    edges: FloatArray
    counts: npt.NDArray[np.int64]
    confidence: FloatArray
    accuracy: FloatArray
    error: OverSeeds
    brier: OverSeeds

    def bins(self) -> list[Bin]:
        """Return the bins that any seed has examples in, each over the seeds that have."""
        return [
            Bin(
                low=float(self.edges[k]),
                high=float(self.edges[k + 1]),
                count=float(self.counts[:, k].mean()),
                confidence=float(np.mean(self.confidence[there, k])),
                accuracy=OverSeeds(tuple(self.accuracy[there, k].tolist()), self.error.level),
            )
            for k in range(len(self.edges) - 1)
            if (there := self.counts[:, k] > 0).any()
        ]


@dataclass(frozen=True)
class Bin:
    """One bin of a reliability diagram.

    Attributes:
        low: its lower edge.
        high: its upper edge.
        count: examples in it, a mean over the seeds.
        confidence: their mean confidence.
        accuracy: the share of right answers, over the seeds.
    """

    low: float
    high: float
    count: float
    confidence: float
    accuracy: OverSeeds


def calibration(
    probabilities: npt.ArrayLike,
    labels: npt.ArrayLike,
    right: npt.ArrayLike | None = None,
    *,
    n_bins: int = N_BINS,
    level: float = 0.95,
) -> Calibration:
    """Return reliability, expected calibration error and Brier score of a recipe's models.

    With p[s, i, k] the probability that seed s gives class k of example i, and y[i] the label::

        confidence[s, i] = max_k p[s, i, k]
        bin m of M       = the examples with (m - 1) / M < confidence <= m / M
        ECE[s]   = sum_m (n_m / N) |accuracy_m - mean confidence_m|
        Brier[s] = mean_i sum_k (p[s, i, k] - [k = y[i]])^2         from 0 to 2

    The expected calibration error is a little above zero even for perfect probabilities, the more
    so the fewer examples there are.

    Args:
        probabilities: shape (seeds, examples, classes), or (examples, classes) for one model.
        labels: class indices, shape (examples,).
        right: whether each answer was right, shape (seeds, examples); whether the most probable
            class is the label, where None.
        n_bins: M.
        level: how often the intervals over the seeds hold.

    Raises:
        CompareError: if shapes do not go together, or probabilities are none.

    Reference:
        C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger (2017), On calibration of modern neural
        networks; G. W. Brier (1950), Verification of forecasts expressed in terms of probability.

    Examples:
        >>> p = np.array([[0.9, 0.1], [0.6, 0.4]])
        >>> found = calibration(p, [0, 1], n_bins=10)
        >>> round(found.error.mean, 3), round(found.brier.mean, 3)
        (0.35, 0.37)
    """
    check_share("level", level)
    p, y = _checked(probabilities, labels)
    hits = p.argmax(axis=2) == y if right is None else np.asarray(right, dtype=bool)
    if hits.shape != p.shape[:2]:
        raise CompareError(f"right must have shape {p.shape[:2]}, got {hits.shape}")
    edges = np.linspace(0.0, 1.0, n_bins + 1)
    each = [_one_seed(*one, y, edges) for one in zip(p, hits, strict=True)]
    counts, confidence, accuracy, brier = (np.array(part) for part in zip(*each, strict=True))
    gaps = np.nan_to_num(np.abs(accuracy - confidence))
    errors = (counts * gaps).sum(axis=1) / len(y)
    return Calibration(
        edges=edges,
        counts=counts,
        confidence=confidence,
        accuracy=accuracy,
        error=OverSeeds(tuple(errors.tolist()), level),
        brier=OverSeeds(tuple(brier.tolist()), level),
    )


def _one_seed(
    p: Array, hits: Array, y: Array, edges: FloatArray
) -> tuple[Array, FloatArray, FloatArray, float]:
    """Return counts, confidences and accuracies of the bins, and the Brier score."""
    p = p.astype(np.float64)
    highest = np.minimum(p.max(axis=1), 1.0)
    place, n_bins = np.searchsorted(edges[1:-1], highest), len(edges) - 1
    counts = np.bincount(place, minlength=n_bins)
    with np.errstate(invalid="ignore"):
        confidence = np.bincount(place, highest, n_bins) / counts
        accuracy = np.bincount(place, hits, n_bins) / counts
    of_label = p[np.arange(len(y)), y]
    # (p - 1)^2 = p^2 - 2 p + 1 for the label
    brier = float(np.mean(np.square(p).sum(axis=1) - 2 * of_label + 1))
    return counts, confidence, accuracy, brier


def _checked(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[Array, Array]:
    p, y = np.asarray(probabilities), np.asarray(labels)
    p = p[np.newaxis] if p.ndim == 2 else p
    if p.ndim != 3 or y.shape != p.shape[1:2] or min(p.shape, default=0) == 0:
        raise CompareError(
            "probabilities must have shape (seeds, examples, classes) and labels (examples,), "
            f"got {p.shape} and {y.shape}"
        )
    if not are_probabilities(p):
        raise CompareError("probabilities must be 0 or more and sum to 1 for each example")
    if y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= p.shape[2]:
        raise CompareError(f"labels must be class indices from 0 to {p.shape[2] - 1}")
    return p, y
