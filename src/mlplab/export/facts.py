"""What is said of an exported network: what it was trained by and on, and how it scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import norm, t

LEVEL = 0.95
"""How often the intervals hold."""


def scores(
    each: npt.NDArray[np.float32], labels: npt.NDArray[Any], seeds: Sequence[int | None]
) -> dict[str, Any]:
    """Return how networks, and the mean of their probabilities, read a test set.

    Args:
        each: probabilities, shape (n_networks, n_test, n_classes).
        labels: class indices, shape (n_test,).
        seeds: the seed of each network, None where it is not known.

    Returns:
        ``test_accuracy`` of what is exported, with the Wilson ``interval`` over test examples;
        ``each`` network's; with several, ``mean`` of these and Student's ``mean_interval`` over
        seeds, on this test set.

    Examples:
        >>> right_half = np.eye(2, dtype=np.float32)[np.array([[0, 1], [0, 0]])]
        >>> found = scores(right_half, np.array([0, 1]), [0, 1])
        >>> [one["test_accuracy"] for one in found["each"]], found["mean"]
        ([1.0, 0.5], 0.75)
    """
    accuracies = [float(share) for share in (each.argmax(axis=2) == labels).mean(axis=1)]
    right = int((each.mean(axis=0).argmax(axis=1) == labels).sum())
    found: dict[str, Any] = {
        "test_accuracy": right / len(labels),
        "interval": wilson(right, len(labels)),
        "level": LEVEL,
        "n_test": len(labels),
        "each": [
            {"seed": seed, "test_accuracy": share}
            for seed, share in zip(seeds, accuracies, strict=True)
        ],
    }
    if len(accuracies) > 1:
        mean = float(np.mean(accuracies))
        half = float(np.std(accuracies, ddof=1)) / math.sqrt(len(accuracies))
        half *= float(t.ppf((1 + LEVEL) / 2, len(accuracies) - 1))
        found |= {"mean": mean, "mean_interval": [mean - half, mean + half]}
    return found


def wilson(right: int, n: int) -> list[float]:
    """Return Wilson's interval of a share: ``right`` of ``n``.

    The ends are the shares p for which the share seen lies z deviations sqrt(p (1 - p) / n) away.

    Reference:
        E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference.

    Examples:
        >>> [round(end, 4) for end in wilson(9837, 10000)]
        [0.981, 0.986]
    """
    z = float(norm.ppf((1 + LEVEL) / 2))
    share, shrink = right / n, 1 + z * z / n
    centre = (share + z * z / (2 * n)) / shrink
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / shrink
    return [centre - half, centre + half]
