"""``load``: a name or a path in, a Dataset out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mlplab.data import files, sources
from mlplab.data.catalog import CATALOG, NamedDataset
from mlplab.data.dataset import Dataset, Split
from mlplab.data.splits import carve, split_size
from mlplab.data.tables import TABLE_SUFFIXES, read_table
from mlplab.data.validate import (
    feature_problems,
    label_problems,
    length_problems,
    raise_all,
)
from mlplab.errors import DataError, did_you_mean

Array = npt.NDArray[Any]

DEFAULT_TEST = 0.2
# A test split carved here must be the same at every load: it depends on nothing but the data.
TEST_SEED = 0


def load(
    name_or_path: str | Path,
    *,
    target: str | None = None,
    labels: str | Path | None = None,
    test: int | float = DEFAULT_TEST,
    progress: bool = True,
) -> Dataset:
    """Load a dataset by name, or from a file.

    A name is one of the catalog (``mlplab data list``); its bytes are fetched once, checked, and
    kept in the cache. A path is a ``.npz`` archive, a folder or an image file in IDX format, or a
    ``.csv`` or ``.parquet`` table. Where there is no test split, one is carved: stratified, and the
    same at every load.

    Args:
        name_or_path: which dataset. A folder that has the name of a dataset is ``./NAME``.
        target: the column of labels, for a table.
        labels: the file of labels, for an IDX file of images whose name does not tell it.
        test: how many examples to carve for a test split (an int), or which share of them (a float
            between 0 and 1), where the data has none.
        progress: whether to say on stderr what is being fetched.

    Returns:
        The dataset. Features are uint8 where the data is uint8, float32 otherwise; labels are
        int64. Labels that are words become classes in the order of the alphabet.

    Raises:
        DataError: if there is no such dataset, or its arrays or labels cannot be used.
        FetchError: if no source of a named dataset can be reached.
        StorageError: if the cache cannot be written.

    Example:
        >>> digits = load("digits")
        >>> digits.train.x.shape, digits.test.n, digits.n_classes
        ((1438, 8, 8), 359, 10)
    """
    spec = CATALOG.get(str(name_or_path))
    if spec is not None:
        _refuse("names a dataset", str(name_or_path), target=target, labels=labels)
        return load_named(spec, test=test, progress=progress)
    path = Path(name_or_path).expanduser()
    if not path.exists():
        raise DataError(_unknown(str(name_or_path)))
    return _load_path(path, target, Path(labels).expanduser() if labels else None, test)


def load_named(
    spec: NamedDataset, *, test: int | float = DEFAULT_TEST, progress: bool = True
) -> Dataset:
    """Load a dataset of the catalog; see :func:`load`."""
    if not spec.files:
        return _load_bundled(spec, test)
    arrays = sources.fetch(spec, progress=progress)
    train, test_split = (
        Split(_upright(arrays[f"x_{part}"], spec), _class_indices(arrays[f"y_{part}"], spec))
        for part in ("train", "test")
    )
    return Dataset(
        spec.name, train, test_split, spec.class_names, source=spec.name, disputed=spec.disputed
    )


def _upright(images: Array, spec: NamedDataset) -> Array:
    """(n, rows, columns), whichever way round the files have them."""
    return np.ascontiguousarray(images.swapaxes(1, 2)) if spec.transposed else images


def _class_indices(labels: Array, spec: NamedDataset) -> Array:
    return labels.astype(np.int64) - spec.first_label


def _load_bundled(spec: NamedDataset, test: int | float) -> Dataset:
    """The digits that come with scikit-learn: 1,797 images of 8 x 8, values 0..16."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise DataError(
            f"the dataset {spec.name} comes with scikit-learn, which is not installed: "
            'python -m pip install "mlplab[sklearn]"'
        ) from error
    bunch = load_digits()
    arrays = Arrays(bunch.images.astype(np.float32), bunch.target.astype(np.int64))
    options = {} if test == DEFAULT_TEST else {"test": test}
    return _carved(spec.name, arrays, spec.class_names, test, source=spec.name, options=options)


@dataclass(frozen=True)
class Arrays:
    """Features and labels on their way into a dataset."""

    x: Array
    y: Array
    feature_names: tuple[str, ...] = ()


