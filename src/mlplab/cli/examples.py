"""The files ``mlplab predict`` takes, read into arrays that fit a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mlplab.data.framing import FIELD, frame
from mlplab.engine.model_file import input_shape
from mlplab.errors import DataError, ModelError

if TYPE_CHECKING:
    import keras

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Examples:
    """Examples from one file.

    Attributes:
        file: where they are from.
        x: features, shape (n, ...) as the model takes them.
        y: the true classes, shape (n,), where the file has them.
        framed: whether x is one picture brought to MNIST's frame.
    """

    file: Path
    x: Array
    y: Array | None = None
    framed: bool = False


def read_examples(path: Path, model: keras.Model, target: str | None) -> Examples:
    """Read a file by its kind.

    Raises:
        DataError: the file is missing, damaged, of a kind that is not read, or holds no numbers.
        ModelError: a picture, and the model takes something else.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(_READERS)
        raise DataError(
            f"{path}: expected a file that ends in {known}, got {path.suffix or 'no ending'}"
        )
    if not path.is_file():
        raise DataError(f"{path}: expected a file, found nothing there")
    return reader(path, model, target)


def read_picture(path: Path, model: keras.Model, target: str | None) -> Examples:
    """Read a picture of one digit and bring it to MNIST's frame."""
    shape = input_shape(model)
    if shape not in ((FIELD, FIELD), (FIELD, FIELD, 1), (FIELD * FIELD,)):
        raise ModelError(
            f"{path}: pictures are brought to {FIELD} x {FIELD}, and this model takes examples of "
            f"shape {shape}; give it a table (.npz, .csv) instead"
        )
    return Examples(path, frame(path).reshape(1, *shape), framed=True)


def read_npz(path: Path, model: keras.Model, target: str | None) -> Examples:
    """Read the arrays x (or x_test) and, where they are there, y (or y_test); no pickles."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, KeyError) as error:
        raise DataError(f"{path}: expected an .npz file of plain arrays, got: {error}") from error
    for suffix in ("", "_test"):
        if f"x{suffix}" in arrays:
            return checked(path, arrays[f"x{suffix}"], arrays.get(f"y{suffix}"), model)
    found = ", ".join(arrays) or "no array"
    raise DataError(f"{path}: expected an array x or x_test, got {found}")


def read_csv(path: Path, model: keras.Model, target: str | None) -> Examples:
    """Read a table of numbers, a row an example, with column names in its first line."""
    try:
        table = pd.read_csv(path)
    except (ValueError, OSError) as error:  # pandas raises subclasses of ValueError
        raise DataError(f"{path}: expected a CSV file, got: {error}") from error
    if target is not None and target not in table:
        raise DataError(f"{path}: expected a column {target!r}, got {', '.join(table.columns)}")
    y = None if target is None else table.pop(target).to_numpy()
    texts = [name for name in table if not pd.api.types.is_numeric_dtype(table[name])]
    if texts:
        raise DataError(f"{path}: expected numbers, got text in the columns {', '.join(texts)}")
    return checked(path, table.to_numpy(np.float32), y, model)


def checked(path: Path, x: Array, y: Array | None, model: keras.Model) -> Examples:
    """Return the examples in the model's shape, or say what is wrong with them."""
    if x.ndim < 1 or x.dtype.kind not in "uif" or len(x) == 0:
        raise DataError(
            f"{path}: expected numbers, a row an example, got {x.dtype} of shape {x.shape}"
        )
    if not np.isfinite(x).all():
        raise DataError(
            f"{path}: expected finite numbers, got {(~np.isfinite(x)).sum()} that are not"
        )
    if y is not None and y.shape != (len(x),):
        raise DataError(f"{path}: expected y of shape ({len(x)},), got {y.shape}")
    shape = input_shape(model)
    if None not in shape and x[0].size == np.prod(shape):  # rows of pixels become pictures
        x = x.reshape(len(x), *shape)
    elif x.shape[1:] != shape:
        raise ModelError(f"{path}: expected examples of shape {shape}, got {x.shape[1:]}")
    return Examples(path, x, y)


_READERS: dict[str, Callable[[Path, keras.Model, str | None], Examples]] = {
    ".png": read_picture,
    ".jpg": read_picture,
    ".jpeg": read_picture,
    ".npz": read_npz,
    ".csv": read_csv,
}
