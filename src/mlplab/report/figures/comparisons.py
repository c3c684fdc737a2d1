"""Figures of a comparison: intervals and verdicts, where uncertainty comes from, groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, ScalarFormatter

from mlplab.compare import Comparison, Metric, Pair, Verdict, expected_half_width
from mlplab.report.figures.palette import BLUE, GREEN, ORANGE, literal, pale
from mlplab.report.figures.rows import draw_mean, draw_row, finish_rows, stretch_if_wide

DIFFERENCE: dict[Metric, str] = {
    "accuracy": "difference of test accuracy, points",
    "loss": "difference of test loss",
}

_BETTER = {"color": BLUE, "marker": "o", "linestyle": "-"}
_SLIGHTLY = {"color": BLUE, "marker": "o", "linestyle": "-", "markerfacecolor": "none"}
_SAME = {"color": GREEN, "marker": "s", "linestyle": "-"}
_OPEN = {"color": ORANGE, "marker": "D", "linestyle": "--", "markerfacecolor": "none"}

VERDICT_STYLES: dict[Verdict, dict[str, Any]] = {
    "a better": _BETTER,
    "b better": _BETTER,
    "a slightly better": _SLIGHTLY,
    "b slightly better": _SLIGHTLY,
    "practically the same": _SAME,
    "cannot tell yet": _OPEN,
}
"""Line and marker of each verdict: shape and fill say it as well as colour."""

# Source of uncertainty -> attribute of a pair, colour, hatch.
SOURCES: dict[str, tuple[str, str, str]] = {
    "seeds": ("sd_seeds", BLUE, "//"),
    "test examples": ("sd_examples", ORANGE, ".."),
    "within runs": ("sd_within", GREEN, ""),
}

# Where an interval reaches this many times further than the closer half, the axis is logarithmic
# beyond those.
_FAR = 8.0
_LARGEST_S = 10**9  # seeds, for what remains when there is no end of them
_LEAST_FLOOR = 0.01  # of the present half-width, to be drawn
_LEAST_SHARE = 0.1  # of a bar, to be written into it


def forest_plot(comparison: Comparison, ax: Axes) -> Axes:
    """Draw the difference of every pair with its interval, the margin as a band, and the verdict.

    A filled circle: a recipe is better; hollow: better by less than the margin; a square:
    practically the same; a hollow diamond on a dashed line: cannot tell yet. Where pairs lie far
    apart the axis goes over into steps of ten.

    Args:
        comparison: what ``compare_scores`` or ``Study.compare`` returned.
        ax: where to draw; half an inch a pair is room enough.

    Examples:
        >>> import mlplab
        >>> from matplotlib.figure import Figure
        >>> rng = np.random.default_rng(0)
        >>> scores = {name: rng.random((3, 900)) < p for name, p in [("x", 0.9), ("y", 0.7)]}
        >>> ax = forest_plot(mlplab.compare_scores(scores), Figure().subplots())
        >>> ax.get_xlabel(), ax.texts[0].get_text()
        ('difference of test accuracy, points', 'x – y: x better')
    """
    margin, pairs = comparison.margin, comparison.pairs
    ax.axvline(0, color="gray", linewidth=1)
    if margin:
        ax.axvspan(-margin, margin, color="gray", alpha=0.18, linewidth=0, label="margin")
        for edge in (-margin, margin):
            ax.axvline(edge, color="gray", linewidth=0.8, linestyle=":")
    for row, pair in enumerate(pairs):
        style = VERDICT_STYLES[pair.verdict]
        line = {"color": style["color"], "linestyle": style["linestyle"]}
        ax.plot([pair.low, pair.high], [row, row], marker="|", ms=7, linewidth=1.8, **line)
        ax.plot([pair.difference], [row], ms=7, **style)
        ax.text(
            0.0, row - 0.27, f"{_names(pair)}: {_verdict(pair)}",
            transform=ax.get_yaxis_transform(), ha="left", va="bottom", fontsize=8.5,
        )  # fmt: skip
    _widen(pairs, margin, ax)
    ax.set_yticks([])
    ax.set_ylim(len(pairs) - 0.5, -0.95)
    ax.set_xlabel(DIFFERENCE[comparison.metric])
    ax.grid(True, axis="x", linewidth=0.6)
    return ax


def uncertainty_split(pairs: Sequence[Pair], ax: Axes) -> Axes:
    """Draw how much of each pair's uncertainty comes from where, as a bar of shares.

    Shares are of the variance of the difference: what more seeds would reduce, what more test
    examples would, and what either would.

    Args:
        pairs: pairs of a comparison under the claim ``recipes``.
        ax: where to draw; half an inch a pair is room enough.
    """
    for row, pair in enumerate(pairs):
        variances = {name: getattr(pair, field) ** 2 for name, (field, _, _) in SOURCES.items()}
        total, left = sum(variances.values()) or 1.0, 0.0
        for name, variance in variances.items():
            share = 100 * variance / total
            _, color, hatch = SOURCES[name]
            ax.barh(
                row, share, 0.5, left, label=name,
                facecolor=pale(color), edgecolor=color, hatch=hatch, linewidth=1,
            )  # fmt: skip
            if share > 100 * _LEAST_SHARE:
                box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"}
                ax.text(
                    left + share / 2, row, f"{share:.0f} %", ha="center", va="center",
                    fontsize=8, color="#22262b", bbox=box,
                )  # fmt: skip
            left += share
        ax.text(0, row - 0.29, _names(pair), ha="left", va="bottom", fontsize=8.5)
    ax.set_xlim(0, 100)
    ax.set_xlabel("share of the variance of the difference, %")
    finish_rows([""] * len(pairs), ax)
    ax.set_yticks([])
    ax.set_ylim(len(pairs) - 0.6, -0.8)
    return ax


def half_width_over_seeds(pair: Pair, ax: Axes) -> Axes:
    """Draw how narrow a pair's interval is expected to be with so many seeds a recipe.

    The floor is what the test set leaves however many seeds there are. An interval can be decided
    where half its width lies below the difference (it then keeps clear of zero), or below the
    margin less the difference (it then lies within the margin).

    Args:
        pair: a pair under a claim for which seeds are a sample.
        ax: where to draw.
    """
    now = min(pair.components.n_seeds)
    most = int(max(100, 4 * now, min(pair.seeds_needed or 0, 1000)))
    seeds = np.unique(np.geomspace(2, most, 60).round().astype(int))
    widths = [expected_half_width(pair, int(n)) for n in seeds]
    floor, here = floor_of(pair), (pair.high - pair.low) / 2
    ax.plot(seeds, widths, color=BLUE, linewidth=2, label="expected half-width")
    ax.plot([now], [here], ls="", marker="o", ms=7, color=BLUE, label=f"now: {now} seeds")
    if has_floor(pair):
        ax.axhline(floor, color=ORANGE, linestyle="--", label="floor: this test set")
        ax.fill_between(seeds, 0, floor, facecolor=pale(ORANGE), hatch="..", edgecolor=ORANGE,
                        linewidth=0)  # fmt: skip
    ax.axhline(pair.margin, color="gray", linestyle=":", linewidth=1.6, label="margin")
    ax.axhline(abs(pair.difference), color=GREEN, linestyle="-.", label="difference found")
    ax.set_xscale("log")
    ax.set_xlim(2, most)
    highest = min(max(widths), 3 * max(here, abs(pair.difference), pair.margin))
    ax.set_ylim(0, 1.05 * max(highest, here))
    shown = [n for n in (2, 3, 5, 10, 20, 30, 50, 100, 200, 500, 1000) if n <= most]
    ax.set_xticks(shown, [str(n) for n in shown])
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("seeds a recipe")
    ax.set_ylabel("half the interval, points" if pair.metric == "accuracy" else "half the interval")
    ax.grid(True, linewidth=0.6)
    ax.legend(fontsize="small", loc="upper right")
    return ax


def floor_of(pair: Pair) -> float:
    """Return half the width of a pair's interval that no number of seeds gets below."""
    return expected_half_width(pair, _LARGEST_S)


