"""What Ray costs: seconds of short runs on workers of this machine, beside the same without it.

``python -m benchmarks.on_ray --page docs/ray.md`` measures, and writes the tables into the page.
Ray's start and the first run of each worker, for which it imports Keras, are timed apart.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import mlplab
from benchmarks import machine
from benchmarks.marks import write_between_marks
from benchmarks.tables import table
from mlplab.data import Dataset
from mlplab.recipes import Recipe, choose_notebook_recipes
from mlplab.study import Study
from mlplab.study.on_ray import OnRay
from mlplab.study.ray_cluster import connect_here

COMMAND = "python -m benchmarks.on_ray --page docs/ray.md"


@dataclass(frozen=True)
class Timed:
    """Seconds of a study, and what its networks answered."""

    seconds: float
    answers: bytes


@dataclass(frozen=True)
class OnWorkers:
    """What so many workers took: to start, for a first run each, and for the study."""

    workers: int
    start: float
    first: float
    studies: list[float]


def study(recipe: Recipe, dataset: Dataset, seeds: range, on: OnRay | None) -> Timed:
    """Run a study into a file that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        clock = time.perf_counter()
        done: Study = mlplab.run(recipe, dataset, seeds, path=Path(folder) / "a.study", on=on)
        seconds = time.perf_counter() - clock
        with done:
            return Timed(seconds, done.probabilities(recipe.name).tobytes())


@contextmanager
def cores(n: int) -> Iterator[bool]:
    """Leave this process so many cores; say whether there are as many."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(allowed)[:n])
    try:
        yield n <= len(allowed)
    finally:
        os.sched_setaffinity(0, allowed)


def on_workers(
    recipe: Recipe, dataset: Dataset, seeds: range, turns: int, n: int, answers: bytes
) -> OnWorkers:
    """Time a study on a Ray with so many workers, which is started for it."""
    clock = time.perf_counter()
    cluster = connect_here(n)
    start = time.perf_counter() - clock
    try:
        with OnRay("ray") as ray:
            first = study(recipe, dataset, range(n), ray).seconds
            timed = [study(recipe, dataset, seeds, ray) for _ in range(turns)]
    finally:
        cluster.close()
    if any(one.answers != answers for one in timed):
        raise SystemExit("error: the networks on Ray are not those without it")
    return OnWorkers(n, start, first, [one.seconds for one in timed])


def measure(options: argparse.Namespace, dataset: Dataset) -> str:
    """Return the page's tables."""
    recipe = choose_notebook_recipes(["softmax"])[0].replace(epochs=options.epochs)
    seeds = range(options.runs)
    home: dict[int, float] = {}
    answers = study(recipe, dataset, seeds, None).answers  # a first time, not timed
    for n in options.workers:
        with cores(n) as enough:
            if enough:
                timed = [study(recipe, dataset, seeds, None) for _ in range(options.turns)]
                home[n] = statistics.median(one.seconds for one in timed)
    found = [on_workers(recipe, dataset, seeds, options.turns, n, answers) for n in options.workers]
    return "\n".join([heading(options, recipe, dataset), *tables(found, home, options.runs)])


def heading(options: argparse.Namespace, recipe: Recipe, dataset: Dataset) -> str:
    """Return the lines that say what was measured, and where."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("ray", "keras", "jax", "numpy"))
    return (
        f"{machine.processor()}, {machine.n_cores()} cores; {versions}\n\n"
        f"{options.runs} runs of {recipe.name} on {dataset.name}, {recipe.epochs} epochs each, by "
        "the native engine, on a Ray of this machine with so many workers; beside them the same "
        "runs without Ray on as many cores. The middle of "
        f"{options.turns}. The last column is what a run costs more, in time of a worker.\n"
    )


def tables(found: Sequence[OnWorkers], home: dict[int, float], n_runs: int) -> Iterator[str]:
    """Yield the table of the studies, and that of the starts."""
    rows = []
    for one in found:
        seconds, without = statistics.median(one.studies), home.get(one.workers)
        more = None if without is None else 1000 * (seconds - without) * one.workers / n_runs
        rows.append([str(one.workers), f"{seconds:.1f}", cell(without, 1), cell(more, 0)])
    head = ["workers", f"{n_runs} runs on Ray, s", "without Ray, s", "more a run and worker, ms"]
    yield table(head, rows) + "\n"
    yield "Once a command, before that:\n"
    starts = [[str(one.workers), f"{one.start:.1f}", f"{one.first:.1f}"] for one in found]
    yield table(["workers", "Ray starts, s", "a first run on each worker, s"], starts)


def cell(value: float | None, digits: int) -> str:
    """Return a number; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m benchmarks.on_ray", description=__doc__)
    parser.add_argument("--page", type=Path, help="a Markdown page to write the tables into")
    parser.add_argument("--runs", type=int, default=200, help="runs of a study")
    parser.add_argument("--epochs", type=int, default=10, help="epochs of a run")
    parser.add_argument("--turns", type=int, default=3, help="times that each is measured")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print, and write the page."""
    options = parse(words)
    text = measure(options, mlplab.load("digits"))
    print(text)
    if options.page:
        write_between_marks(options.page, COMMAND, text)


if __name__ == "__main__":
    main()
