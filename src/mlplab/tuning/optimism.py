"""How much better the search's best score is than what its winner scores on fresh seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from mlplab.compare.moments import variance


@dataclass(frozen=True)
class Optimism:
    """The best score of a search beside the mean score of its winner on fresh seeds.

    Attributes:
        best: the score that the search saw: a mean over its few seeds.
        fresh: the mean over fresh seeds.
        amount: how much too good the first is; above 0 where it promised more than the winner
            keeps, whether the score is an accuracy or a loss.
        low: lower end of the interval of ``amount``; None where one seed each tells nothing.
        high: its upper end.
        level: how often such an interval holds.
        n_search: seeds of a trial.
        n_fresh: fresh seeds.
        metric: ``"accuracy"`` or ``"loss"``.
    """

    best: float
    fresh: float
    amount: float
    low: float | None
    high: float | None
    level: float
    n_search: int
    n_fresh: int
    metric: str

    def __str__(self) -> str:
        unit, scale, digits = ("points", 100, 2) if self.metric == "accuracy" else ("of loss", 1, 4)
        figure = f"{_round(self.amount * scale, digits):+.{digits}f} {unit}"
        if self.low is None or self.high is None:
            return f"{figure} (too few seeds for an interval)"
        low, high = (_round(end * scale, digits) for end in (self.low, self.high))
        ends = f"{low:+.{digits}f} to {high:+.{digits}f}"
        return f"{figure} ({self.level:.0%} interval {ends})"


def optimism(
    search: Sequence[float], fresh: Sequence[float], metric: str, level: float = 0.95
) -> Optimism:
    """Return how optimistic a search's best score is.

    With n scores of the search, m fresh ones, their means and variances (ddof = 1)::

        amount = mean(search) - mean(fresh)          (accuracy; the other way round for a loss)
        v = s_search^2 / n + s_fresh^2 / m
        df = v^2 / ((s_search^2 / n)^2 / (n - 1) + (s_fresh^2 / m)^2 / (m - 1))
        interval = amount -+ t(1 - (1 - level) / 2; df) sqrt(v)

    which is Welch's interval. A search with one seed shows no variance of its own; the fresh seeds'
    stands in for it: v = s_fresh^2 (1 / n + 1 / m), df = m - 1.

    Args:
        search: the score of each seed in the best trial.
        fresh: the score of each fresh seed; one or more.
        metric: ``"accuracy"`` or ``"loss"``.
        level: how often the interval is to hold.

    Reference:
        B. L. Welch (1947), The generalization of "Student's" problem when several different
        population variances are involved.

    Examples:
        >>> found = optimism([0.95, 0.97], [0.93, 0.94, 0.95, 0.94], "accuracy")
        >>> print(found)
        +2.00 points (95% interval -5.63 to +9.63)
    """
    best, mean = float(np.mean(search)), float(np.mean(fresh))
    amount = best - mean if metric == "accuracy" else mean - best
    half = _half_width(np.asarray(search, float), np.asarray(fresh, float), level)
    low, high = (None, None) if half is None else (amount - half, amount + half)
    return Optimism(best, mean, amount, low, high, level, len(search), len(fresh), metric)


def _round(value: float, digits: int) -> float:
    """Round, and make no minus out of nothing."""
    return round(value, digits) + 0.0


def _half_width(search: np.ndarray, fresh: np.ndarray, level: float) -> float | None:
    n, m = len(search), len(fresh)
    if m < 2:
        return None
    of_fresh = variance(fresh)
    of_search = variance(search) if n > 1 else of_fresh
    parts = (of_search / n, of_fresh / m)
    total = sum(parts)
    if n == 1:
        df = m - 1.0
    elif total == 0.0:
        df = n + m - 2.0
    else:
        df = total**2 / (parts[0] ** 2 / (n - 1) + parts[1] ** 2 / (m - 1))
    return float(special.stdtrit(df, (1 + level) / 2)) * math.sqrt(total)
