"""Tables from files: CSV and Parquet, as pandas reads them."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mlplab.extras import installing

if TYPE_CHECKING:
    import pandas as pd


def read_frame(path: Path, error: type[Exception]) -> pd.DataFrame:
    """Read a table.

    Args:
        path: a ``.csv`` file; any other is taken for Parquet.
        error: what to raise, with one sentence.

    Raises:
        error: the file cannot be read, is no such table, or pyarrow is not installed.
    """
    return _read_csv(path, error) if path.suffix.lower() == ".csv" else _read_parquet(path, error)


def _read_csv(path: Path, error: type[Exception]) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_csv(path, low_memory=False)  # one type a column, however long
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as wrong:
        raise error(f"{path} is no CSV file: {str(wrong).strip()}") from wrong
    except OSError as wrong:
        raise error(f"cannot read {path}: {wrong.strerror}") from wrong


def _read_parquet(path: Path, error: type[Exception]) -> pd.DataFrame:
    import pandas as pd

    with parquet_errors(path, error):
        return pd.read_parquet(path, engine="pyarrow")


@contextmanager
def parquet_errors(path: Path, error: type[Exception]) -> Iterator[None]:
    """Raise what pyarrow says of a file as ``error``, with one sentence.

    Args:
        path: the file.
        error: what to raise; also where pyarrow is not installed.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise error(
            f"reading {path} takes pyarrow, which is not installed; run: {installing('parquet')}"
        )
    from pyarrow import ArrowInvalid

    try:
        yield
    except ArrowInvalid as wrong:
        raise error(f"{path} is no Parquet file: {str(wrong).splitlines()[0]}") from wrong
    except OSError as wrong:
        raise error(f"cannot read {path}: {wrong.strerror or wrong}") from wrong
