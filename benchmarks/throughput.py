"""How many runs a study finishes: one run on one core, and two runs on two cores."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

RECIPE, EPOCHS, ROUNDS = "relu-2", 5, 3


def measure(key: str, options: Any) -> dict[str, Any]:
    """Return seconds of a study of one run on one core and of two on two.

    The two alternate; each is a process of its own, timed after its imports and a first short run.
    """
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(ROUNDS):
        for n, times in seconds.items():
            command = [sys.executable, "-m", "benchmarks.throughput", str(n)]
            answer = subprocess.run(command, check=True, capture_output=True, text=True)
            times.append(float(answer.stdout))
    return {"epochs": EPOCHS, "seconds_one": seconds[1], "seconds_two": seconds[2]}


def sections(items: Mapping[str, Any]) -> Iterator[str]:
    """Yield the part of the page on studies."""
    yield "### A study on two cores"
    for recipe, found in items.items():
        one, two = (statistics.median(found[f"seconds_{n}"]) for n in ("one", "two"))
        yield (
            f"{recipe}, {found['epochs']} epochs: one run on one core takes {one:.1f} s, "
            f"two runs side by side on two cores {two:.1f} s (medians of "
            f"{len(found['seconds_one'])}): {2 * one / two:.2f} times the runs a second."
        )


def study(n: int) -> float:
    """Return the seconds of a study of n runs on n cores."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:n])
    from mlplab import load, run
    from mlplab.recipes.notebook import choose_notebook_recipes

    (recipe,) = choose_notebook_recipes([RECIPE])
    dataset = load("mnist")
    with tempfile.TemporaryDirectory() as folder:
        run(
            recipe.replace(epochs=1), dataset, n, path=Path(folder, "first"), engine="native"
        ).close()
        started = time.perf_counter()
        run(
            recipe.replace(epochs=EPOCHS), dataset, n, path=Path(folder, "second"), engine="native"
        ).close()
        return time.perf_counter() - started


if __name__ == "__main__":
    print(study(int(sys.argv[1])))
