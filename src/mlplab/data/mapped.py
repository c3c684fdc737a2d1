"""Folders of mapped arrays: what ``convert`` writes and ``load`` opens without reading it.

x_train.npy, x_test.npy     features, float32, shape (n, columns)
y_train.npy, y_test.npy     class indices, int64, shape (n,)
meta.json                   names, sizes, checksums, and what would take reading it all to know
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mlplab.data.dataset import Dataset, Facts, Split
from mlplab.errors import DataError

Array = npt.NDArray[Any]

KIND = "mlplab arrays"
VERSION = 1
META = "meta.json"
ARRAYS = ("x_train", "y_train", "x_test", "y_test")


def is_mapped_folder(path: Path) -> bool:
    """Return whether a path is a folder that ``convert`` wrote.

    Examples:
        >>> is_mapped_folder(Path("none"))
        False
    """
    return path.is_dir() and (path / META).is_file()


def open_mapped(folder: Path, name: str | None = None) -> Dataset:
    """Open a folder of mapped arrays; nothing but its description is read.

    Args:
        folder: what ``convert`` wrote.
        name: what to call the dataset; the folder's name where it is None.

    Raises:
        DataError: it is no such folder, or an array has another size than was written.
    """
    meta = read_meta(folder)
    arrays = {array: _open(folder, array, meta) for array in ARRAYS}
    return Dataset(
        name or folder.resolve().name,
        train=Split(arrays["x_train"], arrays["y_train"]),
        test=Split(arrays["x_test"], arrays["y_test"]),
        class_names=tuple(meta["class_names"]),
        source=str(folder.resolve()),
        feature_names=tuple(meta["feature_names"]),
        facts=Facts(
            tuple(len(arrays[name]) for name in ARRAYS),
            meta["fingerprint"],
            tuple(meta["value_range"]),
            meta["density"],
        ),
    )


def read_meta(folder: Path) -> dict[str, Any]:
    """Read the description of a folder of mapped arrays.

    Raises:
        DataError: it is of another kind, or of a version that is not known.
    """
    path = folder / META
    try:
        meta: dict[str, Any] = json.loads(path.read_text())
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{path} is damaged: {error}; convert the table again") from error
    if not isinstance(meta, dict) or meta.get("kind") != KIND:
        raise DataError(f"{path} does not describe arrays that mlplab data convert wrote")
    if meta.get("version") != VERSION:
        raise DataError(
            f"expected arrays of version {VERSION}, got version {meta.get('version')}: {folder}; "
            "use the mlplab that wrote them, or convert the table again"
        )
    return meta


def _open(folder: Path, array: str, meta: dict[str, Any]) -> Array:
    path, known = folder / f"{array}.npy", meta["files"][array]
    try:
        size = path.stat().st_size
        if size != known["bytes"]:
            raise DataError(
                f"expected {path} of {known['bytes']:,} bytes, as it was written, got {size:,}; "
                "convert the table again"
            )
        mapped: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise DataError(f"{path} is damaged: {error}; convert the table again") from error
    return mapped


def check_content(folder: Path) -> None:
    """Read all arrays of a folder and compare them with the checksums taken when it was written.

    Raises:
        DataError: an array holds something else.
    """
    meta = read_meta(folder)
    for array in ARRAYS:
        path = folder / f"{array}.npy"
        found = sha256_of(path)
        if found != meta["files"][array]["sha256"]:
            raise DataError(
                f"{path} is not what was written (SHA-256 {found[:12]}, not "
                f"{meta['files'][array]['sha256'][:12]}); convert the table again"
            )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
