"""The picture: seconds an epoch of every peer on every network."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt

from benchmarks.results import Bench, measured

OURS, RIVAL = "#0072b2", "#b0b0b0"


def draw(bench: Bench, path: Path) -> None:
    """Draw bars, a panel a network, the quickest on top, and write a PNG."""
    n = len(bench.results)
    figure, axes = plt.subplots(1, n, figsize=(4.2 * n, 3.4), squeeze=False, layout="constrained")
    for ax, (name, results) in zip(axes[0], bench.results.items(), strict=True):
        ranked = sorted(measured(results).items(), key=lambda item: -item[1].median)
        labels = [f"{p.title}{' + validation' if p.validates else ''}" for p, _ in ranked]
        colours = [OURS if peer.requires == "mlplab" else RIVAL for peer, _ in ranked]
        bars = ax.barh(labels, [result.median for _, result in ranked], color=colours)
        ax.bar_label(bars, fmt="%.2f", padding=3)
        ax.margins(x=0.2)
        ax.set(title=name, xlabel="seconds an epoch (median)")
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)
    plt.close(figure)
