"""Getting a named dataset's files from public mirrors, with pooch."""

from __future__ import annotations

import logging
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pooch
import requests
from tqdm import tqdm

from mlplab.data import idx
from mlplab.data.catalog import DataFile, Mirror
from mlplab.data.files import DAMAGED
from mlplab.errors import FetchError, StorageError

# An address that does not answer must not hold up the next one; a slow one may take its time.
CONNECT_TIMEOUT_S = 4
READ_TIMEOUT_S = 30

Served = Iterator[tuple[DataFile, bytes]]


def from_mirror(mirror: Mirror, wanted: Sequence[DataFile], *, progress: bool) -> Served:
    """Download a dataset's files from one mirror.

    Args:
        mirror: where from.
        wanted: the files to yield.
        progress: whether to show a bar on stderr, where that is a terminal.

    Yields:
        Each file with its bytes, gzip or plain, unchecked.

    Raises:
        FetchError: if the mirror does not serve them.
    """
    with tempfile.TemporaryDirectory(prefix="mlplab-") as folder:
        yield from _READERS[mirror.kind](mirror.url, wanted, Path(folder), progress)


def _from_folder(url: str, wanted: Sequence[DataFile], folder: Path, progress: bool) -> Served:
    for file in wanted:
        yield file, _download(f"{url}{file.name}.gz", folder, progress).read_bytes()


def _from_npz(url: str, wanted: Sequence[DataFile], folder: Path, progress: bool) -> Served:
    yield from read_npz(_download(url, folder, progress), wanted)


def _from_zip(url: str, wanted: Sequence[DataFile], folder: Path, progress: bool) -> Served:
    yield from read_zip(_download(url, folder, progress), wanted)


_READERS: dict[str, Callable[[str, Sequence[DataFile], Path, bool], Served]] = {
    "gz": _from_folder,
    "npz": _from_npz,
    "zip": _from_zip,
}


def read_npz(path: Path, wanted: Sequence[DataFile]) -> Served:
    """Yield the files from a NumPy archive of x_train, y_train, x_test and y_test.

    Raises:
        FetchError: if it is no such archive.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            for file in wanted:
                yield file, idx.dump(arrays[file.part])
    except (KeyError, *DAMAGED) as error:
        raise FetchError(f"{path.name} does not hold the four arrays: {error}") from error


def read_zip(path: Path, wanted: Sequence[DataFile]) -> Served:
    """Yield the gzip files from a zip archive, whatever folder of it they are in.

    Raises:
        FetchError: if it is damaged, or a file is not in it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = {Path(name).name: name for name in archive.namelist()}
            for file in wanted:
                yield file, archive.read(members[f"{file.name}.gz"])
    except KeyError as error:
        raise FetchError(f"{path.name} has no member {error}") from error
    except DAMAGED as error:
        raise FetchError(f"{path.name} is damaged: {error}") from error


def _download(url: str, folder: Path, progress: bool) -> Path:
    """Download one file into ``folder``."""
    pooch.get_logger().setLevel(logging.WARNING)  # it reports each download, and so do we
    name = url.rsplit("/", maxsplit=1)[-1]
    # pooch sets the total once it knows it; until then the bar must not be false, or go unused.
    shown = progress and sys.stderr.isatty()
    with tqdm(desc=name, total=1, unit="B", unit_scale=True, disable=not shown) as bar:
        downloader = pooch.HTTPDownloader(
            progressbar=bar,
            timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
            # The checksums are of the bytes as published: no server may repack them on the way.
            headers={"Accept-Encoding": "identity"},
            chunk_size=2**16,
        )
        try:
            path = pooch.retrieve(url, None, fname=name, path=folder, downloader=downloader)
        except requests.RequestException as error:
            raise FetchError(f"{name}: {_reason(error)}") from error
        except OSError as error:
            raise StorageError(
                f"cannot write {name} to {folder}: {error.strerror or error}; "
                "free some space, or set TMPDIR to a folder with more"
            ) from error
    return Path(path)


def _reason(error: requests.RequestException) -> str:
    """Why a download failed, in a few words: requests tells it in several lines."""
    if error.response is not None:
        return f"HTTP {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.ConnectTimeout):
        return f"no answer within {CONNECT_TIMEOUT_S} s"
    if isinstance(error, requests.ReadTimeout):
        return f"silent for {READ_TIMEOUT_S} s"
    return _root_cause(error)


def _root_cause(error: BaseException) -> str:
    """The operating system's words, if any, from the errors that led to this one."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return str(error)
