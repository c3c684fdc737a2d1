"""At which density skipping zeros stops paying: the core built to skip always, and never.

Both builds train the same network in turns on one core, at one density after the other; what counts
are the seconds computed, which other programs beside it change little. Where skipping takes longer,
it has stopped paying; ``sparse_below`` in ``core/gather.h`` should stand there at each width.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.peers import PEERS
from benchmarks.race import NotLearnedError, Runner, run_in_turns
from benchmarks.shapes import Shape
from benchmarks.tables import table

ROOT = Path(__file__).parent.parent
CONSTANT = re.compile(r"(kSparseBelow = )[\d.]+")
WIDTHS = (10, 64, 128, 512, 2048)
DENSITIES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85)
KEYS = tuple(f"{width}/{density}" for width in WIDTHS for density in DENSITIES)
BUILDS = {"never": "0.0", "always": "100.0"}  # kSparseBelow of each


def buildable() -> bool:
    """Whether what it takes to build the core is there."""
    return bool(importlib.util.find_spec("nanobind")) and bool(cmake())


def cmake() -> str | None:
    """Return the path of cmake: of this environment, or of the system."""
    beside = Path(sys.executable).with_name("cmake")
    return str(beside) if beside.exists() else shutil.which("cmake")


@cache
def built(name: str, folder: Path) -> str:
    """Return the compiled core that skips zeros always or never, building what changed.

    Raises:
        ValueError: the constant is not where it was.
    """
    home = folder / "cores" / name
    _write(home / "CMakeLists.txt", (ROOT / "CMakeLists.txt").read_text())
    for source in (ROOT / "core").glob("*.*"):
        if source.is_file():
            text = source.read_text()
            if source.name == "gather.h":
                text = with_constant(text, BUILDS[name])
            _write(home / "core" / source.name, text)
    _run(str(cmake()), "-S", str(home), "-B", str(home / "build"), *_SETTINGS)
    _run(str(cmake()), "--build", str(home / "build"), "--parallel", "2")
    return str(next((home / "build").glob("_core*")))


def with_constant(text: str, value: str) -> str:
    """Return a header with another ``kSparseBelow``.

    Raises:
        ValueError: it is not there once.
    """
    text, n = CONSTANT.subn(rf"\g<1>{value}", text)
    if n != 1:
        raise ValueError(f"expected kSparseBelow once in core/gather.h, got it {n} times")
    return text


def _write(path: Path, text: str) -> None:
    """Write a file, unless it says the same already: what is untouched is not built again."""
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


_SETTINGS = (
    "-DCMAKE_BUILD_TYPE=Release",
    f"-DPython_EXECUTABLE={sys.executable}",
)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=sys.stderr)


def measure(key: str, options: Any) -> dict[str, list[float]]:
    """Return the computing seconds of each epoch of both builds.

    Raises:
        NotLearnedError: one of them failed.
    """
    width, density = key.split("/")
    job = {"shape": asdict(Shape(width=int(width), depth=1, density=float(density)))}
    runners = {
        name: Runner(PEERS["ours"], job, cores=1, core=built(name, options.out)) for name in BUILDS
    }
    run_in_turns(list(runners.values()), seconds=1.5, at_least=5, at_most=9)
    for name, runner in runners.items():
        if runner.result.failure:
            raise NotLearnedError(f"{key}: the core that skips {name}: {runner.result.failure}")
    return {name: runner.result.cpu for name, runner in runners.items()}


def ratios(items: Mapping[str, Any], width: int) -> list[tuple[float, float]]:
    """Return (density, seconds with skipping over seconds without), the measured ones."""
    return [
        (density, statistics.median(found["always"]) / statistics.median(found["never"]))
        for density in DENSITIES
        if (found := items.get(f"{width}/{density}"))
    ]


def crossing(points: list[tuple[float, float]]) -> float | None:
    """Return the density at which the ratio first passes 1, on the line between two points.

    Examples:
        >>> round(crossing([(0.2, 0.5), (0.4, 0.9), (0.6, 1.3)]), 3)
        0.45
    """
    for (d0, r0), (d1, r1) in pairwise(points):
        if r0 < 1 <= r1:
            return d0 + (d1 - d0) * (1 - r0) / (r1 - r0)
    return None


def sections(items: Mapping[str, Any]) -> Iterator[str]:
    """Yield the part of the page on skipping zeros."""
    yield "### Skipping zeros"
    yield (
        "Computing seconds of an epoch when zeros are skipped over those when they are not: one "
        "core, one hidden layer, batch 128, random bytes."
    )
    found = {width: points for width in WIDTHS if (points := ratios(items, width))}
    rows = [
        [f"{density:.0%}", *(_written(dict(points).get(density)) for points in found.values())]
        for density in DENSITIES
    ]
    rows.append(["they are equal at", *(_written(crossing(points)) for points in found.values())])
    yield table(["density", *(f"width {width}" for width in found)], rows)


def _written(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def draw(items: Mapping[str, Any], path: Path) -> None:
    """Draw the ratio by density, a line a width."""
    from benchmarks.pictures import panels

    with panels(1, path) as (ax,):
        for width in WIDTHS:
            if points := ratios(items, width):
                ax.plot(*zip(*points, strict=True), "o-", label=f"width {width}")
        ax.axhline(1, color="black", linewidth=0.8)
        ax.set(xlabel="density", ylabel="skipping over not skipping", title="skipping zeros")
        ax.legend(frameon=False)
