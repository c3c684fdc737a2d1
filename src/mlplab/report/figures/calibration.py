"""The reliability diagram."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from mlplab.compare import Bin, Calibration
from mlplab.report.figures.palette import BLUE, ORANGE

_FEW = 10  # examples a seed in a bin; what is under it is drawn hollow


def reliability_diagram(calibration: Calibration, ax: Axes) -> Axes:
    """Draw how often answers are right against how sure the models were, a point a bin.

    On the diagonal a model is right as often as it says; below it, it is too sure. Bars of error
    are intervals over seeds; a hollow point stands for fewer than ten examples a seed, and bins of
    fewer than one are left out. The dashed steps are the share of the examples in each bin.

    Args:
        calibration: what ``mlplab.compare.calibration`` returned.
        ax: where to draw.

    Examples:
        >>> import numpy as np
        >>> from matplotlib.figure import Figure
        >>> from mlplab.compare import calibration
        >>> p = np.tile([[0.7, 0.3], [0.9, 0.1]], (20, 1))
        >>> ax = reliability_diagram(calibration(p, np.zeros(40, int)), Figure().subplots())
        >>> [line.get_label() for line in ax.lines][:2]
        ['as sure as right', 'right, over seeds']
    """
    bins = [one for one in calibration.bins() if one.count >= 1]
    total = float(calibration.counts[0].sum())
    ax.plot([0, 1], [0, 1], color="gray", linestyle=":", linewidth=1.6, label="as sure as right")
    many = [one for one in bins if one.count >= _FEW]
    _points(many, ax, label="right, over seeds")
    _points([one for one in bins if one.count < _FEW], ax, linestyle="", markerfacecolor="none")
    shares = calibration.counts.mean(axis=0) / total
    ax.stairs(shares, calibration.edges, color=ORANGE, linestyle="--", label="share of examples")
    ax.set_xlim(0, 1.01)
    ax.set_ylim(0, 1.02)
    ax.set_xlabel("confidence: the highest probability")
    ax.set_ylabel("share of right answers")
    ax.grid(True, linewidth=0.6)
    ax.legend(fontsize="small", loc="upper left", framealpha=1)
    return ax


def _points(bins: list[Bin], ax: Axes, **style: Any) -> None:
    x, y = [one.confidence for one in bins], [one.accuracy.mean for one in bins]
    ends = [one.accuracy.interval or (one.accuracy.mean,) * 2 for one in bins]
    plain: dict[str, Any] = {"color": BLUE, "linewidth": 1.2, "marker": "o", "ms": 5.5}
    ax.plot(x, y, **(plain | style))
    ax.vlines(x, [max(low, 0) for low, _ in ends], [min(high, 1) for _, high in ends], color=BLUE)
