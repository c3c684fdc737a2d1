"""Datasets in tables: CSV and Parquet, numeric columns and one column of labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mlplab.errors import DataError, did_you_mean
from mlplab.frames import read_frame

if TYPE_CHECKING:
    import pandas as pd

Array = npt.NDArray[Any]

_NAMED = 10
"""Columns that an error names at most."""

TABLE_SUFFIXES = (".csv", ".parquet", ".pq")


def read_table(path: Path, target: str | None) -> tuple[Array, Array, tuple[str, ...]]:
    """Read features and labels from a table.

    Args:
        path: a ``.csv``, ``.parquet`` or ``.pq`` file.
        target: the column of labels.

    Returns:
        Features of shape (n, columns), float64, missing ones NaN; labels of shape (n,) as they
        stand in the column, with None for a missing name; the names of the feature columns.

    Raises:
        DataError: if the file cannot be read, there is no such target, or a column is not numeric.
    """
    frame = read_frame(path, DataError)
    frame.columns = [str(column) for column in frame.columns]
    target = check_target(path, target, list(frame.columns))
    if frame.empty:
        raise DataError(no_rows(path))
    features = frame.drop(columns=target)
    refuse_columns(path, features, not_numeric(features))
    return as_numbers(features), labels_of(frame[target]), tuple(features.columns)


def no_rows(path: Path) -> str:
    """Return the sentence for a table without rows."""
    return f"{path} has columns, but no rows"


def as_numbers(features: pd.DataFrame) -> Array:
    """Return columns of numbers as float64, shape (n, columns), missing ones NaN.

    ``validate`` finds those.
    """
    return features.to_numpy(dtype=np.float64, na_value=np.nan)


def check_target(path: Path, target: str | None, columns: list[str]) -> str:
    """Return the column of labels; raise DataError unless it is there, beside another."""
    few = len(columns) <= _NAMED
    shown = ", ".join(columns if few else [*columns[: _NAMED - 1], "...", columns[-1]])
    if target is None:
        raise DataError(
            f"{path}: which column holds the labels? Name it with --target COLUMN (target=); "
            f"there are: {shown}"
        )
    if target not in columns:
        hint = did_you_mean(target, columns) or f"; there are: {shown}"
        raise DataError(f"{path} has no column {target!r}{hint}")
    if len(columns) < 2:
        raise DataError(f"{path} has no column of features beside {target!r}")
    return target


def not_numeric(features: pd.DataFrame) -> list[str]:
    """Return the names of the columns that hold no real numbers."""
    from pandas.api.types import is_complex_dtype, is_numeric_dtype

    return [
        str(name)
        for name, dtype in features.dtypes.items()
        if not is_numeric_dtype(dtype) or is_complex_dtype(dtype)
    ]


def refuse_columns(path: Path, features: pd.DataFrame, refused: list[str]) -> None:
    """Raise DataError with the columns that are refused, if any, and the first value of each."""
    if refused:
        names = ", ".join(f"{name!r} (first value {features[name].iloc[0]!r})" for name in refused)
        what = "column is" if len(refused) == 1 else "columns are"
        raise DataError(
            f"{path}: {len(refused)} {what} not numeric: {names}; "
            "mlplab reads numeric features only: encode them as numbers, or leave them out"
        )


def labels_of(column: pd.Series[Any]) -> Array:
    """The column of labels: numbers with NaN where missing, or objects with None."""
    from pandas.api.types import is_bool_dtype, is_integer_dtype, is_numeric_dtype

    if is_numeric_dtype(column.dtype) and not is_bool_dtype(column.dtype):
        if is_integer_dtype(column.dtype) and not column.isna().any():
            return column.to_numpy(dtype=np.int64)
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    named = column.astype(object)
    return named.where(column.notna(), None).to_numpy(dtype=object)


def read_features(path: Path, target: str | None = None) -> tuple[Array, Array | None]:
    """Read a table of examples to predict; its labels may be absent.

    Args:
        path: a ``.csv``, ``.parquet`` or ``.pq`` file whose first line names the columns.
        target: the column of labels, if there is one.

    Returns:
        Features of shape (n, columns), float64, missing ones NaN; the labels, or None.

    Raises:
        DataError: if the file cannot be read, there is no such target, or a column is not numeric.
    """
    frame = read_frame(path, DataError)
    frame.columns = [str(column) for column in frame.columns]
    _check_header(path, list(frame.columns))
    if target is not None:
        check_target(path, target, list(frame.columns))
    if frame.empty:
        raise DataError(no_rows(path))
    features = frame if target is None else frame.drop(columns=target)
    refuse_columns(path, features, not_numeric(features))
    return as_numbers(features), None if target is None else labels_of(frame[target])


def _check_header(path: Path, columns: list[str]) -> None:
    """Refuse a first line of values; numbers that count the columns are names."""
    counted = {tuple(str(i + start) for i in range(len(columns))) for start in (0, 1)}
    if tuple(columns) in counted or not all(map(_is_number, columns)):
        return
    raise DataError(
        f"{path}: expected a first line of column names, got numbers: {', '.join(columns[:5])}; "
        "add a line of names"
    )


def _is_number(text: str) -> bool:
    # pandas tells equal names apart by a dot and a count: 0, 0.1, 0.2, ..., 0.5, 0.5.1
    return text.replace(".", "").replace("-", "").isdigit()
