"""Figures of what came out: scores over seeds, seconds an epoch, the confusion matrix."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from mlplab.report.figures.palette import BLUE, COUNTS, ORANGE, PUBLISHED, literal
from mlplab.report.figures.rows import draw_mean, draw_row, finish_rows, stretch_if_wide

# A cell of more than this share of the strongest colour takes white text.
_DARK_CELL = 0.55
# From here on a mean count is written without decimals.
_LARGE_COUNT = 9.95
# Beyond this many classes a count in each cell is too small to read.
_MOST_CLASSES_WITH_COUNTS = 15


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
        draw_row(accuracy, row, {"color": BLUE, "label": "one run"}, ax)
        draw_mean(accuracy.mean(), row, "mean", ax)
        if name in published:
            shape = {"marker": PUBLISHED["marker"], "color": PUBLISHED["color"]}
            label = "published (one run)"
            ax.plot(100 * published[name], row + 0.34, ls="", ms=6, label=label, **shape)
    values = [*done.test_accuracy, *(published[name] for name in names if name in published)]
    stretch_if_wide([100 * value for value in values], ax)
    ax.set_xlabel("test accuracy, %")
    return finish_rows(names, ax)


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
        draw_row(history.seconds[own & first].to_numpy(), row, hollow | {"marker": "s"}, ax)
        draw_row(
            history.seconds[own & ~first].to_numpy(), row, {"color": BLUE, "label": "later"}, ax
        )
        steady = history.seconds[own & ~first] if (own & ~first).any() else history.seconds[own]
        draw_mean(float(steady.median()), row, "median of later", ax)
    ax.set_xlim(left=0)
    ax.set_xlabel("seconds an epoch, with validation")
    return finish_rows(names, ax)


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
