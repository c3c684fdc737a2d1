"""The table of pieces: what is measured, in which order, and the part of the page it makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import crossing, growth, notebook, start, steady, throughput
from benchmarks.machine import n_cores
from benchmarks.networks import NETWORKS

Items = Mapping[str, Any]


def nothing(items: Items) -> Iterator[str]:
    """Tell of no failures."""
    return iter(())


@dataclass(frozen=True)
class Piece:
    """A thing to measure.

    Attributes:
        title: what the page calls it where it was not measured.
        keys: its parts, each measured by itself.
        measure: (key, options) -> figures, plain data for JSON.
        sections: figures by key -> the Markdown of the page.
        draw: draws figures by key into a PNG; None where there is no picture.
        failures: figures by key -> a sentence for each peer that failed.
        lacks: what is missing for it to be measured here; empty where nothing is.
    """

    title: str
    keys: tuple[str, ...]
    measure: Callable[[str, Any], Any]
    sections: Callable[[Items], Iterator[str]]
    draw: Callable[[Items, Path], None] | None = None
    failures: Callable[[Items], Iterator[str]] = nothing
    lacks: Callable[[], str] = lambda: ""


def _lacks_cores() -> str:
    return "" if n_cores() > 1 else "a second core"


def _lacks_compiler() -> str:
    return "" if crossing.buildable() else "cmake and nanobind"


# fmt: off
PIECES = {
    "steady": Piece("Steady epochs", tuple(NETWORKS), steady.measure, steady.sections,
                    steady.draw, steady.failures),
    "start": Piece("From nothing to the first epoch's end", tuple(NETWORKS), start.measure,
                   start.sections, start.draw, start.failures),
    "notebook": Piece("The whole notebook", notebook.KEYS, notebook.measure, notebook.sections,
                      notebook.draw),
    "growth": Piece("How it grows", tuple(growth.POINTS), growth.measure, growth.sections,
                    growth.draw),
    "crossing": Piece("Skipping zeros", crossing.KEYS, crossing.measure, crossing.sections,
                      crossing.draw, lacks=_lacks_compiler),
    "study": Piece("A study on two cores", (throughput.RECIPE,), throughput.measure,
                   throughput.sections, lacks=_lacks_cores),
}
# fmt: on
