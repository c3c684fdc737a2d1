"""A conversion under way: what is on the disk of it, so that a second try goes on.

The folder holds the examples so far, in the order of the table, and what is known of them. What is
known is written after the examples are on the disk, so after a crash there may be more examples
than are known of; these are cut off.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mlplab.data.csv_parts import Place
from mlplab.data.tally import Tally
from mlplab.files import whole

Array = npt.NDArray[Any]

FORMAT = 1
HEAD_BYTES = 1 << 16


@dataclass
class State:
    """What is known of a conversion.

    Attributes:
        asked: the table, how it was found, and the column of labels: all that must be the same
            for a second try to go on.
        place: where the next part of the table begins.
        text: whether labels are read as text.
        tally: what was found.
    """

    asked: dict[str, Any]
    place: Place = field(default_factory=Place)
    text: bool = False
    tally: Tally = field(default_factory=Tally)


def asked_of(path: Path, target: str) -> dict[str, Any]:
    """Return what a conversion is of: a table that has changed gives something else."""
    status = path.stat()
    with path.open("rb") as stream:
        head = hashlib.sha256(stream.read(HEAD_BYTES)).hexdigest()
    return {
        "format": FORMAT,
        "table": str(path.resolve()),
        "bytes": status.st_size,
        "modified_ns": status.st_mtime_ns,
        "head": head,
        "target": target,
    }


class Work:
    """The folder of a conversion under way.

    Args:
        folder: where it is.
        n_columns: features an example.
    """

    def __init__(self, folder: Path, n_columns: int) -> None:
        self.folder, self.n_columns = folder, n_columns
        self._files = {"x": folder / "x", "y": folder / "y"}
        self._state = folder / "state.json"
        self._naming = folder / "naming"

    def found(self, asked: dict[str, Any]) -> State | None:
        """Return what an earlier try of the same left, or None."""
        try:
            left = json.loads(self._state.read_text())
        except (OSError, ValueError):
            return None
        if left["asked"] != asked:
            return None
        tally = Tally.of_plain(left["tally"])
        sizes = self._sizes(tally.rows)
        if any(
            not self._files[n].exists() or self._files[n].stat().st_size < sizes[n] for n in sizes
        ):
            return None
        return State(asked, Place(*left["place"]), left["text"], tally)

    def begin(self, state: State) -> None:
        """Make the folder anew."""
        self.remove()
        self.folder.mkdir()
        for path in self._files.values():
            path.touch()
        self.keep(state)

    @contextmanager
    def adding(self, state: State) -> Iterator[Adder]:
        """Open the examples to add to those that the state knows of."""
        sizes = self._sizes(state.tally.rows)
        with self._files["x"].open("r+b") as x, self._files["y"].open("r+b") as y:
            for stream, size in ((x, sizes["x"]), (y, sizes["y"])):
                stream.truncate(size)
                stream.seek(size)
            yield Adder(self, (x, y))

    def keep(self, state: State) -> None:
        """Write what is known, whole or not at all."""
        content = {
            "asked": state.asked,
            "place": list(state.place),
            "text": state.text,
            "tally": state.tally.as_plain(),
        }
        with whole(self._state) as partial, partial.open("w") as stream:
            json.dump(content, stream)
            to_disk(stream)

    def x(self, rows: int) -> Array:
        """Return the features so far, mapped, shape (rows, n_columns)."""
        shape = (rows, self.n_columns)
        return np.memmap(self._files["x"], np.float32, "r", shape=shape)

    def y(self, rows: int) -> Array:
        """Return the labels so far, mapped, shape (rows,)."""
        return np.memmap(self._files["y"], np.int64, "r", shape=(rows,))

    @property
    def whole(self) -> Path:
        """The folder of the arrays, until it gets its name."""
        return self.folder / "whole"

    def about_to_name(self) -> None:
        """Note that the arrays are whole; from here on, if they are not there they have a name."""
        self._naming.touch()
        folder_to_disk(self.folder)

    def is_named(self) -> bool:
        """Say whether the arrays have got their name, and all but the folder's end is done."""
        return self._naming.exists() and not self.whole.exists()

    def remove(self) -> None:
        """Remove the folder and what is in it."""
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def _sizes(self, rows: int) -> dict[str, int]:
        return {"x": rows * self.n_columns * 4, "y": rows * 8}


class Adder:
    """Examples being added to a conversion."""

    def __init__(self, work: Work, streams: tuple[Any, Any]) -> None:
        self.work, self.streams = work, streams

    def add(self, x: npt.NDArray[np.float32], y: npt.NDArray[np.int64], state: State) -> None:
        """Add a part, and then what is known with it."""
        for stream, array in zip(self.streams, (x, y), strict=True):
            stream.write(np.ascontiguousarray(array).data)
            to_disk(stream)
        self.work.keep(state)


def to_disk(stream: Any) -> None:
    """Write out what a stream holds, so that a crash of the machine leaves it."""
    stream.flush()
    os.fsync(stream.fileno())


def folder_to_disk(folder: Path) -> None:
    """Write out the names in a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
