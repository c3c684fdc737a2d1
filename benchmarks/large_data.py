"""Data larger than memory: rows a second and private memory as the data grows, beside others.

``python -m benchmarks.large_data --page docs/large-data.md`` makes tables of 28 features and two
classes, converts them, trains a 28-300-300-2 network on each for an epoch, and trains the same
network in other ways on the smallest, and in some on the largest. Every measurement has a process
of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine
from benchmarks.large_peers import BATCH_SIZE, PEERS, WIDTHS
from benchmarks.marks import write_between_marks
from benchmarks.tables import table

COMMAND = "python -m benchmarks.large_data --page docs/large-data.md"
N_FEATURES, PART_ROWS = 28, 200_000
OURS = "mlplab, native"
ON_LARGEST = ("Keras on JAX, arrays", "Keras on JAX, PyDataset", "PyTorch, DataLoader of batches")
"""The others that train on the largest table too; the rest would take too long."""

HOW = (
    "Of mlplab, and of the others on the largest table, the first epoch; of the others on the "
    "smallest the second. To convert, all rows."
)


def make_parts(n_rows: int) -> Iterator[Any]:
    """Make a table part by part: normal features, a class that follows from eight of them."""
    import pyarrow as pa

    for part, start in enumerate(range(0, n_rows, PART_ROWS)):
        rng = np.random.default_rng((1, part))
        x = rng.standard_normal((min(PART_ROWS, n_rows - start), N_FEATURES), np.float32)
        noise = rng.standard_normal(len(x), np.float32)
        label = x[:, 0] * x[:, 1] + x[:, 2] ** 2 - x[:, 3] + x[:, 4:8].sum(axis=1) + noise > 1
        columns = {f"feature_{i}": x[:, i] for i in range(N_FEATURES)}
        yield pa.table(columns | {"label": label.astype(np.int64)})


def write_table(path: Path, n_rows: int) -> Path:
    """Write a table of that many rows, as its name's ending says."""
    import pyarrow.csv
    import pyarrow.parquet

    parts = make_parts(n_rows)
    first = next(parts)
    open_writer = {
        ".csv": pyarrow.csv.CSVWriter,
        ".parquet": pyarrow.parquet.ParquetWriter,
    }[path.suffix]
    with open_writer(path, first.schema) as writer:
        writer.write_table(first)
        for part in parts:
            writer.write_table(part)
    return path


def measure(name: str, *arguments: object) -> dict[str, float]:
    """Let a process do something and return what it tells."""
    command = [sys.executable, "-m", "benchmarks.large_peers", name, *map(str, arguments)]
    environment = os.environ | {"KERAS_BACKEND": "jax", "TF_CPP_MIN_LOG_LEVEL": "2"}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def row(name: str, n_rows: int, told: dict[str, float]) -> list[str]:
    """Return a row of the table."""
    return [name, f"{n_rows:,}", f"{told['rows_a_second']:,.0f}", f"{told['private'] / 1e6:,.0f}"]


def measured(options: argparse.Namespace, folder: Path) -> Iterator[list[str]]:
    """Measure everything and give it row by row; nothing stays of what was measured."""
    smallest, largest = min(options.rows), max(options.rows)
    for n_rows in sorted(options.rows):
        n_test = min(100_000, n_rows // 10)
        for ending in (".csv", ".parquet") if n_rows == smallest else (".parquet",):
            source = write_table(folder / f"{n_rows}{ending}", n_rows)
            target = folder / f"{n_rows}-{ending[1:]}"
            yield row(f"convert {ending[1:]}", n_rows, measure("convert", source, target, n_test))
            source.unlink()
        yield row(OURS, n_rows, measure(OURS, target, 1))
        if n_rows == smallest:
            for peer in options.peers:
                yield row(peer, n_rows, measure(peer, target, 2))
        elif n_rows == largest:
            for peer in (name for name in options.peers if name in ON_LARGEST):
                yield row(peer, n_rows, measure(peer, target, 1))
        for converted in folder.glob(f"{n_rows}-*/"):
            shutil.rmtree(converted)


def versions() -> str:
    """Return the versions of the packages that are there."""
    found = []
    for name in ("keras", "jax", "numpy", "torch", "tensorflow-cpu"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m benchmarks.large_data", description=__doc__)
    parser.add_argument("--page", type=Path, help="a Markdown page to write the table into")
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[1_200_000, 5_000_000, 20_000_000], metavar="N"
    )
    parser.add_argument(
        "--peers", nargs="*", choices=[*PEERS], default=[name for name in PEERS if name != OURS]
    )
    parser.add_argument("--folder", type=Path, help="where the data is made; default: a temporary")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print, and write the page."""
    options = parse(words)
    network = "-".join(map(str, (N_FEATURES, *WIDTHS, 2)))
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        rows = list(measured(options, Path(folder)))
    head = ["what", "rows", "rows a second", "private memory, MB"]
    about = f"{machine.processor()}, {machine.n_cores()} cores; {versions()}"
    text = f"{about}; {network}, batches of {BATCH_SIZE}\n\n{HOW}\n\n{table(head, rows)}\n"
    print(text)
    if options.page:
        write_between_marks(options.page, COMMAND, text)


if __name__ == "__main__":
    main()
