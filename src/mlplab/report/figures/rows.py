"""What figures of rows share: points, their mean, names, an axis stretched towards 100 %."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from mlplab.report.figures.palette import BLUE, literal

# Accuracies further apart than this, in points, are drawn on an axis stretched towards 100 %.
_WIDE_POINTS = 2.0
_FINEST_ERROR = 0.005
# Ticks of such an axis, the ones to keep first where they would crowd each other.
_STRETCHED_TICKS = (90, 98, 99, 95, 99.5, 99.9, 50, 80, 97, 98.5, 99.8, 0, 99.95)
_CLOSEST_TICKS = 0.1  # of the axis


def draw_row(values: npt.NDArray[Any], row: int, style: dict[str, Any], ax: Axes) -> None:
    """Draw values as points about the height ``row``, in their order from top to bottom."""
    spread = np.linspace(-0.22, 0.22, len(values)) if len(values) > 1 else np.zeros(len(values))
    points: dict[str, Any] = {"marker": "o", "ls": "", "ms": 4.5, "alpha": 0.8}
    ax.plot(values, row + spread, **(points | style))


def draw_mean(value: float, row: int, label: str, ax: Axes) -> None:
    """Draw a bar at a row's mean, or whatever stands for it."""
    ax.plot([value, value], [row - 0.34, row + 0.34], color=BLUE, linewidth=2, label=label)


def finish_rows(names: Sequence[str], ax: Axes) -> Axes:
    """Name the rows, the first on top; draw the grid, and a legend over the axes."""
    ax.set_yticks(range(len(names)), [literal(name) for name in names])
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.grid(True, axis="x", linewidth=0.6)
    handles, labels = ax.get_legend_handles_labels()
    by_label = dict(zip(labels, handles, strict=True))
    if by_label:
        ax.legend(
            by_label.values(), by_label, fontsize="small", ncols=3, loc="lower center",
            bbox_to_anchor=(0.5, 1.0), frameon=False, columnspacing=1.2, handletextpad=0.4,
        )  # fmt: skip
    return ax


def stretch_if_wide(percents: Sequence[float], ax: Axes) -> None:
    """Stretch a percent axis towards 100 where the values are far apart."""
    if percents and max(percents) - min(percents) > _WIDE_POINTS:
        _stretch(min(percents), max(percents), ax)


def _stretch(low: float, high: float, ax: Axes) -> None:
    """Stretch a percent axis towards 100: steps are in the logarithm of the errors."""
    left, right = 100 - (100 - low) * 1.2, 100 - max(100 - high, _FINEST_ERROR) / 1.2
    ax.set_xscale("function", functions=(_to_step, _from_step))
    ax.set_xlim(left, right)
    ax.xaxis.set_major_locator(FixedLocator(_uncrowded(left, right)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _to_step(percent: Any) -> Any:
    return -np.log(np.maximum(100 - np.asarray(percent, float), _FINEST_ERROR))


def _from_step(step: Any) -> Any:
    return 100 - np.exp(-np.asarray(step, float))


def _uncrowded(left: float, right: float) -> list[float]:
    """Choose ticks of a stretched axis, each some way from those chosen before it."""
    room = _CLOSEST_TICKS * (_to_step(right) - _to_step(left))
    chosen: list[float] = []
    for tick in _STRETCHED_TICKS:
        if left <= tick <= right and all(
            abs(_to_step(tick) - _to_step(other)) >= room for other in chosen
        ):
            chosen.append(tick)
    return sorted(chosen)
