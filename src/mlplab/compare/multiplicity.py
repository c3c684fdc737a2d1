"""Many pairs at once: the error of each interval, and p-values that mind the other pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def error_of_each(level: float, n_pairs: int) -> float:
    """Return how often the interval of one pair may miss, for all of them to hold at once.

    Bonferroni: ``(1 - level) / n_pairs``. Whatever the pairs have in common, the intervals of all
    hold together in at least ``level`` of all experiments, and so does the one that is looked at
    because its difference was the largest.

    Examples:
        >>> round(error_of_each(0.95, 10), 6)
        0.005
    """
    return (1 - level) / n_pairs


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's step-down p-values.

    With the p-values in rising order, the k-th of m (k = 0, 1, ...) becomes the largest of
    ``(m - j) p_j`` over all j <= k, and at most 1.

    Args:
        p_values: one a pair, each for that pair alone.

    Returns:
        The adjusted p-values, in the order given. Those at most alpha are rejected, and the chance
        that any of these is a mistake is at most alpha.

    Reference:
        S. Holm (1979), A simple sequentially rejective multiple test procedure.

    Examples:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return [float(value) for value in adjusted]
