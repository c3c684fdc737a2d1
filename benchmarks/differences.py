"""The figures and numbers of docs/differences.md, from real runs: ``make differences``.

Four networks on MNIST, five epochs, ten seeds each; runs that build/differences.study already holds
are not repeated.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

import mlplab
from benchmarks.pages import write_between_marks
from benchmarks.results import table
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
EPOCHS, SEEDS = 5, 10
SHOWN = ("accuracy", "forest", "split", "half-width")
SMALL_TEST, DRAWS = 1000, 500

Scores = Mapping[str, np.ndarray[Any, np.dtype[np.bool_]]]


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
    for name in SHOWN:
        entry = (STUDY_FIGURES | COMPARED_FIGURES)[name]
        (IMAGES / f"{name}.svg").write_bytes(picture(entry, material).svg)


def text(study: Study, found: Comparison, closest: Pair) -> str:
    """Return what the page says in numbers."""
    right = {recipe.name: study.outcomes(recipe.name) for recipe in found.recipes}
    return "\n\n".join(
        [
            "One run of each, all ways to pick them:",
            _one_run_each(right, found),
            "The verdicts, ten runs of each:",
            "\n".join(["```text", str(found), "```"]),
            f"Half the interval of {closest.a} and {closest.b} that is to be expected, in points:",
            _half_widths(closest),
            f"{DRAWS} times {SMALL_TEST:,} of the test images drawn to decide on, the other "
            f"{10_000 - SMALL_TEST:,} standing for new examples:",
            _contradicted(right),
        ]
    )


def _one_run_each(right: Scores, found: Comparison) -> str:
    """Count how often a single run of either puts the two in the other order."""
    rows = []
    for pair in found.pairs:
        better, worse = (pair.a, pair.b) if pair.difference > 0 else (pair.b, pair.a)
        ups, downs = (right[name].mean(axis=1) for name in (better, worse))
        wrong = sum(up <= down for up, down in product(ups, downs))
        rows.append([f"{better} over {worse}", f"{abs(pair.difference):.2f}", f"{wrong} of 100"])
    head = ["ten runs put", "by points", "single runs that do not"]
    return table(head, rows)


def _half_widths(pair: Pair) -> str:
    seeds = (3, 5, 10, 30, 100, 1000)
    widths = [f"{expected_half_width(pair, n):.3f}" for n in seeds]
    return table(["seeds a recipe", *map(str, seeds)], [["half the interval", *widths]])


def _contradicted(right: Scores) -> str:
    """Count claims made on few images that the many others contradict, by claim and seeds."""
    rows = []
    for n_seeds in (3, 5, 10):
        cells = [str(n_seeds)]
        for claim in ("recipes-this-test", "recipes"):
            claims = list(_claims({k: y[:n_seeds] for k, y in right.items()}, right, claim))
            wrong = sum(not kept for kept in claims)
            share = f"{wrong / len(claims):.1%}" if claims else "-"
            cells += [f"{len(claims):,}", f"{wrong:,} ({share})"]
        rows.append(cells)
    head = ["seeds", "claims, seeds alone", "contradicted", "claims, crossed", "contradicted"]
    return table(head, rows)


def _claims(some: Scores, right: Scores, claim: Claim) -> Iterator[bool]:
    """Yield for each claim that one is better whether the other images bear it out."""
    rng = np.random.default_rng(0)
    for _ in range(DRAWS):
        order = rng.permutation(10_000)
        few, rest = order[:SMALL_TEST], order[SMALL_TEST:]
        means = {name: float(y[:, rest].mean()) for name, y in right.items()}
        for pair in compare_scores({k: y[:, few] for k, y in some.items()}, claim, margin=0).pairs:
            if pair.better:
                worse = pair.b if pair.better == pair.a else pair.a
                yield means[pair.better] > means[worse]


def main() -> None:
    """Train what is missing, draw, and write the numbers into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", type=Path, default=PAGE)
    page = parser.parse_args().page
    STUDY.parent.mkdir(exist_ok=True)
    with mlplab.run(recipes(), "mnist", SEEDS, path=STUDY) as study:
        compared = Compared(study)
        found, closest = compared.comparison, compared.closest
        if found is None or closest is None:
            raise SystemExit(f"error: {STUDY} has too few runs that did not diverge")
        draw(study, compared)
        write_between_marks(page, COMMAND, text(study, found, closest))


if __name__ == "__main__":
    main()