def _load_path(path: Path, target: str | None, labels: Path | None, test: int | float) -> Dataset:
    """Read a file of the user's own."""
    options: dict[str, Any] = {"target": target, "labels": labels and str(labels.resolve())}
    options = {key: value for key, value in options.items() if value is not None}
    if path.suffix.lower() in TABLE_SUFFIXES:
        _refuse("is a table", str(path), labels=labels)
        x, y, columns = read_table(path, target)
        found, feature_names = files.Found((x, y), None), columns
    else:
        _refuse("is no table", str(path), target=target)
        found, feature_names = _read_arrays(path, labels), ()
    train, held_out, class_names = _prepare(path, found, feature_names)
    name, source = path.name.split(".")[0], str(path.resolve())
    if held_out is None:
        if test != DEFAULT_TEST:
            options["test"] = test
        return _carved(name, train, class_names, test, source=source, options=options)
    return Dataset(
        name,
        Split(train.x, train.y),
        Split(held_out.x, held_out.y),
        class_names,
        source=source,
        load_options=options,
    )


def _read_arrays(path: Path, labels: Path | None) -> files.Found:
    if path.suffix == ".npz" or path.is_dir():
        _refuse("holds its labels", str(path), labels=labels)
        return files.read_idx_folder(path) if path.is_dir() else files.read_npz(path)
    if "idx" in path.name or "ubyte" in path.name or labels is not None:
        return files.read_idx_pair(path, labels)
    raise DataError(
        f"cannot tell what {path} is: expected a folder of IDX files, an IDX file (with labels=), "
        "or a name ending in .npz, .csv or .parquet"
    )


def _prepare(
    path: Path, found: files.Found, feature_names: tuple[str, ...]
) -> tuple[Arrays, Arrays | None, tuple[str, ...]]:
    """Check the arrays as they stand in the file, and bring them to a dataset's types."""
    pairs = {"train": found.train, "test": found.test} if found.test else {"data": found.train}
    named = {name: pair for name, pair in pairs.items() if pair is not None}
    problems: list[str] = []
    for name, (x, y) in named.items():
        problems += length_problems(f"{name}.x", x, f"{name}.y", y)
        problems += feature_problems(name, x, feature_names)
        problems += _named_label_problems(name, y)
    raise_all(problems, str(path))
    class_names, encoded = _encode([y for _, y in named.values()])
    arrays = [
        Arrays(_features(x), y, feature_names)
        for (x, _), y in zip(named.values(), encoded, strict=True)
    ]
    return arrays[0], arrays[1] if found.test else None, class_names


def _named_label_problems(name: str, y: Array) -> list[str]:
    """Like ``label_problems``, where labels may be words too."""
    if y.dtype.kind == "U" or y.ndim != 1:
        return label_problems(name, y) if y.ndim != 1 else []
    if y.dtype.kind != "O":
        return label_problems(name, y)
    missing = [i for i, label in enumerate(y) if label is None]
    if not missing:
        return []
    what = "label is" if len(missing) == 1 else "labels are"
    return [f"{name}: {len(missing)} {what} missing; the first is at index {missing[0]}"]


def _encode(labels: list[Array]) -> tuple[tuple[str, ...], list[Array]]:
    """Class names and class indices: words in the order of the alphabet, integers as they are."""
    if any(y.dtype.kind in "UO" for y in labels):
        words = [np.array([str(label) for label in y], dtype=str) for y in labels]
        names, indices = np.unique(np.concatenate(words), return_inverse=True)
        ends = np.cumsum([len(y) for y in words])[:-1]
        return tuple(names.tolist()), np.split(indices.astype(np.int64), ends)
    integers = [y.astype(np.int64) for y in labels]
    n_classes = 1 + max((int(y.max()) for y in integers if len(y)), default=-1)
    return tuple(str(label) for label in range(max(n_classes, 0))), integers


def _features(x: Array) -> Array:
    """uint8 as it is, everything else float32."""
    return x if x.dtype == np.uint8 else x.astype(np.float32)


def _carved(
    name: str,
    arrays: Arrays,
    class_names: tuple[str, ...],
    test: int | float,
    *,
    source: str,
    options: dict[str, Any],
) -> Dataset:
    """A dataset whose test split is carved from its only one."""
    size = split_size(test, len(arrays.y), "test")
    stays, held_out = carve(arrays.y, size, np.random.default_rng(TEST_SEED))
    return Dataset(
        name,
        Split(arrays.x[stays], arrays.y[stays]),
        Split(arrays.x[held_out], arrays.y[held_out]),
        class_names,
        source=source,
        load_options=options,
        feature_names=arrays.feature_names,
    )


def _refuse(why: str, name: str, **arguments: object) -> None:
    """Refuse arguments that say nothing about this kind of data."""
    given = [f"{key}=" for key, value in arguments.items() if value is not None]
    if given:
        raise DataError(f"{name} {why}: {' and '.join(given)} does not apply, leave it out")


def _unknown(name: str) -> str:
    if "/" in name or "." in name:
        return f"no such file or folder: {name}"
    known = ", ".join(CATALOG)
    hint = did_you_mean(name, CATALOG) or "; give one of these, or the path of a file"
    return f"unknown dataset {name!r}{hint} (known: {known})"
