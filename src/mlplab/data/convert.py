"""``convert``: a table of any size into mapped arrays, part by part.

Memory is that of a part, and in the end that of the numbers of the rows that are held out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout
from tqdm import tqdm

from mlplab.data.assemble import as_features
from mlplab.data.csv_parts import CsvParts
from mlplab.data.dataset import Dataset
from mlplab.data.finish import check, finish
from mlplab.data.mapped import is_mapped_folder, open_mapped
from mlplab.data.parts import Parts, open_parts
from mlplab.data.splits import DEFAULT_TEST, SplitSizeError, split_size
from mlplab.data.tables import (
    as_numbers,
    check_target,
    labels_of,
    no_rows,
    not_numeric,
    refuse_columns,
)
from mlplab.data.tally import MOST_WORDS, ReadAsText, Tally, TooManyWords
from mlplab.data.work import State, Work, asked_of
from mlplab.errors import DataError
from mlplab.files import writing

if TYPE_CHECKING:
    import pandas as pd

Array = npt.NDArray[Any]

GOES_ON = "the same command goes on where this one stopped"


def convert(
    table: str | Path,
    to: str | Path,
    *,
    target: str | None = None,
    test: int | float = DEFAULT_TEST,
    progress: bool = True,
) -> Dataset:
    """Convert a table into a folder of mapped arrays, which ``load`` opens whatever their size.

    The table is read part by part and gives what ``load`` makes of it: the same features, classes,
    test split and fingerprint, or the same errors. A second try of the same goes on where a first
    one stopped; the folder gets its name when it is whole.

    Args:
        table: a ``.csv``, ``.parquet`` or ``.pq`` file.
        to: the folder to be; nothing is there yet.
        target: the column of labels.
        test: how many examples to carve for a test split (an int), or which share of them.
        progress: whether to show on stderr how far it is, where that is a terminal.

    Returns:
        The dataset, opened.

    Raises:
        DataError: the table cannot be read or used, something else is at ``to``, or another process
            converts to it.
        StorageError: the disk is full or cannot be written.

    Examples:
        >>> lines = ["height,width,kind", *(f"{n},1.5,{'ab'[n % 2]}" for n in range(10))]
        >>> _ = Path("small.csv").write_text(chr(10).join(lines))
        >>> convert("small.csv", "small", target="kind")
        Dataset('small', train=8, test=2, input_shape=(2,))
        >>> load_again = open_mapped(Path("small"))
        >>> load_again.class_names, load_again.train.x[0].tolist()
        (('a', 'b'), [0.0, 1.5])
    """
    table, folder = Path(table).expanduser(), Path(to).expanduser()
    parts = open_parts(table)
    target = check_target(table, target, parts.columns)
    split_size(test, max(2, parts.total), "test")
    with writing(folder, GOES_ON), _alone(folder):
        work = Work(folder.with_name(f".{folder.name}.converting"), len(parts.columns) - 1)
        _refuse_what_is_there(folder, work)
        _Conversion(table, target, parts, work, progress).run(test, folder)
        work.remove()
    return open_mapped(folder)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes from converting to a folder; the lock's file stays."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder.with_name(f".{folder.name}.lock"), timeout=0):
            yield
    except Timeout as error:
        raise DataError(
            f"another process is converting a table to {folder}; wait for it to end"
        ) from error


def _refuse_what_is_there(folder: Path, work: Work) -> None:
    if is_mapped_folder(folder) and work.is_named():  # killed when all but this was done
        work.remove()
    if folder.exists():
        raise DataError(f"{folder} is there already; give another name, or remove it first")


class _Conversion:
    """One conversion of a table."""

    def __init__(self, table: Path, target: str, parts: Parts, work: Work, progress: bool) -> None:
        self.table, self.target, self.parts, self.work = table, target, parts, work
        self.columns = tuple(name for name in parts.columns if name != target)
        self.shown = progress and sys.stderr.isatty()

    def run(self, test: int | float, folder: Path) -> None:
        """Read the table, from where an earlier try stopped, and write the arrays."""
        state = self._state()
        try:
            try:
                self._read(state)
            except ReadAsText:
                state = self._begin(text=True)
                self._read(state)
            if not state.tally.rows:
                raise DataError(no_rows(self.table))
            check(self.work, state.tally, self.columns, str(self.table))
            finish(self.work, state.tally, self.columns, test, folder)
        except SplitSizeError:  # what was read stays, for another size
            raise
        except DataError as error:
            if not isinstance(error.__cause__, OSError):  # another try would find the same
                self.work.remove()
            raise

    def _state(self) -> State:
        asked = asked_of(self.table, self.target)
        return self.work.found(asked) or self._begin()

    def _begin(self, text: bool = False) -> State:
        """Begin anew; ``text`` reads labels as text."""
        typed = text or not isinstance(self.parts, CsvParts)
        state = State(asked_of(self.table, self.target), text=text, tally=Tally(typed=typed))
        self.work.begin(state)
        return state

    def _read(self, state: State) -> None:
        """Read what the state does not know of yet, and add it part by part."""
        parts = open_parts(self.table, self.target) if state.text else self.parts
        with self._bar(state) as bar, self.work.adding(state) as adder:
            for frame, place in parts.read(state.place):
                frame.columns = [str(column) for column in frame.columns]
                bar.update(place.at - state.place.at)
                state.place = place
                if len(frame):
                    adder.add(*self._arrays(frame, state.tally), state)

    def _arrays(self, frame: pd.DataFrame, tally: Tally) -> tuple[Array, npt.NDArray[np.int64]]:
        features = frame.drop(columns=self.target)
        self._check_columns(features, tally)
        x = as_features(as_numbers(features))
        try:
            return x, tally.add(x, labels_of(frame[self.target]))
        except TooManyWords:
            raise DataError(
                f"{self.table}: expected classes in column {self.target!r}, got more than "
                f"{MOST_WORDS:,} different words"
            ) from None

    def _check_columns(self, features: pd.DataFrame, tally: Tally) -> None:
        """Refuse columns that are not numeric, also those that are true and false in places."""
        yes_no = [str(name) for name, dtype in features.dtypes.items() if dtype == np.bool_]
        known = yes_no if tally.yes_no is None else tally.yes_no
        refused = {*not_numeric(features), *(set(yes_no) ^ set(known))}
        if refused and tally.rows and isinstance(self.parts, CsvParts):
            features = self.parts.first_as_text()
        refuse_columns(self.table, features, [name for name in self.columns if name in refused])
        tally.yes_no = yes_no

    def _bar(self, state: State) -> tqdm[Any]:
        return tqdm(
            desc=self.table.name,
            total=self.parts.total,
            initial=state.place.at,
            unit=self.parts.unit,
            unit_scale=True,
            disable=not self.shown,
        )