def has_floor(pair: Pair) -> bool:
    """Return whether that floor is high enough to be seen."""
    return floor_of(pair) > _LEAST_FLOOR * expected_half_width(pair, min(pair.components.n_seeds))


def group_letters(
    letters: Mapping[str, str], means: Mapping[str, npt.NDArray[np.float64]], ax: Axes
) -> Axes:
    """Draw the accuracy of every run, a row a recipe, best on top, with the letters of its groups.

    Recipes that share a letter were not told apart.

    Args:
        letters: ``Comparison.groups()``: the letters by recipe, best first.
        means: by recipe, the accuracy of each run, a share.
        ax: where to draw.

    Examples:
        >>> from matplotlib.figure import Figure
        >>> means = {"x": np.array([0.96, 0.97]), "y": np.array([0.98, 0.981])}
        >>> ax = group_letters({"y": "a", "x": "b"}, means, Figure().subplots())
        >>> [text.get_text() for text in ax.texts]
        ['a', 'b']
    """
    for row, (name, letter) in enumerate(letters.items()):
        percents = 100 * np.asarray(means[name])
        draw_row(percents, row, {"color": BLUE, "label": "one run"}, ax)
        draw_mean(float(percents.mean()), row, "mean", ax)
        ax.text(
            1.02, row, letter, transform=ax.get_yaxis_transform(), ha="left", va="center",
            fontsize=11, fontweight="bold",
        )  # fmt: skip
    stretch_if_wide([100 * float(value) for name in letters for value in means[name]], ax)
    ax.set_xlabel("test accuracy, %")
    return finish_rows(list(letters), ax)


def _names(pair: Pair) -> str:
    return f"{literal(pair.a)} – {literal(pair.b)}"


def _verdict(pair: Pair) -> str:
    """Write a verdict with the name of the recipe that it puts first."""
    if pair.better is None:
        return pair.verdict
    return f"{literal(pair.better)} {pair.verdict[2:]}"


def _widen(pairs: Sequence[Pair], margin: float, ax: Axes) -> None:
    """Set the limits about all intervals; beyond the closer half go over to steps of ten."""
    reach = sorted(max(abs(pair.low), abs(pair.high)) for pair in pairs)
    closer = max(reach[(len(reach) - 1) // 2], margin)
    low = min(-margin, *(pair.low for pair in pairs))
    high = max(margin, *(pair.high for pair in pairs))
    if reach[-1] > _FAR * closer:
        ax.set_xscale("symlog", linthresh=closer, linscale=1.5)
        ax.xaxis.set_major_formatter(ScalarFormatter())
        ax.set_xlim(1.3 * min(low, -closer), 1.3 * max(high, closer))
    else:
        room = 0.06 * (high - low)
        ax.set_xlim(low - room, high + room)
