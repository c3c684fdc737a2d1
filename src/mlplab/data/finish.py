"""The end of a conversion: the test split carved, the arrays written, described, and named."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from mlplab.data.assemble import TEST_SEED, gaps
from mlplab.data.dataset import Split, content_fingerprint
from mlplab.data.lazy import LazyRows, rows_of_a_part
from mlplab.data.mapped import ARRAYS, KIND, META, VERSION, open_mapped, sha256_of
from mlplab.data.splits import class_counts, held_out_rows, split_size
from mlplab.data.tally import MOST_WORDS, Tally
from mlplab.data.validate import raise_all
from mlplab.data.work import Work, folder_to_disk, to_disk

Array = npt.NDArray[Any]


def check(work: Work, tally: Tally, columns: tuple[str, ...], where: str) -> None:
    """Check what was found of a table that has been read to its end.

    Args:
        work: the conversion.
        tally: what was found of the table.
        columns: the names of the features.
        where: what to call the data in an error.

    Raises:
        DataError: with every problem of the data.
    """
    problems = tally.problems(columns)
    if not problems and not tally.words:
        problems = _numbering_problems(tally, work.y(tally.rows))
    raise_all(problems, where)


def finish(
    work: Work,
    tally: Tally,
    columns: tuple[str, ...],
    test: int | float,
    target_folder: Path,
) -> None:
    """Write the arrays of a table that was read and checked, under the name they shall have.

    Args:
        work: the conversion.
        tally: what was found of the table.
        columns: the names of the features.
        test: how much to carve for a test split.
        target_folder: the name.

    Raises:
        SplitSizeError: a test split of that size cannot be carved.
        DataError: none can, or there is one class alone.
    """
    x, codes = work.x(tally.rows), work.y(tally.rows)
    alphabet = sorted(range(len(tally.words)), key=tally.words.__getitem__)
    names = tuple(tally.words[code] for code in alphabet)
    y: Any = codes
    if names:
        y = LazyRows(codes, each=partial(np.take, np.argsort(alphabet)))
    else:
        names = tuple(str(label) for label in range(tally.highest + 1))
    made = work.whole
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    held_out = held_out_rows(
        y, split_size(test, tally.rows, "test"), np.random.default_rng(TEST_SEED)
    )
    range_, filled = _write_arrays(made, Split(x, y), held_out)
    _describe(made, names, columns, range_, filled)
    open_mapped(made, target_folder.name)  # a Dataset's own checks
    work.about_to_name()
    os.replace(made, target_folder)
    folder_to_disk(target_folder.parent)


def _numbering_problems(tally: Tally, y: Array) -> list[str]:
    """Integer labels are class indices, so they must run from 0 without gaps."""
    if tally.lowest == 0 and tally.highest < tally.rows and class_counts(y).all():
        n_classes = tally.highest + 1
        too_many = f"expected at most {MOST_WORDS:,} classes, got {n_classes:,}"
        return [too_many] if n_classes > MOST_WORDS else []
    return [gaps(len(np.unique(y)), tally.lowest, tally.highest)]


def _write_arrays(
    folder: Path, data: Split, held_out: npt.NDArray[np.intp]
) -> tuple[tuple[float, float], int]:
    """Write the arrays of both splits.

    Returns:
        The smallest and the largest feature, and how many training features are not zero.
    """
    low, high, filled, n_rows = math.inf, -math.inf, 0, rows_of_a_part(data.x)
    with _files(folder, data, len(held_out)) as files:
        for start in range(0, data.n, n_rows):
            x, y = (np.asarray(array[start : start + n_rows]) for array in data)
            first, last = np.searchsorted(held_out, (start, start + len(x)))
            out = np.zeros(len(x), np.bool_)
            out[held_out[first:last] - start] = True
            for name, part in (("x_train", x[~out]), ("y_train", y[~out]), ("x_test", x[out])):
                files[name].write(part.data)
            files["y_test"].write(y[out].data)
            low, high = min(low, x.min().item()), max(high, x.max().item())
            filled += int(np.count_nonzero(x[~out]))
        for stream in files.values():
            to_disk(stream)
    return (low, high), filled


@contextmanager
def _files(folder: Path, data: Split, n_test: int) -> Iterator[dict[str, BinaryIO]]:
    """Open a file an array, its header written."""
    sizes = {"train": data.n - n_test, "test": n_test}
    with ExitStack() as stack:
        files: dict[str, BinaryIO] = {}
        for name in ARRAYS:
            array = data.x if name.startswith("x") else data.y
            stream = stack.enter_context((folder / f"{name}.npy").open("wb"))
            shape = (sizes[name[2:]], *array.shape[1:])
            about = {"descr": array.dtype.str, "fortran_order": False, "shape": shape}
            npy.write_array_header_1_0(stream, about)
            files[name] = stream
        yield files


def _describe(
    folder: Path,
    names: tuple[str, ...],
    columns: tuple[str, ...],
    value_range: tuple[float, float],
    filled: int,
) -> None:
    """Write what is known of the arrays."""
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ARRAYS}
    splits = {s: Split(arrays[f"x_{s}"], arrays[f"y_{s}"]) for s in ("train", "test")}
    files = {
        name: {
            "shape": list(array.shape),
            "dtype": array.dtype.name,
            "bytes": (folder / f"{name}.npy").stat().st_size,
            "sha256": sha256_of(folder / f"{name}.npy"),
        }
        for name, array in arrays.items()
    }
    meta = {
        "kind": KIND,
        "version": VERSION,
        "feature_names": columns,
        "class_names": names,
        "class_counts": {s: class_counts(of.y, len(names)).tolist() for s, of in splits.items()},
        "value_range": value_range,
        "density": filled / splits["train"].x.size,
        "fingerprint": content_fingerprint(names, splits),
        "files": files,
    }
    with (folder / META).open("w") as stream:
        json.dump(meta, stream, indent=1)
        to_disk(stream)
    folder_to_disk(folder)
