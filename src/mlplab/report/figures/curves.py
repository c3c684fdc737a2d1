"""Figures against epochs: loss, accuracy, training loss over a published curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from mlplab.report.figures.palette import PUBLISHED, TRAINING, VALIDATION


def loss_curves(history: pd.DataFrame, loss_name: str, validation_name: str, ax: Axes) -> Axes:
    """Draw training and validation loss against epoch: every seed faint, their mean, a band.

    The band is one standard deviation (n - 1) about the mean, where there are two runs or more.
    Runs that stopped early (diverged) are drawn as far as they go, end in a cross, and are left
    out of mean and band.

    Args:
        history: a row an epoch, with columns seed, epoch, loss, val_loss.
        loss_name: the label of the y axis.
        validation_name: what the legend calls the validation examples.
        ax: where to draw.

    Examples:
        >>> from matplotlib.figure import Figure
        >>> history = pd.DataFrame(
        ...     {"seed": [0, 0], "epoch": [1, 2], "loss": [0.9, 0.4], "val_loss": [0.5, 0.3]}
        ... )
        >>> loss_curves(history, "Loss", "validation", Figure().subplots()).get_ylabel()
        'Loss'
    """
    _draw_runs(history, "loss", "training", TRAINING, ax)
    _draw_runs(history, "val_loss", validation_name, VALIDATION, ax)
    ax.set_ylabel(loss_name)
    return _finish(ax)


def accuracy_curves(history: pd.DataFrame, validation_name: str, ax: Axes) -> Axes:
    """Draw training and validation accuracy against epoch, as :func:`loss_curves` does loss.

    Args:
        history: a row an epoch, with columns seed, epoch, accuracy, val_accuracy, loss, val_loss.
        validation_name: what the legend calls the validation examples.
        ax: where to draw.
    """
    _draw_runs(history, "accuracy", "training", TRAINING, ax)
    _draw_runs(history, "val_accuracy", validation_name, VALIDATION, ax)
    ax.set_ylabel("accuracy")
    ax.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    return _finish(ax)


def published_loss(
    history: pd.DataFrame, published: Sequence[float], loss_name: str, ax: Axes
) -> Axes:
    """Draw training loss against epoch over a published curve.

    Args:
        history: a row an epoch, with columns seed, epoch, loss, val_loss.
        published: the training loss after epoch 1, 2, ..., as far as it was published.
        loss_name: the label of the y axis.
        ax: where to draw.
    """
    _draw_runs(history, "loss", "training, here", TRAINING, ax)
    epochs = range(1, len(published) + 1)
    ax.plot(epochs, published, label="training, published (one run)", markersize=4, **PUBLISHED)
    ax.set_ylabel(loss_name)
    return _finish(ax)


def whole_runs(history: pd.DataFrame) -> list[int]:
    """Return the seeds of the runs that went on to the last epoch with finite losses.

    Examples:
        >>> history = pd.DataFrame(
        ...     {"seed": [0, 0, 1], "epoch": [1, 2, 1], "loss": 0.5, "val_loss": 0.5}
        ... )
        >>> whole_runs(history)
        [0]
    """
    finite = history.dropna(subset=["loss", "val_loss"])
    n_epochs = finite.groupby("seed").epoch.count()
    return [int(seed) for seed in n_epochs.index[n_epochs == history.epoch.max()]]


def _draw_runs(
    history: pd.DataFrame, column: str, name: str, style: dict[str, Any], ax: Axes
) -> None:
    """Draw one column: a faint line a seed, the mean of the whole runs, and their band."""
    runs = history.pivot_table(index="epoch", columns="seed", values=column, dropna=False)
    whole = runs[[seed for seed in whole_runs(history) if seed in runs]]
    for seed in runs:
        faint = {"color": style["color"], "linestyle": style["linestyle"]}
        ax.plot(runs.index, runs[seed], linewidth=0.8, alpha=0.45, **faint)
        if seed not in whole:
            last = runs[seed].dropna().tail(1)
            ax.plot(last.index, last, "x", color=style["color"])
    if whole.shape[1]:
        mean, n_runs = whole.mean(axis=1), whole.shape[1]
        label = name if n_runs == 1 else f"{name}: mean of {n_runs}"
        ax.plot(mean.index, mean, label=label, linewidth=1.8, markersize=3, **style)
    if whole.shape[1] > 1:
        spread = whole.std(axis=1)
        band = f"{name}: ± 1 sd"
        ax.fill_between(
            mean.index,
            mean - spread,
            mean + spread,
            color=style["color"],
            alpha=0.2,
            lw=0,
            label=band,
        )


def _finish(ax: Axes) -> Axes:
    ax.set_xlabel("epoch")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(True, linewidth=0.6)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(fontsize="small")
    return ax
