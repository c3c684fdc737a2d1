"""What trackers cost: one study with all four of them and without, taking turns.

``python -m benchmarks.tracked --page docs/trackers.md`` measures, and writes a line into the page.
Each turn is the command ``mlplab run`` in a folder of its own, MLflow on an SQLite file.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks import machine
from benchmarks.marks import write_between_marks
from mlplab import Study

COMMAND = "python -m benchmarks.tracked --page docs/trackers.md"
SPEC = """
[study]
dataset = "{dataset}"
seeds = {seeds}

[train]
epochs = {epochs}
batch_size = 156
optimizer = "Adam"

[[recipe]]
name = "relu-2"
layers = [
    {{ class = "Dense", units = 300, activation = "relu", kernel_initializer = "HeNormal" }},
    {{ class = "Dense", units = 300, activation = "relu", kernel_initializer = "HeNormal" }},
    {{ class = "Dense", units = "classes", activation = "softmax" }},
]
"""
TRACKERS = {
    "mlflow": "sqlite:///runs.db",
    "tensorboard": "events",
    "csv": "runs.csv",
    "jsonl": "runs.jsonl",
}


@dataclass(frozen=True)
class Turn:
    """Seconds of the runs together, as the study file has them, and of the whole command."""

    training: float
    whole: float


def turn(spec: str, tracked: bool) -> Turn:
    """Run the study in a folder that is thrown away."""
    options = [word for name, place in TRACKERS.items() for word in (f"--{name}", place)]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "tracked.toml").write_text(spec)
        command = [sys.executable, "-m", "mlplab.cli.main", "run", "tracked.toml", "-q"]
        clock = time.perf_counter()
        done = subprocess.run(
            command + options * tracked, cwd=folder, capture_output=True, text=True, check=False
        )
        whole = time.perf_counter() - clock
        if done.returncode or done.stderr:  # a tracker that failed took no time
            raise SystemExit(f"error: mlplab run said: {done.stderr.strip()}")
        with Study(Path(folder) / "tracked.study") as study:
            return Turn(float(study.frame()["seconds"].sum()), whole)


def pairs(spec: str, n: int) -> list[tuple[Turn, Turn]]:
    """Return so many pairs, without trackers and with them, each order in its turn."""
    found = []
    for place in range(n):
        orders = (False, True) if place % 2 == 0 else (True, False)
        took = {tracked: turn(spec, tracked) for tracked in orders}
        found.append((took[False], took[True]))
    return found


def ratio(found: Sequence[tuple[Turn, Turn]], what: str) -> str:
    """Return how many times as long it takes with trackers: the middle, the least, the most."""
    each = [getattr(with_, what) / getattr(without, what) for without, with_ in found]
    return f"{statistics.median(each):.3f} ({min(each):.3f} to {max(each):.3f})"


def text(options: argparse.Namespace, found: Sequence[tuple[Turn, Turn]]) -> str:
    """Return what was measured, and where."""
    versions = ", ".join(
        f"{name} {version(name)}" for name in ("keras", "jax", "mlflow", "tensorboard", "numpy")
    )
    plain, told = (statistics.median(pair[i].whole for pair in found) for i in (0, 1))
    return (
        f"{options.seeds} runs of relu-2 on {options.dataset}, {options.epochs} epochs each, with "
        f"all four trackers (MLflow on SQLite) and without, in {len(found)} pairs of turns: "
        f"training takes {ratio(found, 'training')} times as long with them, the whole command "
        f"{ratio(found, 'whole')} times, {told:.1f} s for {plain:.1f} s. That is the middle, and "
        f"in brackets the least and the most. {machine.processor()}, {machine.n_cores()} cores; "
        f"{versions}.\n"
    )


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m benchmarks.tracked", description=__doc__)
    parser.add_argument("--page", type=Path, help="a Markdown page to write the line into")
    parser.add_argument("--dataset", default="mnist", help="a dataset by name")
    parser.add_argument("--seeds", type=int, default=10, help="runs of a study")
    parser.add_argument("--epochs", type=int, default=20, help="epochs of a run")
    parser.add_argument("--turns", type=int, default=3, help="pairs of turns that are measured")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print, and write the page."""
    options = parse(words)
    spec = SPEC.format(dataset=options.dataset, seeds=options.seeds, epochs=options.epochs)
    told = text(options, pairs(spec, options.turns))
    print(told)
    if options.page:
        write_between_marks(options.page, COMMAND, told)


if __name__ == "__main__":
    main()
