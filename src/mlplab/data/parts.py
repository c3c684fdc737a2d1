"""Tables read part by part, in memory that does not grow with the file.

A part is a frame as pandas would have read it, and the place in the file where the next begins:
bytes of a CSV file, rows of a Parquet file. Reading can begin at any such place.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mlplab.data.csv_parts import CsvParts, Place
from mlplab.data.tables import TABLE_SUFFIXES
from mlplab.errors import DataError
from mlplab.frames import parquet_errors

if TYPE_CHECKING:
    import pandas as pd

VALUES_AT_ONCE = 1 << 21
"""Values of a Parquet file in a part: 16 MB of float64."""


class Parts(Protocol):
    """A table that is read part by part.

    Attributes:
        columns: the names of its columns.
        total: the place where it ends.
        unit: what places count: ``B`` or ``rows``.
    """

    columns: list[str]
    total: int
    unit: str

    def read(self, start: Place) -> Iterator[tuple[pd.DataFrame, Place]]:
        """Read parts from a place on, each with the place where the next begins."""


def open_parts(path: Path, text: str | None = None) -> Parts:
    """Open a table.

    Args:
        path: a ``.csv``, ``.parquet`` or ``.pq`` file.
        text: a column of a CSV file to be read as text, whatever it looks like.

    Raises:
        DataError: it is no table, or cannot be read.
    """
    suffix = path.suffix.lower()
    if not path.exists():
        raise DataError(f"no such file or folder: {path}")
    if suffix not in TABLE_SUFFIXES or path.is_dir():
        raise DataError(
            f"expected a table, one file whose name ends in {', '.join(TABLE_SUFFIXES)}, got {path}"
        )
    return CsvParts(path, text) if suffix == ".csv" else ParquetParts(path)


class ParquetParts:
    """A Parquet file; see ``Parts``."""

    unit = "rows"

    def __init__(self, path: Path) -> None:
        self.path = path
        with parquet_errors(path, DataError):
            import pyarrow.parquet

            with pyarrow.parquet.ParquetFile(path) as file:
                self.total: int = file.metadata.num_rows
                frame = file.schema_arrow.empty_table().to_pandas()
        self.columns = [str(column) for column in frame.columns]
        self.n_rows = max(1, VALUES_AT_ONCE // max(1, len(self.columns)))

    def read(self, start: Place) -> Iterator[tuple[pd.DataFrame, Place]]:
        """Read parts from a place on."""
        import pyarrow.parquet

        with (
            parquet_errors(self.path, DataError),
            pyarrow.parquet.ParquetFile(self.path, memory_map=True, pre_buffer=False) as file,
        ):
            at = 0
            for group in range(file.num_row_groups):
                size = file.metadata.row_group(group).num_rows
                if at + size <= start.at:  # all of it was read before
                    at += size
                    continue
                for batch in file.iter_batches(self.n_rows, row_groups=[group]):
                    new = batch.slice(max(0, start.at - at))
                    at += batch.num_rows
                    if new.num_rows:
                        table = pyarrow.Table.from_batches([new], file.schema_arrow)
                        yield table.to_pandas(), Place(at)
