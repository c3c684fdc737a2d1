"""The cache: one folder a dataset, of uncompressed IDX files, checked on every read.

    <cache>/mnist/train-images-idx3-ubyte          the file
    <cache>/mnist/train-images-idx3-ubyte.sha256   its checksum, where none is published

Where only the checksum of the published gzip file is known, the file is checked against it when it
arrives, and the checksum of what it unpacked to is kept beside it for later reads.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import platformdirs

from mlplab.data.catalog import DataFile
from mlplab.data.idx import GZIP_MAGIC, decompress
from mlplab.errors import DataError, StorageError
from mlplab.files import whole


def cache_folder() -> Path:
    """Where datasets are kept: ``MLPLAB_HOME``, or the user's cache folder of the system."""
    home = os.environ.get("MLPLAB_HOME")
    return Path(home).expanduser() if home else Path(platformdirs.user_cache_dir("mlplab"))


def read(file: DataFile, folder: Path) -> bytes:
    """Read a file of the cache, or one put there by hand as ``NAME.gz``.

    Args:
        file: which.
        folder: the dataset's folder in the cache.

    Returns:
        The IDX bytes, checked.

    Raises:
        DataError: if it is not there, or is not what it should be.
    """
    path, by_hand = folder / file.name, folder / f"{file.name}.gz"
    try:
        if path.exists():
            data = path.read_bytes()
            expected = file.sha256 or _kept_checksum(path)
            if expected is not None and _sha256(data) == expected:
                return data
        if by_hand.exists():
            return unpack(file, by_hand.read_bytes())
    except OSError as error:
        raise DataError(f"{file.name} cannot be read: {error.strerror}") from error
    raise DataError(f"{file.name} is {'damaged' if path.exists() else 'not there'}")


def unpack(file: DataFile, data: bytes) -> bytes:
    """Check the bytes a source served and return the IDX bytes in them.

    Args:
        file: which file the bytes should be.
        data: gzip or plain bytes.

    Raises:
        DataError: if they are not the published ones.
    """
    if file.gz_sha256 is not None:
        if not data.startswith(GZIP_MAGIC):
            raise DataError(f"{file.name} came uncompressed; only {file.name}.gz can be checked")
        _compare(f"{file.name}.gz", data, file.gz_sha256)
    idx = decompress(data, file.name)
    if file.sha256 is not None:
        _compare(file.name, idx, file.sha256)
    return idx


def store(file: DataFile, folder: Path, idx: bytes) -> None:
    """Write a checked file into the cache.

    Raises:
        StorageError: if the folder cannot be written, or the disk is full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with whole(folder / file.name) as partial:
            partial.write_bytes(idx)
        if file.sha256 is None:
            with whole(folder / f"{file.name}.sha256") as partial:
                partial.write_text(_sha256(idx))
    except OSError as error:
        raise storage_error(folder, error) from error


def storage_error(folder: Path, error: OSError) -> StorageError:
    """What to say when the cache cannot be written."""
    return StorageError(
        f"cannot write to the cache folder {folder}: {error.strerror or error}; "
        "free some space, or set MLPLAB_HOME to a folder that can be written"
    )


def _kept_checksum(path: Path) -> str | None:
    kept = path.with_name(f"{path.name}.sha256")
    return kept.read_text().strip() if kept.exists() else None


def _compare(name: str, data: bytes, expected: str) -> None:
    got = _sha256(data)
    if got != expected:
        raise DataError(f"{name} has the wrong SHA-256: expected {expected}, got {got}")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
