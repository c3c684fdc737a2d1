"""How many runs a study finishes: one run on one core, and two runs on two cores."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

RECIPE, EPOCHS, ROUNDS = "relu-2", 5, 3


def measure() -> dict[str, Any] | None:
    """Return seconds of a study of one run on one core and of two on two; None with one core.

    The two alternate; each is a process of its own, timed after its imports and a first short run.
    """
    if not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2:
        return None
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(ROUNDS):
        for n, times in seconds.items():
            command = [sys.executable, "-m", "benchmarks.throughput", str(n)]
            answer = subprocess.run(command, check=True, capture_output=True, text=True)
            times.append(float(answer.stdout))
    one, two = (statistics.median(seconds[n]) for n in (1, 2))
    return {
        "recipe": RECIPE,
        "epochs": EPOCHS,
        "seconds_one": seconds[1],
        "seconds_two": seconds[2],
        "ratio": 2 * one / two,
    }


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
