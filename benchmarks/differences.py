"""The figures and numbers of docs/differences.md, from real runs: ``make differences``.

Four networks on MNIST, five epochs, ten seeds each, and the same again with a part of the training
images held out; runs that build/ already holds are not repeated.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import combinations, product
from pathlib import Path

import matplotlib as mpl
import numpy as np

import mlplab
from benchmarks import halvings
from benchmarks.halvings import CLAIMS, Scores, halves_of_the_test_set, test_against_held_out
from benchmarks.marks import write_between_marks
from benchmarks.tables import table
from mlplab import Comparison, Recipe, Study, compare_scores, notebook_recipes
from mlplab.compare import Claim, Pair, expected_half_width
from mlplab.recipes import fan_in_recipes
from mlplab.report.compared import Compared
from mlplab.report.figures.catalog import STUDY_FIGURES
from mlplab.report.figures.catalog_compared import COMPARED_FIGURES
from mlplab.report.material import Network, study_material
from mlplab.report.render import picture
from mlplab.report.together import compared_material
from mlplab.study.summary import summarize

COMMAND = "make differences"
STUDY = Path("build/differences.study")
PAGE, IMAGES = Path("docs/differences.md"), Path("docs/images/differences")
METHOD = Path("docs/statistics.md")
EPOCHS, SEEDS = 5, 10
SHOWN = ("accuracy", "forest", "split", "half-width")
SMALL_TEST, DRAWS = 1000, 500


def recipes() -> list[Recipe]:
    """Return the notebook's networks with hidden layers, and the first with its slip mended."""
    chosen = (*notebook_recipes()[1:], *fan_in_recipes(["relu-2"]))
    return [recipe.replace(epochs=EPOCHS) for recipe in chosen]


def draw(study: Study, compared: Compared) -> None:
    """Draw the figures as the report does, and keep them as SVG."""
    networks = [Network(study, summary, None) for summary in summarize(study)]
    material = study_material(study, networks, None) | compared_material(compared)
    material["published"] = {}  # after other epochs
    IMAGES.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context({"svg.hashsalt": "mlplab"}):  # the same ids each time
        for name in SHOWN:
            entry = (STUDY_FIGURES | COMPARED_FIGURES)[name]
            (IMAGES / f"{name}.svg").write_bytes(picture(entry, material).svg)


def scores(study: Study) -> Scores:
    """Return by recipe whether each answer was right, shape (seeds, examples)."""
    return {record.label: study.outcomes(record.label) for record in study.recipes}


def parts(study: Study, found: Comparison, closest: Pair) -> dict[str, str]:
    """Return what the page says in numbers, by part."""
    right = scores(study)
    return {
        "single runs": _one_run_each(right, found),
        "intervals": _held(right),
        "verdicts": "\n".join(["```text", str(found), "```"]),
        "half-width": _half_widths(closest),
    }


def _one_run_each(right: Scores, found: Comparison) -> str:
    """Count how often a single run of either puts the two in the other order."""
    rows = []
    for pair in found.pairs:
        better, worse = (pair.a, pair.b) if pair.difference > 0 else (pair.b, pair.a)
        ups, downs = (right[name].mean(axis=1) for name in (better, worse))
        wrong = sum(up <= down for up, down in product(ups, downs))
        shown = f"{wrong} of {len(ups) * len(downs)}"
        rows.append([f"{better} over {worse}", f"{abs(pair.difference):.2f}", shown])
    head = ["all runs put", "by points", "single runs that do not"]
    return table(head, rows)


def _half_widths(pair: Pair) -> str:
    seeds = (3, 5, 10, 30, 100, 1000)
    widths = [f"{expected_half_width(pair, n):.3f}" for n in seeds]
    return table(["seeds a recipe", *map(str, seeds)], [["half the interval", *widths]])


def _held(right: Scores) -> str:
    """Count intervals found on few images that hold the difference on the many others."""
    rows = []
    for n_seeds in (3, 5, 10):
        few = {name: y[:n_seeds] for name, y in right.items()}
        cells = [str(n_seeds)]
        for claim in ("recipes-this-test", "recipes"):
            found = list(_intervals(few, right, claim))
            width = np.mean([(high - low) / 2 for low, high, _ in found])
            held = np.mean([low < truth < high for low, high, truth in found])
            cells += [f"{width:.2f}", f"{held:.0%}"]
        rows.append(cells)
    head = ["seeds", "seeds alone: half", "holds", "seeds and images: half", "holds"]
    return table(head, rows)


def _intervals(few: Scores, right: Scores, claim: Claim) -> Iterator[tuple[float, float, float]]:
    """Yield an interval found on few images, and the difference on the others, in points."""
    rng, n_examples = np.random.default_rng(0), next(iter(right.values())).shape[1]
    for _ in range(DRAWS):
        order = rng.permutation(n_examples)
        some, rest = order[:SMALL_TEST], order[SMALL_TEST:]
        for a, b in combinations(right, 2):
            scores = {name: few[name][:, some] for name in (a, b)}
            (pair,) = compare_scores(scores, claim).pairs
            truth = 100 * float(right[a][:, rest].mean() - right[b][:, rest].mean())
            yield pair.low, pair.high, truth


def main() -> None:
    """Train what is missing, draw, and write the numbers into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", type=Path, default=PAGE)
    page = parser.parse_args().page
    STUDY.parent.mkdir(exist_ok=True)
    with mlplab.run(recipes(), halvings.held_out(), SEEDS, path=halvings.HELD_OUT) as study:
        words = halvings.tables(
            {claim: [*test_against_held_out(scores(study), claim)] for claim in CLAIMS}
        )
        write_between_marks(METHOD, COMMAND, words, "held out")
    with mlplab.run(recipes(), "mnist", SEEDS, path=STUDY) as study:
        words = halvings.tables(
            {claim: [*halves_of_the_test_set(scores(study), claim)] for claim in CLAIMS}
        )
        write_between_marks(METHOD, COMMAND, words, "halves")
        compared = Compared(study)
        found, closest = compared.comparison, compared.closest
        if found is None or closest is None:
            raise SystemExit(f"error: {STUDY} has too few runs that did not diverge")
        draw(study, compared)
        for part, words in parts(study, found, closest).items():
            write_between_marks(page, COMMAND, words, part)


if __name__ == "__main__":
    main()
