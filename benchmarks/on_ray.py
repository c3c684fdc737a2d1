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
from collections.abc import Iterator, Mapping, Sequence
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
    """Seconds that so many workers took: to start, for a first run each, and for each study."""

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


class Bench:
    """Studies of short runs, one for each number of epochs, on Ray and without."""

    def __init__(self, options: argparse.Namespace, dataset: Dataset) -> None:
        self.options, self.dataset = options, dataset
        softmax = choose_notebook_recipes(["softmax"])[0]
        self.recipes = [softmax.replace(epochs=epochs) for epochs in options.epochs]
        self.seeds = range(options.runs)
        # a first time, not timed
        self.answers = [study(one, dataset, self.seeds, None).answers for one in self.recipes]

    def measure(self) -> str:
        """Return the page's tables."""
        home = {n: timed for n in self.options.workers if (timed := self.without_ray(n))}
        found = [self.on_workers(n) for n in self.options.workers]
        return "\n".join([self.heading(), *self.tables(found, home)])

    def without_ray(self, n: int) -> list[float]:
        """Time the studies on so many cores; none where there are fewer."""
        with cores(n) as enough:
            return self.timed(None) if enough else []

    def on_workers(self, n: int) -> OnWorkers:
        """Time the studies on a Ray with so many workers, which is started for them."""
        clock = time.perf_counter()
        cluster = connect_here(n)
        start = time.perf_counter() - clock
        try:
            with OnRay("ray") as ray:
                first = study(self.recipes[0], self.dataset, range(n), ray).seconds
                return OnWorkers(n, start, first, self.timed(ray))
        finally:
            cluster.close()

    def timed(self, on: OnRay | None) -> list[float]:
        """Return the middle of the seconds of some turns, for each study."""
        found = []
        for recipe, answers in zip(self.recipes, self.answers, strict=True):
            turns = [study(recipe, self.dataset, self.seeds, on) for _ in range(self.options.turns)]
            if any(one.answers != answers for one in turns):
                raise SystemExit("error: the networks on Ray are not those without it")
            found.append(statistics.median(one.seconds for one in turns))
        return found

    def heading(self) -> str:
        """Return the lines that say what was measured, and where."""
        versions = ", ".join(f"{name} {version(name)}" for name in ("ray", "keras", "jax", "numpy"))
        return (
            f"{machine.processor()}, {machine.n_cores()} cores; {versions}\n\n"
            f"{self.options.runs} runs of {self.recipes[0].name} on {self.dataset.name} by the "
            "native engine, on a Ray of this machine with so many workers; beside them the same "
            f"runs without Ray on as many cores. The middle of {self.options.turns}. Workers are "
            "processes; runs without Ray are threads of one.\n"
        )

    def tables(
        self, found: Sequence[OnWorkers], home: Mapping[int, Sequence[float]]
    ) -> Iterator[str]:
        """Yield the table of the studies, and that of the starts."""
        rows = []
        for place, recipe in enumerate(self.recipes):
            for one in found:
                seconds = one.studies[place]
                without = home[one.workers][place] if one.workers in home else None
                more = None if without is None else self.more_a_run(seconds - without)
                more = more if one.workers == 1 else None
                figures = [cell(seconds, 1), cell(without, 1), cell(more, 0)]
                rows.append([str(recipe.epochs), str(one.workers), *figures])
        runs = f"{self.options.runs} runs"
        head = ["epochs", "workers", f"{runs} on Ray, s", "without Ray, s", "more a run, ms"]
        yield table(head, rows) + "\n"
        yield "Once a command, before that:\n"
        starts = [[str(one.workers), f"{one.start:.1f}", f"{one.first:.1f}"] for one in found]
        yield table(["workers", "Ray starts, s", "a first run on each worker, s"], starts)

    def more_a_run(self, seconds: float) -> float:
        """Return the milliseconds that a run costs more, of a study's seconds."""
        return 1000 * seconds / self.options.runs


def cell(value: float | None, digits: int) -> str:
    """Return a number; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m benchmarks.on_ray", description=__doc__)
    parser.add_argument("--page", type=Path, help="a Markdown page to write the tables into")
    parser.add_argument("--runs", type=int, default=200, help="runs of a study")
    parser.add_argument("--epochs", type=int, nargs="+", default=[10, 100], help="epochs of a run")
    parser.add_argument("--turns", type=int, default=3, help="times that each is measured")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print, and write the page."""
    options = parse(words)
    text = Bench(options, mlplab.load("digits")).measure()
    print(text)
    if options.page:
        write_between_marks(options.page, COMMAND, text)


if __name__ == "__main__":
    main()
