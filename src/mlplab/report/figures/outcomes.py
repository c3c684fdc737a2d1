"""Figures of what came out: scores over seeds, seconds an epoch, the confusion matrix."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from mlplab.report.figures.palette import BLUE, COUNTS, ORANGE, PUBLISHED, literal

# A cell of more than this share of the strongest colour takes white text.
_DARK_CELL = 0.55
# From here on a mean count is written without decimals.
_LARGE_COUNT = 9.95
# Beyond this many classes a count in each cell is too small to read.
_MOST_CLASSES_WITH_COUNTS = 15
# Accuracies further apart than this, in points, are drawn on an axis stretched towards 100 %.
_WIDE_POINTS = 2.0
_FINEST_ERROR = 0.005
# Ticks of such an axis, the ones to keep first where they would crowd each other.
_STRETCHED_TICKS = (90, 98, 99, 95, 99.5, 99.9, 50, 80, 97, 98.5, 99.8, 0, 99.95)
_CLOSEST_TICKS = 0.1  # of the axis


def accuracy_over_seeds(frame: pd.DataFrame, published: Mapping[str, float], ax: Axes) -> Axes:
    """Draw the test accuracy of every run, a row a recipe, with mean and published value.

    Args:
        frame: a row a run, with columns recipe, seed, test_accuracy (a share; NaN is left out).
        published: the published test accuracy of recipes that have one.
        ax: where to draw.

    Examples:
        >>> from matplotlib.figure import Figure
        >>> frame = pd.DataFrame({"recipe": "a", "seed": [0, 1], "test_accuracy": [0.97, 0.98]})
        >>> accuracy_over_seeds(frame, {"a": 0.975}, Figure().subplots()).get_xlabel()
        'test accuracy, %'
    """
    done = frame.dropna(subset=["test_accuracy"])
    names = list(dict.fromkeys(done.recipe))
    for row, name in enumerate(names):
        accuracy = 100 * done.test_accuracy[done.recipe == name].to_numpy()
        _draw_row(accuracy, row, {"color": BLUE, "label": "one run"}, ax)
        _mark(accuracy.mean(), row, "mean", ax)
        if name in published:
            shape = {"marker": PUBLISHED["marker"], "color": PUBLISHED["color"]}
            label = "published (one run)"
            ax.plot(100 * published[name], row + 0.34, ls="", ms=6, label=label, **shape)
    values = [*done.test_accuracy, *(published[name] for name in names if name in published)]
    if values and 100 * (max(values) - min(values)) > _WIDE_POINTS:
        _stretch(100 * min(values), 100 * max(values), ax)
    ax.set_xlabel("test accuracy, %")
    return _finish_rows(names, ax)


def seconds_per_epoch(history: pd.DataFrame, ax: Axes) -> Axes:
    """Draw the seconds of every epoch, a row a recipe, with the median of all but first epochs.

    A run's first epoch includes the wait for the compiler and is drawn hollow.

    Args:
        history: a row an epoch, with columns recipe, seed, epoch, seconds.
        ax: where to draw.
    """
    names = list(dict.fromkeys(history.recipe))
    first = history.epoch == history.epoch.min()
    for row, name in enumerate(names):
        own = history.recipe == name
        hollow = {"color": ORANGE, "markerfacecolor": "none", "label": "first epoch of a run"}
        _draw_row(history.seconds[own & first].to_numpy(), row, hollow | {"marker": "s"}, ax)
        _draw_row(
            history.seconds[own & ~first].to_numpy(), row, {"color": BLUE, "label": "later"}, ax
        )
        steady = history.seconds[own & ~first] if (own & ~first).any() else history.seconds[own]
        _mark(float(steady.median()), row, "median of later", ax)
    ax.set_xlim(left=0)
    ax.set_xlabel("seconds an epoch, with validation")
    return _finish_rows(names, ax)


def confusion_matrix(counts: npt.NDArray[np.float64], class_names: Sequence[str], ax: Axes) -> Axes:
    """Draw how often each class is taken for each other one.

    Colour is for the mistakes alone: the diagonal, right answers, would outshine them.

    Args:
        counts: test examples, shape (n_classes, n_classes), truth by answer; means over runs.
        class_names: one a class.
        ax: where to draw.

    Examples:
        >>> from matplotlib.figure import Figure
        >>> counts = np.array([[9.0, 1.0], [0.0, 8.0]])
        >>> ax = confusion_matrix(counts, ["a", "b"], Figure().subplots())
        >>> [text.get_text() for text in ax.texts]
        ['9', '1', '8']
    """
    mistakes = counts.copy()
    np.fill_diagonal(mistakes, 0)
    most = max(float(mistakes.max()), 1.0)
    ax.imshow(mistakes, cmap=COUNTS, vmin=0, vmax=most)
    if len(counts) <= _MOST_CLASSES_WITH_COUNTS:
        for truth, answer in np.argwhere(counts):
            count = _written(float(counts[truth, answer]))
            text = ax.text(answer, truth, count, ha="center", va="center", fontsize=7)
            if mistakes[truth, answer] > _DARK_CELL * most:
                text.set_color("white")
    names = [literal(name) for name in class_names]
    ax.set_xticks(range(len(names)), names, rotation=90 if max(map(len, names)) > 3 else 0)
    ax.set_yticks(range(len(names)), names)
    ax.set_xlabel("answer")
    ax.set_ylabel("truth")
    return ax


def _written(count: float) -> str:
    """Write a mean count, with a decimal where it is small and has one."""
    whole = count >= _LARGE_COUNT or math.isclose(count, round(count))
    return f"{count:.0f}" if whole else f"{count:.1f}"


def _draw_row(values: npt.NDArray[Any], row: int, style: dict[str, Any], ax: Axes) -> None:
    """Draw values as points about the height ``row``, in their order from top to bottom."""
    spread = np.linspace(-0.22, 0.22, len(values)) if len(values) > 1 else np.zeros(len(values))
    points: dict[str, Any] = {"marker": "o", "ls": "", "ms": 4.5, "alpha": 0.8}
    ax.plot(values, row + spread, **(points | style))


def _mark(value: float, row: int, label: str, ax: Axes) -> None:
    ax.plot([value, value], [row - 0.34, row + 0.34], color=BLUE, linewidth=2, label=label)


def _finish_rows(names: Sequence[str], ax: Axes) -> Axes:
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
