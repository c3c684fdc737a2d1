"""The table ``[track]`` of a study spec: where trackers are, and where they cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlplab.recipes.problems import Problem
from mlplab.recipes.tables import TrackTable
from mlplab.trackers import TRACKERS


def places(table: TrackTable, folder: Path) -> dict[str, str]:
    """Return the places of the trackers that a table names; relative ones start at a folder.

    Examples:
        >>> places(TrackTable(csv="runs.csv"), Path("studies"))
        {'csv': 'studies/runs.csv'}
    """
    written = table.model_dump(exclude_none=True)
    return {name: TRACKERS[name].beside(place, folder) for name, place in written.items()}


def place_problems(data: dict[str, Any], folder: Path) -> Iterator[Problem]:
    """Yield the places in a study spec's data at which a tracker cannot be."""
    table = data.get("track")
    for name, place in table.items() if isinstance(table, dict) else ():
        if name in TRACKERS and place and isinstance(place, str):
            text = TRACKERS[name].problem(TRACKERS[name].beside(place, folder))
            if text:
                yield Problem(("track", name), text)
