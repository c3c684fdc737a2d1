"""How long a large comparison takes: ten recipes, a hundred seeds, 10,000 test examples.

``make bench-stats`` measures it first; alone: ``python -m benchmarks.statistics_seconds``.
"""

from __future__ import annotations

import argparse
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import n_cores, processor
from benchmarks.marks import write_between_marks
from benchmarks.statistics_worlds import World
from benchmarks.tables import table
from mlplab.compare import METRICS, Claim, Metric, compare_scores

COMMAND = "python -m benchmarks.statistics_seconds --page docs/error-rates.md"
RECIPES, SEEDS, EXAMPLES, TIMES = 10, 100, 10_000, 7


def measure() -> str:
    """Return a table of the milliseconds of a comparison of all pairs, for answers and losses."""
    rows = []
    for metric in METRICS:
        world = World(
            (SEEDS,) * RECIPES, (0.1,) * RECIPES, 0.5, n_examples=EXAMPLES, losses=metric == "loss"
        )
        scores = world.draw(np.random.default_rng(0))
        if any(y.shape != (SEEDS, EXAMPLES) for y in scores.values()):
            raise SystemExit("error: not the scores that are to be compared")
        for claim in ("recipes", "recipes-this-test"):
            pairs, times = timed(scores, claim, metric)
            mean, sd = 1e3 * np.mean(times), 1e3 * np.std(times, ddof=1)
            rows.append([claim, metric, str(pairs), f"{mean:.1f}", f"{sd:.1f}"])
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}"
    about = (
        f"{RECIPES} recipes, {SEEDS} seeds each, {EXAMPLES:,} examples; mean and standard "
        f"deviation of {TIMES} times after one that does not count. {processor()}, {n_cores()} "
        f"cores; {versions}."
    )
    return f"{about}\n\n{table(['claim', 'metric', 'pairs', 'milliseconds', 'sd'], rows)}\n"


def timed(scores: dict[str, Any], claim: Claim, metric: Metric) -> tuple[int, list[float]]:
    """Return the number of pairs, and the seconds of each time."""
    found, times = compare_scores(scores, claim, metric=metric), []
    for _ in range(TIMES):
        began = time.perf_counter()
        compare_scores(scores, claim, metric=metric)
        times.append(time.perf_counter() - began)
    return len(found.pairs), times


def main() -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", type=Path, help="a Markdown page to write the table into")
    options = parser.parse_args()
    text = measure()
    print(text)
    if options.page:
        write_between_marks(options.page, COMMAND, text)


if __name__ == "__main__":
    main()
