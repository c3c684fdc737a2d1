"""Datasets in files of arrays: ``.npz``, and folders or pairs of IDX files."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mlplab.data import idx
from mlplab.errors import DataError

Array = npt.NDArray[Any]
Pair = tuple[Array, Array]

DAMAGED = (
    AttributeError,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What NumPy and zipfile raise of a damaged archive, according to where the damage is."""

_IDX_FILES = {
    "x_train": ("train-images-idx3-ubyte", "train-images.idx3-ubyte"),
    "y_train": ("train-labels-idx1-ubyte", "train-labels.idx1-ubyte"),
    "x_test": ("t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte"),
    "y_test": ("t10k-labels-idx1-ubyte", "t10k-labels.idx1-ubyte"),
}


class Found(NamedTuple):
    """The arrays in a file: what to train on, and what to test on where it says so."""

    train: Pair
    test: Pair | None


def read_npz(path: Path) -> Found:
    """Read ``x_train``, ``y_train``, ``x_test`` and ``y_test``, or ``x`` and ``y``.

    Args:
        path: a NumPy archive; arrays of Python objects (pickles) are refused.

    Raises:
        DataError: if it is no archive, or has other arrays.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in _keys(path, set(archive.files))}
    except DAMAGED as error:
        raise DataError(f"{path} is no .npz archive without pickles: {error}") from error
    if "x" in arrays:
        return Found((arrays["x"], arrays["y"]), None)
    return Found((arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"]))


def _keys(path: Path, names: set[str]) -> tuple[str, ...]:
    for keys in (tuple(_IDX_FILES), ("x", "y")):
        if names.issuperset(keys):
            return keys
    raise DataError(
        f"{path} must hold x_train, y_train, x_test and y_test, or x and y; "
        f"it holds {', '.join(sorted(names)) or 'nothing'}"
    )


def read_idx_folder(folder: Path) -> Found:
    """Read a folder of IDX files named as MNIST's, plain or ``.gz``; the test pair may be absent.

    Raises:
        DataError: if a file is missing or damaged.
    """
    paths = {part: _find(folder, names) for part, names in _IDX_FILES.items()}
    missing = [_IDX_FILES[part][0] for part in ("x_train", "y_train") if paths[part] is None]
    if (paths["x_test"] is None) != (paths["y_test"] is None):
        missing += [_IDX_FILES[part][0] for part in ("x_test", "y_test") if paths[part] is None]
    if missing:
        raise DataError(
            f"{folder} must hold IDX files named as MNIST's (plain or .gz); "
            f"not there: {', '.join(missing)}"
        )
    arrays = {part: idx.read(path) for part, path in paths.items() if path is not None}
    test = (arrays["x_test"], arrays["y_test"]) if "x_test" in arrays else None
    return Found((arrays["x_train"], arrays["y_train"]), test)


def _find(folder: Path, names: tuple[str, ...]) -> Path | None:
    candidates = (folder / f"{name}{suffix}" for name in names for suffix in ("", ".gz"))
    return next((path for path in candidates if path.exists()), None)


def read_idx_pair(images: Path, labels: Path | None) -> Found:
    """Read a pair of IDX files, plain or gzip.

    Args:
        images: the file of features.
        labels: the file of labels; None means the one beside ``images`` whose name says
            ``labels`` for ``images`` and ``idx1`` for ``idx3``.

    Raises:
        DataError: if either is missing or damaged.
    """
    if labels is None:
        labels = images.with_name(images.name.replace("images", "labels").replace("idx3", "idx1"))
        if labels == images or not labels.exists():
            raise DataError(
                f"where are the labels of {images}? Pass labels=, or name the files "
                "...images-idx3... and ...labels-idx1..."
            )
    return Found((idx.read(images), idx.read(labels)), None)
