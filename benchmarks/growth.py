"""How it grows: seconds for 60,000 examples by width, depth, batch, density, inputs and threads.

A point is a race of two, mlplab and Keras on JAX, on one shape. What lies on no curve are the
corners, where shapes are extreme in two ways at once.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import n_cores
from benchmarks.peers import PEERS
from benchmarks.race import NotLearnedError, Runner, run_in_turns
from benchmarks.shapes import MNIST_EXAMPLES, Shape
from benchmarks.tables import table

SIDES = ("ours", "keras-jax")
SECONDS, AT_LEAST, AT_MOST = 1.5, 3, 8  # steady epochs a side
WORST = 1.1  # times Keras on JAX that no shape may take


@dataclass(frozen=True)
class Point:
    """A place on a curve: the shape, and the cores both sides may use (all where None)."""

    x: float | str
    shape: Shape
    cores: int | None = None


def _threads() -> list[Point]:
    counts = [2**i for i in range(n_cores().bit_length())]
    return [Point(n, Shape(), cores=n) for n in counts]


def _corner(**shape: Any) -> Point:
    words = [f"{name} {value}" for name, value in shape.items() if name != "regularized"]
    return Point(", ".join(words + ["normalized"] * shape.get("regularized", 0)), Shape(**shape))


# fmt: off
CURVES: dict[str, list[Point]] = {
    "width": [Point(n, Shape(width=n)) for n in (64, 128, 256, 512, 1024, 2048, 4096)],
    "depth": [Point(n, Shape(depth=n)) for n in (1, 2, 4, 8, 16)],
    "batch": [Point(n, Shape(batch=n)) for n in (16, 32, 64, 128, 512, 2048, 8192)],
    "density": [Point(d, Shape(density=d)) for d in (.02, .05, .1, .2, .3, .4, .5, .75, 1.0)],
    "inputs": [Point(n, Shape(inputs=n)) for n in (16, 64, 256, 1024, 4096)],
    "threads": _threads(),
    "corner": [
        _corner(width=64, batch=16),
        _corner(width=64, batch=16, inputs=16),
        _corner(width=64, batch=8192),
        _corner(width=64, depth=16),
        _corner(width=64, depth=16, regularized=True),
        _corner(width=512, regularized=True),
        _corner(width=2048, regularized=True),
        _corner(width=512, batch=16, regularized=True),
        _corner(width=512, batch=8192, regularized=True),
        _corner(width=4096, batch=16),
        _corner(width=4096, batch=2048),
        _corner(width=4096, inputs=16),
    ],
}
# fmt: on
POINTS = {f"{curve}/{point.x}": point for curve, points in CURVES.items() for point in points}


def measure(key: str, options: Any) -> dict[str, Any]:
    """Return the seconds of each epoch of both sides at a point.

    Raises:
        NotLearnedError: a side's loss did not fall, or it failed.
    """
    point = POINTS[key]
    job = {"shape": asdict(point.shape)}
    runners = [Runner(PEERS[name], job, point.cores) for name in SIDES]
    run_in_turns(runners, SECONDS, AT_LEAST, AT_MOST)
    for runner in runners:
        if runner.result.failure:
            raise NotLearnedError(f"{key}: {runner.peer.title} failed: {runner.result.failure}")
        losses = runner.outcome["losses"]
        if not (math.isfinite(losses[-1]) and losses[-1] < losses[0]):
            raise NotLearnedError(
                f"{key}: expected {runner.peer.title}'s loss to fall, got {losses[0]:.4f} in the "
                f"first epoch and {losses[-1]:.4f} in the last"
            )
    return {
        "n_examples": point.shape.n_examples,
        "seconds": {runner.peer.name: runner.result.epochs for runner in runners},
        "phases": runners[0].result.phases[-1],
    }


def medians(figures: Mapping[str, Any]) -> tuple[float, float]:
    """Return ours' and theirs' median seconds for 60,000 examples."""
    scale = MNIST_EXAMPLES / figures["n_examples"]
    ours, theirs = (statistics.median(figures["seconds"][name]) * scale for name in SIDES)
    return ours, theirs


def ratio(figures: Mapping[str, Any]) -> float:
    """Return theirs' seconds over ours, the median over the turns.

    Both sides' epochs of a turn follow each other at once, so what slows the machine for longer
    than a turn slows both and leaves their ratio.
    """
    ours, theirs = (figures["seconds"][name] for name in SIDES)
    return float(statistics.median(t / o for o, t in zip(ours, theirs, strict=False)))


def curve(name: str, items: Mapping[str, Any]) -> list[tuple[Point, float, float, float]]:
    """Return the measured points of a curve, each with ours' and theirs' seconds and the ratio."""
    found = [(point, items.get(f"{name}/{point.x}")) for point in CURVES[name]]
    return [(point, *medians(figures), ratio(figures)) for point, figures in found if figures]


def sections(items: Mapping[str, Any]) -> Iterator[str]:
    """Yield the part of the page on growth."""
    yield "### How it grows"
    yield (
        "Seconds for 60,000 examples, mlplab beside Keras on JAX in turns, medians of "
        f"{AT_LEAST} to {AT_MOST} epochs after the first; the last column is the median over the "
        "turns. Where no other value stands: width 512, 2 hidden layers, batch 128, MNIST's "
        "images, no validation."
    )
    for name in CURVES:
        if rows := curve(name, items):
            yield table(
                [name, "mlplab", "Keras on JAX", "Keras over mlplab"],
                (
                    [_written(p.x), f"{ours:.3f}", f"{theirs:.3f}", f"{times:.2f}"]
                    for p, ours, theirs, times in rows
                ),
            )
    slow = [key for key, figures in items.items() if ratio(figures) < 1 / WORST]
    yield (
        f"Shapes where mlplab takes more than {WORST} times Keras on JAX's seconds: "
        f"{'; '.join(slow) or 'none'}."
    )


def _written(x: float | str) -> str:
    return f"{x:.0%}" if isinstance(x, float) else str(x)


def draw(items: Mapping[str, Any], path: Path) -> None:
    """Draw both sides' seconds, a panel a curve, and the corners as bars of the ratio."""
    from benchmarks.pictures import OURS, RIVAL, panels

    names = [name for name in CURVES if curve(name, items)]
    with panels(len(names), path) as axes:
        for ax, name in zip(axes, names, strict=True):
            rows = curve(name, items)
            if name == "corner":
                labels = [str(row[0].x) for row in rows][::-1]
                bars = ax.barh(labels, [row[3] for row in rows][::-1], color=OURS)
                ax.bar_label(bars, fmt="%.1f", padding=3)
                ax.axvline(1, color="black", linewidth=0.8)
                ax.tick_params(axis="y", labelsize=6)
                ax.set(title="corners", xlabel="Keras on JAX's seconds over mlplab's")
                continue
            x = [float(row[0].x) for row in rows]
            ax.loglog(x, [row[1] for row in rows], "o-", color=OURS, label="mlplab")
            ax.loglog(x, [row[2] for row in rows], "s-", color=RIVAL, label="Keras on JAX")
            ax.set_xticks(x, [_written(row[0].x) for row in rows])
            ax.minorticks_off()
            ax.set(title=name, ylabel="seconds for 60,000 examples")
            ax.legend(frameon=False)
