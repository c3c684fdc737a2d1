"""What the pictures share: colours, and a row of panels written as a PNG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt

OURS, RIVAL = "#0072b2", "#b0b0b0"
COLUMNS = 2


@contextmanager
def panels(n: int, path: Path) -> Iterator[list[Any]]:
    """Give n Axes, at most two in a row, and write the figure when the block ends."""
    rows, columns = -(-n // COLUMNS), min(n, COLUMNS)
    figure, grid = plt.subplots(
        rows, columns, figsize=(6.0 * columns, 3.4 * rows), squeeze=False, layout="constrained"
    )
    axes = list(grid.flat)
    for ax in axes[n:]:
        ax.set_axis_off()
    for ax in axes[:n]:
        ax.spines[["top", "right"]].set_visible(False)
    yield axes[:n]
    figure.savefig(path, dpi=110)
    plt.close(figure)


def ranked_bars(ax: Any, bars: Sequence[tuple[str, float, bool]], title: str, unit: str) -> None:
    """Draw (label, value, whether ours) as bars, the smallest on top."""
    ranked = sorted(bars, key=lambda bar: -bar[1])
    colours = [OURS if ours else RIVAL for _, _, ours in ranked]
    drawn = ax.barh([b[0] for b in ranked], [b[1] for b in ranked], color=colours)
    ax.bar_label(drawn, fmt="%.2f", padding=3)
    ax.margins(x=0.2)
    ax.set(title=title, xlabel=unit)
