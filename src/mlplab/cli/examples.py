"""Reading the files that ``mlplab predict`` is given: one function a kind, in a table by suffix."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mlplab.data.files import DAMAGED
from mlplab.data.framing import frame
from mlplab.data.tables import read_features
from mlplab.data.validate import label_problems, raise_all
from mlplab.errors import DataError, ModelError

Array = npt.NDArray[Any]
Shape = tuple[int | None, ...]

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg")

FRAMED_SHAPES = ((28, 28), (28, 28, 1))
"""The shapes of example that a picture can be framed for."""


@dataclass(frozen=True)
class Examples:
    """What one file holds.

    Attributes:
        file: where it was read from.
        x: examples, shape (n, ...).
        y: class indices, shape (n,), where the file has labels.
        is_picture: whether it is one framed picture rather than a table of examples.
    """

    file: Path
    x: Array
    y: Array | None = None
    is_picture: bool = False


def read_examples(
    file: Path, shape: Shape, class_names: Sequence[str], target: str | None
) -> Examples:
    """Read one file of examples, as a model takes them.

    Args:
        file: a PNG or JPEG picture, which is framed; or an ``.npz``, CSV or Parquet file.
        shape: the shape of one example that the model takes.
        class_names: the model's classes.
        target: the column of labels in a CSV or Parquet file.

    Raises:
        DataError: the file cannot be read, or its labels are none of the classes.
        ModelError: the file is a picture, and the model takes none.
    """
    reader = READERS.get(file.suffix.lower())
    if reader is None:
        raise DataError(
            f"{file}: expected a file that ends in {', '.join(READERS)}, got "
            + (file.suffix or "no ending")
        )
    if not file.exists():
        raise DataError(f"{file}: expected a file, got no such file; check the path")
    return reader(file, shape, class_names, target)


def _read_picture(
    file: Path, shape: Shape, class_names: Sequence[str], target: str | None
) -> Examples:
    if shape not in FRAMED_SHAPES:
        raise ModelError(
            f"{file}: pictures are framed to 28 x 28, but this model takes examples of shape "
            f"{shape}; give it .npz or CSV"
        )
    return Examples(file, _shaped(frame(file)[np.newaxis], shape), is_picture=True)


def _read_npz(file: Path, shape: Shape, class_names: Sequence[str], target: str | None) -> Examples:
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            if isinstance(archive, np.ndarray):
                raise ValueError("it is a single array")
            x_key = _first_key(file, archive.files)
            x, y_key = archive[x_key], x_key.replace("x", "y")
            y = archive[y_key] if y_key in archive.files else None
    except DAMAGED as error:
        raise DataError(f"{file}: expected an .npz archive without pickles: {error}") from error
    return _labelled(file, _shaped(x, shape), y, class_names)


def _first_key(file: Path, keys: Sequence[str]) -> str:
    for key in ("x", "x_test"):
        if key in keys:
            return key
    raise DataError(
        f"{file}: expected an array x or x_test, got {', '.join(sorted(keys)) or 'nothing'}"
    )


def _read_table(
    file: Path, shape: Shape, class_names: Sequence[str], target: str | None
) -> Examples:
    x, y = read_features(file, target)
    return _labelled(file, _shaped(x, shape), y, class_names)


Reader = Callable[[Path, Shape, Sequence[str], str | None], Examples]

READERS: dict[str, Reader] = {
    **dict.fromkeys(PICTURE_SUFFIXES, _read_picture),
    ".npz": _read_npz,
    ".csv": _read_table,
    ".parquet": _read_table,
    ".pq": _read_table,
}


def _shaped(x: Array, shape: Shape) -> Array:
    """Give flat rows the model's shape, and pictures its single channel; else leave them be."""
    sizes = [size for size in shape if size is not None]
    flat = len(sizes) == len(shape) and x.ndim == 2 and x.shape[1] == math.prod(sizes)
    without_channel = (*x.shape[1:], 1) == shape
    return x.reshape(len(x), *sizes) if flat or without_channel else x


def _labelled(file: Path, x: Array, y: Array | None, class_names: Sequence[str]) -> Examples:
    if y is None:
        return Examples(file, x)
    if len(x) != len(y):
        raise DataError(
            f"{file}: expected a label an example, got {len(x)} examples and {len(y)} labels"
        )
    return Examples(file, x, class_indices(file, y, class_names))


def class_indices(file: Path, labels: Array, class_names: Sequence[str]) -> Array:
    """Return labels as class indices; they may be the classes' names or already indices.

    Args:
        file: where the labels come from, for the messages.
        labels: names or integers, shape (n,).
        class_names: one name a class.

    Raises:
        DataError: a label is missing, or none of the classes.

    Examples:
        >>> class_indices(Path("pets.csv"), np.array(["dog", "cat"]), ["cat", "dog"])
        array([1, 0])
    """
    if labels.dtype.kind not in "OU":
        raise_all(label_problems("labels", labels), str(file))
        labels = labels.astype(np.int64)
    known = {name: i for i, name in enumerate(class_names)}
    named = [known.get(str(label)) for label in labels]
    if None not in named:
        return np.array(named, np.int64)
    outside = (
        np.array([index is None for index in named])
        if labels.dtype.kind in "OU"
        else (labels < 0) | (labels >= len(class_names))
    )
    if not outside.any():
        return labels
    first = int(np.argmax(outside))
    raise DataError(
        f"{file}: expected labels among {', '.join(class_names)}, got {outside.sum()} others, "
        f"the first {labels[first]!s} in example {first}; name the classes with --classes"
    )
