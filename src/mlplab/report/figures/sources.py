"""Spread by its sources: what each random stream of a run does to the score."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy import special

from mlplab.report.figures.palette import BLUE, GREEN, ORANGE, literal

SOURCE_WORDS = {
    "init": "initial weights",
    "order": "order of the examples",
    "dropout": "dropout",
    "split": "validation split",
    "all": "all together",
}
"""What is varied, in words."""

_STYLES: tuple[dict[str, Any], ...] = (
    {"color": BLUE, "marker": "o"},
    {"color": ORANGE, "marker": "s"},
    {"color": GREEN, "marker": "D"},
    {"color": "gray", "marker": "^"},
)


def spread_by_source(variation: pd.DataFrame, ax: Axes) -> Axes:
    """Draw the standard deviation of test accuracy with one source of chance varied, the rest held.

    A row a source, a marker a recipe. Bars are 95 % intervals of a standard deviation (chi-square
    with n - 1 degrees of freedom): with few runs they are wide.

    Args:
        variation: a row a recipe and source, with columns recipe, vary, runs, mean, sd (a share).
        ax: where to draw.

    Examples:
        >>> from matplotlib.figure import Figure
        >>> rows = [("x", "init", 5, 0.98, 0.001), ("x", "all", 5, 0.98, 0.0012)]
        >>> variation = pd.DataFrame(rows, columns=["recipe", "vary", "runs", "mean", "sd"])
        >>> ax = spread_by_source(variation, Figure().subplots())
        >>> [label.get_text() for label in ax.get_yticklabels()]
        ['initial weights', 'all together']
    """
    known = variation[(variation.runs > 1) & variation.sd.notna()]
    sources = [name for name in SOURCE_WORDS if name in set(known.vary)]
    recipes = list(dict.fromkeys(known.recipe))
    offsets = np.linspace(-0.25, 0.25, len(recipes)) if len(recipes) > 1 else np.zeros(1)
    for place, name in enumerate(recipes):
        style, own = _STYLES[place % len(_STYLES)], known[known.recipe == name]
        rows = [sources.index(vary) + offsets[place] for vary in own.vary]
        ends = [sd_interval(sd, n) for sd, n in zip(own.sd, own.runs, strict=True)]
        lows, highs = ([100 * end for end in side] for side in zip(*ends, strict=True))
        ax.hlines(rows, lows, highs, color=style["color"], linewidth=1.2)
        ax.plot(100 * own.sd, rows, ls="", ms=6, label=literal(name), **style)
    ax.set_yticks(range(len(sources)), [SOURCE_WORDS[name] for name in sources])
    ax.set_ylim(len(sources) - 0.5, -0.5)
    ax.set_xlim(left=0)
    ax.set_xlabel("sd of test accuracy, points")
    ax.grid(True, axis="x", linewidth=0.6)
    ax.legend(
        fontsize="small", ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False
    )
    return ax


def sd_interval(sd: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of a standard deviation found from ``n`` values, taken to be normal.

    ``sd sqrt((n - 1) / chi2)`` with the upper and the lower chi-square quantile.

    Examples:
        >>> [round(end, 3) for end in sd_interval(1.0, 10)]
        [0.688, 1.826]
    """
    tail = (1 - level) / 2
    upper, lower = (2 * float(special.gammaincinv((n - 1) / 2, q)) for q in (1 - tail, tail))
    return sd * math.sqrt((n - 1) / upper), sd * math.sqrt((n - 1) / lower)
