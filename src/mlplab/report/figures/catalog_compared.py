"""The figures of recipes side by side: all of them together, and two at a time."""

from __future__ import annotations

from mlplab.report.figures.comparisons import (
    forest_plot,
    group_letters,
    half_width_over_seeds,
    uncertainty_split,
)
from mlplab.report.figures.entry import FigureEntry
from mlplab.report.figures.pictures import picture_gallery, picture_pairs
from mlplab.report.figures.sources import spread_by_source

COMPARED_FIGURES: dict[str, FigureEntry] = {
    "drawn": FigureEntry(
        draw=picture_pairs,
        needs=("drawn_pairs", "drawn_names"),
        title="One test image, changed in each way",
        alt="The first test image, changed as the titles say ({drawn_kinds}), and under each the "
        "same brought to MNIST's frame.",
        caption="Above: the image as it is. Below: framed as every drawing is, its ink in a box of "
        "20 × 20 pixels with the centre of mass in the middle. Framing undoes place, size and "
        "colour; it does not undo a hand.",
        height=3.9,
    ),
    "forest": FigureEntry(
        draw=forest_plot,
        needs=("comparison",),
        title="Every difference with its interval",
        alt="Forest plot of the differences between recipes, with the margin as a band. {verdicts}",
        caption="Right of zero the first recipe scores higher, left of it the second. Filled "
        "circle: better; hollow circle: better by less than the margin; square: practically the "
        "same; hollow diamond, dashed: cannot tell yet. The band is the margin; intervals hold "
        "all at once, in {level} of experiments.",
        height=lambda comparison: 1.0 + 0.5 * len(comparison.pairs),
    ),
    "groups": FigureEntry(
        draw=group_letters,
        needs=("letters", "run_accuracies"),
        title="Recipes that have not been told apart",
        alt="Dot plot of test accuracy, best recipe on top, with letters of groups. {groups}.",
        caption="A dot is one run, a bar the mean. Recipes that share a letter have not been told "
        "apart; those that share none have.",
        height=lambda letters, _: 1.2 + 0.4 * len(letters),
    ),
    "split": FigureEntry(
        draw=uncertainty_split,
        needs=("pairs",),
        title="Where the uncertainty comes from",
        alt="Stacked bars of the variance of each difference by source, as standard deviations: "
        "{splits}.",
        caption="More seeds shrink the hatched part, more test examples the dotted one, either "
        "the plain one. Where most of a bar is dotted, more seeds of the same recipes help little.",
        height=lambda pairs: 1.1 + 0.5 * len(pairs),
    ),
    "half-width": FigureEntry(
        draw=half_width_over_seeds,
        needs=("closest",),
        title="What more seeds would bring",
        alt="Line chart of the expected half-width of the interval for {closest} against the "
        "number of seeds, with the floor that the test set sets. {sentence}",
        caption="For {closest}, the pair that is hardest to tell apart. The interval is "
        "expected to reach as far as the curve on either side of the difference; the dot is the "
        "one there is, which two or three seeds can put far from the curve. {floor_note}",
    ),
    "variation": FigureEntry(
        draw=spread_by_source,
        needs=("variation",),
        title="What each source of chance does to the score",
        alt="Dot plot of the standard deviation of test accuracy by the source of chance that was "
        "varied. {variation_words}",
        caption="One source is varied, the others are held at seed 0. Lines are 95 % intervals of "
        "the standard deviation: with few runs it is known only roughly.",
    ),
    "nobody": FigureEntry(
        draw=picture_gallery,
        needs=("nobody",),
        title="Misread by every run of every network",
        alt="Pictures of test examples that none of {n_runs} reads right: {n_nobody}.",
        caption="None of {n_runs} reads them right: {n_nobody} in all, those first on whose answer "
        "most runs agree. Some labels may be wrong. {disputed_note}",
        height=7.4,
    ),
    "luck": FigureEntry(
        draw=picture_gallery,
        needs=("luck",),
        title="Up to the seed",
        alt="Pictures of test examples that runs of one network answer now right, now wrong: "
        "{n_luck}.",
        caption="Runs of one network differ on them: {n_luck} in all, the most even splits first. "
        "Under each the answers of all runs. {disputed_note}",
        height=7.4,
    ),
}
"""Figures of all recipes of a study together, by name."""

PAIR_FIGURES: dict[str, FigureEntry] = {
    "only-a": FigureEntry(
        draw=picture_gallery,
        needs=("only_a",),
        title="Right for the first, wrong for the second",
        alt="Pictures of test examples that most runs of {a} read right and most of {b} wrong: "
        "{n_only_a}.",
        caption="Most runs of {a} read them right, most of {b} wrong: {n_only_a} in all. "
        "Under each its number, its label and the answers of {b}. {disputed_note}",
        height=3.4,
    ),
    "only-b": FigureEntry(
        draw=picture_gallery,
        needs=("only_b",),
        title="Right for the second, wrong for the first",
        alt="Pictures of test examples that most runs of {b} read right and most of {a} wrong: "
        "{n_only_b}.",
        caption="Most runs of {b} read them right, most of {a} wrong: {n_only_b} in all. "
        "Under each its number, its label and the answers of {a}. {disputed_note}",
        height=3.4,
    ),
}
"""Figures of two recipes, by name."""
