"""CSV files read part by part.

A part is some whole records with the header before them, parsed by pandas as a file of its own: so
quotes, missing values, names and types are read as ``load`` reads them.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from mlplab.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

PART_BYTES = 1 << 24
MOST_BYTES = 1 << 26
"""The longest record there may be."""

# A quote opens a field at its beginning alone; inside, two of them stand for one.
_QUOTED = re.compile(rb'(?:(?<=[,\r\n])|\A)"(?:[^"]++|"")*+(?:"|\Z)')  # goes back nowhere
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Place(NamedTuple):
    """Where a part begins.

    Attributes:
        at: bytes of a CSV file, rows of a Parquet file.
        lines: lines of a CSV file before it.
    """

    at: int = 0
    lines: int = 0


class CsvParts:
    """A CSV file; see ``Parts``.

    Args:
        path: the file.
        text: a column to be read as text.
    """

    unit = "B"

    def __init__(self, path: Path, text: str | None = None) -> None:
        self.path, self.text = path, text
        try:
            self.total = path.stat().st_size
            with path.open("rb") as stream:
                self.header = _header(path, stream)
                stream.seek(len(self.header))
                first = next(whole_records(path, stream), b"")
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror}") from error
        self.columns = [str(column) for column in self._parse(self.header, 0).columns]
        self.unnamed = self._unnamed(first)

    def read(self, start: Place) -> Iterator[tuple[pd.DataFrame, Place]]:
        """Read parts from a place on, each with the place where the next begins."""
        at, lines = max(start.at, len(self.header)), max(start.lines, _lines(self.header))
        try:
            with self.path.open("rb") as stream:
                stream.seek(at)
                for records in whole_records(self.path, stream):
                    frame = self._parse(self.header + records, lines)
                    self._check_fields(records, lines)
                    at, lines = at + len(records), lines + _lines(records)
                    yield frame, Place(at, lines)
        except OSError as error:
            raise DataError(f"cannot read {self.path}: {error.strerror}") from error

    def first_as_text(self) -> pd.DataFrame:
        """Read the first part with every value as it is written."""
        with self.path.open("rb") as stream:
            stream.seek(len(self.header))
            return self._parse(self.header + next(whole_records(self.path, stream), b""), 0, str)

    def _check_fields(self, records: bytes, lines: int) -> None:
        """Refuse a part whose first row has more fields than the file's, or fewer of the unnamed.

        pandas takes fields that are more than the names for an index, as many as the first row has.
        """
        found = self._unnamed(records)
        if found != self.unnamed and records.strip():
            expected = len(self.columns) + self.unnamed
            raise DataError(
                f"{self.path} is no CSV file: Error tokenizing data. C error: Expected {expected} "
                f"fields in line {lines + 1}, saw {expected + found - self.unnamed}"
            )

    def _unnamed(self, records: bytes) -> int:
        """Return how many fields the first of some records has beyond the named ones."""
        import pandas as pd

        try:
            first = pd.read_csv(io.BytesIO(records), header=None, nrows=1, dtype=str)
        except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError):
            return 0  # nothing, or what parsing them all refuses with its own words
        return max(0, first.shape[1] - len(self.columns))

    def _parse(self, content: bytes, lines: int, dtype: type | None = None) -> pd.DataFrame:
        """Parse the header and records that come after ``lines`` lines of the file."""
        import pandas as pd

        types = dtype or ({self.text: str} if self.text else None)
        try:
            return pd.read_csv(io.BytesIO(content), dtype=types, low_memory=False)
        except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as wrong:
            before = max(0, lines - _lines(self.header)) if hasattr(self, "header") else 0
            text = _in_lines_of_file(str(wrong).strip(), before)
            raise DataError(f"{self.path} is no CSV file: {text}") from wrong


def whole_records(path: Path, stream: BinaryIO) -> Iterator[bytes]:
    """Read a stream from the beginning of a record on, in pieces that end where a record ends.

    A line ends with LF, CR or both, as pandas reads it.

    Raises:
        DataError: a record is longer than ``MOST_BYTES``.

    Examples:
        >>> path, stream = Path("a.csv"), io.BytesIO(b'1,"a,b"')
        >>> list(whole_records(path, stream))
        [b'1,"a,b"']
    """
    held = b""
    while read := stream.read(PART_BYTES):
        held += read
        end = _end_of_last_record(held)
        if end:
            yield held[:end]
            held = held[end:]
        elif len(held) > MOST_BYTES:
            raise DataError(
                f"{path} is no CSV file: a record is longer than {MOST_BYTES >> 20} MB; "
                "is there a quote that is never closed?"
            )
    if held:
        yield held


def _end_of_last_record(content: bytes) -> int:
    """Return where the last whole record ends: after a line's end that no quotes surround; or 0.

    A CR that comes last may be half of a CR LF, so it ends nothing yet.
    """
    content = content.removesuffix(b"\r")
    if b'"' not in content:
        return max(content.rfind(b"\n"), content.rfind(b"\r")) + 1
    end = start = 0
    for quoted in _QUOTED.finditer(content):
        end = max(end, _last_line_end(content, start, quoted.start()))
        start = quoted.end()
    return max(end, _last_line_end(content, start, len(content)))


def _last_line_end(content: bytes, start: int, stop: int) -> int:
    return max(content.rfind(b"\n", start, stop), content.rfind(b"\r", start, stop)) + 1


def _header(path: Path, stream: BinaryIO) -> bytes:
    """Return the beginning of a file up to the end of the first record that is not blank."""
    content = b""
    while read := stream.read(max(1 << 16, len(content))):  # twice as much each time
        content += read
        for end in _record_ends(content):
            if content[:end].removeprefix(_BYTE_ORDER_MARK).strip():
                return content[:end]
        if len(content) > MOST_BYTES:
            raise DataError(f"{path} is no CSV file: its first line has no end")
    return content


def _record_ends(content: bytes) -> Iterator[int]:
    body = content.removeprefix(_BYTE_ORDER_MARK)
    shift = len(content) - len(body)
    quoted = [match.span() for match in _QUOTED.finditer(body)] if b'"' in body else []
    for match in re.finditer(rb"\r\n|\n|\r(?!\Z)", body):
        if not any(start < match.start() < end for start, end in quoted):
            yield shift + match.end()


def _lines(content: bytes) -> int:
    return content.count(b"\n") + content.count(b"\r") - content.count(b"\r\n")


def _in_lines_of_file(text: str, before: int) -> str:
    return re.sub(r"(?<=in line )\d+", lambda match: str(int(match[0]) + before), text)
