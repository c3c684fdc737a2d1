"""What has been measured, kept as JSON between calls, a file a piece.

Figures are only worth comparing when machine, versions and core are the same. Where they are not,
the older ones count as not measured.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SAME = ("processor", "cores", "isa", "core")
SAME_VERSIONS = ("numpy", "keras", "jax", "jaxlib")


def setting(machine: Mapping[str, Any]) -> dict[str, Any]:
    """Return what must be the same for two figures to be compared."""
    versions = {name: machine["versions"].get(name) for name in SAME_VERSIONS}
    return {name: machine[name] for name in SAME} | versions


class Kept:
    """The figures of one piece, by key; written at once, so that nothing is lost.

    Args:
        path: the JSON file.
        machine: what ``machine.describe`` says.

    Attributes:
        n_elsewhere: figures in the file that do not count, because they are of another machine,
            other versions or another core. The next that is kept replaces them all.
    """

    def __init__(self, path: Path, machine: Mapping[str, Any]) -> None:
        self._path, self._machine = path, dict(machine)
        items = json.loads(path.read_text())["items"] if path.exists() else {}
        here = setting(machine)
        self._items = {key: item for key, item in items.items() if setting(item["machine"]) == here}
        self.n_elsewhere = len(items) - len(self._items)

    def __contains__(self, key: str) -> bool:
        return key in self._items

    def keep(self, key: str, figures: Any) -> None:
        """Add figures and write the file."""
        self._items[key] = {
            "date": datetime.date.today().isoformat(),
            "machine": self._machine,
            "figures": figures,
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps({"items": self._items}, indent=1))
        fresh.replace(self._path)

    def figures(self, keys: tuple[str, ...]) -> dict[str, Any]:
        """Return the figures by key, in the order of ``keys``."""
        return {key: self._items[key]["figures"] for key in keys if key in self._items}

    def dates(self) -> set[str]:
        """Return the days on which they were measured."""
        return {item["date"] for item in self._items.values()}

    def versions(self) -> dict[str, str]:
        """Return the versions of all packages that took part."""
        found: dict[str, str] = {}
        for item in self._items.values():
            found |= item["machine"]["versions"]
        return found
