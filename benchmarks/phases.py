"""Where an epoch's time goes: ``python -m benchmarks.phases docs/images/phases.svg``.

Trains the notebook's networks with the native engine and draws the seconds of each phase of the
core, of the epoch whose total is the median one.
"""

from __future__ import annotations

import datetime
import logging
import sys
from pathlib import Path

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt

from benchmarks import machine
from mlplab.data import load
from mlplab.engine import fit
from mlplab.recipes import notebook_recipes

EPOCHS = 8  # the first is left out

Seconds = dict[str, float]  # by phase

# Okabe and Ito's colours, which the colour-blind tell apart; waiting is grey.
COLOURS = ["#e69f00", "#0072b2", "#56b4e9", "#cc79a7", "#009e73", "#d55e00", "#b0b0b0"]


def measure() -> dict[str, Seconds]:
    """Train each network, and return the phases of its median epoch, by network."""
    from benchmarks.keras_fit import Phases  # imports Keras, whose backend mlplab has chosen by now

    dataset = load("mnist")
    phases = Phases()
    logger = logging.getLogger("mlplab")
    logger.addHandler(phases)
    logger.setLevel(logging.DEBUG)
    medians = {}
    for recipe in notebook_recipes():
        phases.epochs.clear()
        targets = recipe.targets(dataset.train.y, dataset.n_classes)
        options = {"batch_size": recipe.batch_size, "epochs": EPOCHS, "verbose": 0, "seed": 0}
        fit(recipe.model(dataset), dataset.train.x, targets, engine="native", **options)
        ranked = sorted(phases.epochs[1:], key=lambda epoch: sum(epoch.values()))
        medians[recipe.name] = ranked[len(ranked) // 2]
    return medians


def measured_on() -> str:
    """Say on what machine and when."""
    about, today = machine.describe(), datetime.date.today().isoformat()
    return f"{about['processor']}, {about['cores']} cores, {about['isa']}, {today}"


def draw(medians: dict[str, Seconds], where: str, path: Path) -> None:
    """Draw a bar a network, a piece a phase, and say where it was measured."""
    names = list(medians)[::-1]
    plt.rcParams |= {"svg.hashsalt": "phases", "svg.fonttype": "none", "font.size": 10}
    figure, ax = plt.subplots(figsize=(8, 3), layout="constrained")
    left = [0.0] * len(names)
    legible = 0.04 * max(sum(seconds.values()) for seconds in medians.values())
    for phase, colour in zip(medians[names[0]], COLOURS, strict=True):
        widths = [medians[name][phase] for name in names]
        bars = ax.barh(names, widths, left=left, color=colour, label=phase.replace("_", " "))
        ax.bar_label(
            bars, [f"{w:.2f}" if w >= legible else "" for w in widths], label_type="center"
        )
        left = [start + width for start, width in zip(left, widths, strict=True)]
    ax.set_xlabel(f"seconds of thread 0 in an epoch of 60,000 images\n{where}")
    ax.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=len(COLOURS), frameon=False, handlelength=1)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    draw(measure(), measured_on(), Path(sys.argv[1]))
