"""``load``: a name or a path in, a Dataset out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mlplab.data import files, sources
from mlplab.data.assemble import assemble
from mlplab.data.catalog import CATALOG, NamedDataset, named_dataset
from mlplab.data.dataset import Dataset, Split
from mlplab.data.mapped import is_mapped_folder, open_mapped
from mlplab.data.splits import DEFAULT_TEST
from mlplab.data.tables import TABLE_SUFFIXES, read_table
from mlplab.errors import DataError
from mlplab.extras import installing

Array = npt.NDArray[Any]


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
    ``.csv`` or ``.parquet`` table, or a folder that ``convert`` made of one.
    Where there is no test split, one is carved: stratified, and the same at every load.

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

    Examples:
        >>> digits = load("digits")
        >>> digits.train.x.shape, digits.test.n, digits.n_classes
        ((1438, 8, 8), 359, 10)
    """
    name, path = str(name_or_path), Path(name_or_path).expanduser()
    if name in CATALOG or not (path.exists() or "/" in name or "." in name):
        spec = named_dataset(name)
        _refuse("names a dataset", name, target=target, labels=labels)
        return load_named(spec, test=test, progress=progress)
    if not path.exists():
        raise DataError(f"no such file or folder: {name}")
    return _load_path(path, target, Path(labels).expanduser() if labels else None, test)


def load_named(
    spec: NamedDataset, *, test: int | float = DEFAULT_TEST, progress: bool = True
) -> Dataset:
    """Load a dataset of the catalog; see ``load``."""
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
            f"the dataset {spec.name} comes with scikit-learn, which is not installed; "
            f"run: {installing('sklearn')}"
        ) from error
    bunch = load_digits()
    return assemble(
        spec.name,
        files.Found((bunch.images, bunch.target), None),
        test=test,
        source=spec.name,
        load_options={} if test == DEFAULT_TEST else {"test": test},
    )


def _load_path(path: Path, target: str | None, labels: Path | None, test: int | float) -> Dataset:
    """Read a file of the user's own."""
    if is_mapped_folder(path):
        _refuse("holds its labels", str(path), target=target, labels=labels)
        return open_mapped(path)
    options: dict[str, Any] = {"target": target, "labels": labels and str(labels.resolve())}
    options = {key: value for key, value in options.items() if value is not None}
    if path.suffix.lower() in TABLE_SUFFIXES:
        _refuse("is a table", str(path), labels=labels)
        x, y, feature_names = read_table(path, target)
        found = files.Found((x, y), None)
    else:
        _refuse("is no table", str(path), target=target)
        found, feature_names = _read_arrays(path, labels), ()
    if found.test is None and test != DEFAULT_TEST:
        options["test"] = test
    return assemble(
        path.name.split(".")[0],
        found,
        feature_names=feature_names,
        test=test,
        where=str(path),
        source=str(path.resolve()),
        load_options=options,
    )


def _read_arrays(path: Path, labels: Path | None) -> files.Found:
    if path.suffix.lower() == ".npz" or path.is_dir():
        _refuse("holds its labels", str(path), labels=labels)
        return files.read_idx_folder(path) if path.is_dir() else files.read_npz(path)
    if "idx" in path.name or "ubyte" in path.name or labels is not None:
        return files.read_idx_pair(path, labels)
    raise DataError(
        f"cannot tell what {path} is: expected a folder of IDX files, an IDX file (with labels=), "
        "or a name ending in .npz, .csv or .parquet"
    )


def _refuse(why: str, name: str, **arguments: object) -> None:
    """Refuse arguments that say nothing about this kind of data."""
    given = [f"{key}=" for key, value in arguments.items() if value is not None]
    if given:
        raise DataError(f"{name} {why}: {' and '.join(given)} does not apply, leave it out")
