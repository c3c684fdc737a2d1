"""Scores from files: NumPy archives, and long tables."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mlplab.errors import CompareError, did_you_mean
from mlplab.frames import read_frame

if TYPE_CHECKING:
    import pandas as pd

Array = npt.NDArray[Any]

COLUMNS = ("recipe", "seed", "example", "score")


def read_scores(path: str | Path) -> dict[str, Array]:
    """Read scores from a file, as ``compare_scores`` takes them.

    Args:
        path: ``.npz`` with an array of shape (seeds, examples) for each recipe, under its name; or
            ``.csv`` or ``.parquet``, with a row a score and the columns recipe, seed, example and
            score.

    Returns:
        By recipe, in the order of the file, an array of shape (seeds, examples). In tables, seeds
        and examples are sorted; every recipe must have a score for each of its seeds and each of
        the examples, once.

    Raises:
        CompareError: if the file cannot be read or is incomplete.

    Examples:
        >>> np.savez("scores.npz", small=np.zeros((2, 3)), large=np.ones((2, 3)))
        >>> {name: y.shape for name, y in read_scores("scores.npz").items()}
        {'small': (2, 3), 'large': (2, 3)}
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in (".npz", ".csv", ".parquet", ".pq"):
        raise CompareError(f"{path}: scores come in .npz, .csv or .parquet files, got {suffix!r}")
    if not path.is_file():
        raise CompareError(f"{path}: there is no such file")
    if suffix == ".npz":
        return _read_npz(path)
    return _from_table(path, read_frame(path, CompareError))


def _read_npz(path: Path) -> dict[str, Array]:
    try:
        with zipfile.ZipFile(path):  # anything else that NumPy reads is no archive
            archive = np.load(path, allow_pickle=False)
        with archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise CompareError(f"{path} is no NumPy archive of plain arrays: {error}") from error
    except OSError as error:
        raise CompareError(f"cannot read {path}: {error.strerror or error}") from error


def _from_table(path: Path, frame: pd.DataFrame) -> dict[str, Array]:
    import pandas as pd

    missing = [column for column in COLUMNS if column not in frame.columns]
    if missing:
        known = [str(column) for column in frame.columns]
        hints = "".join(
            did_you_mean(known_one, missing) for known_one in known if known_one not in COLUMNS
        )
        raise CompareError(
            f"{path} must have the columns {', '.join(COLUMNS)}; {', '.join(missing)} "
            f"missing, got {', '.join(known)}{hints}"
        )
    if frame.empty:
        raise CompareError(f"{path} has columns, but no rows")
    keys = list(COLUMNS[:3])
    if frame[keys].isna().to_numpy().any():
        raise CompareError(f"{path}: some rows lack a recipe, a seed or an example")
    twice = frame[frame.duplicated(keys)]
    if len(twice):
        raise CompareError(f"{path} has {len(twice):,} scores twice, first {_named(twice)}")
    scores = pd.to_numeric(frame["score"], errors="coerce")
    unusable = frame[scores.isna()]
    if len(unusable):
        written = unusable.iloc[0]["score"]
        got = "none" if pd.isna(written) else repr(written)
        raise CompareError(
            f"{path}: expected a number as every score, got {got} for {_named(unusable)}"
            + (f" and {len(unusable) - 1:,} more" if len(unusable) > 1 else "")
        )
    examples = np.sort(frame["example"].unique())
    return {
        str(name): _grid(path, str(name), rows, examples)
        for name, rows in frame.groupby("recipe", sort=False)
    }


def _grid(path: Path, name: str, rows: pd.DataFrame, examples: Array) -> Array:
    """Return the scores of one recipe, seeds x examples, sorted."""
    grid = rows.set_index(["seed", "example"])["score"].unstack().reindex(columns=examples)  # noqa: PD010
    known = rows.groupby("seed")["example"].nunique().reindex(grid.index)
    short = known[known < len(examples)]
    if len(short):
        raise CompareError(
            f"{path}: all recipes must be scored on the same examples; {name}, seed "
            f"{short.index[0]}, has {short.iloc[0]:,} of {len(examples):,}"
        )
    return grid.to_numpy()


def _named(rows: pd.DataFrame) -> str:
    return ", ".join(f"{key} {rows.iloc[0][key]}" for key in COLUMNS[:3])
