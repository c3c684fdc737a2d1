"""CSV: a row an epoch, and a row for the end of a run, in which the epoch is empty."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from string import hexdigits
from typing import Any

from mlplab.trackers.appended import Ended
from mlplab.trackers.lines import Format, LinesSink, first_line
from mlplab.trackers.told import Epoch, Outcome, Run, iso

PARAMETERS = (
    "dataset", "validation", "engine", "layers", "optimizer", "learning_rate", "batch_size",
)  # fmt: skip
"""The parameters that have columns of their own; the rest are the study file's to tell."""

COLUMNS = (
    "study", "study_id", "recipe", "vary", "seed", *PARAMETERS, "time", "epoch", "seconds", "loss",
    "accuracy", "val_loss", "val_accuracy", "status", "test_loss", "test_accuracy",
)  # fmt: skip
"""The columns, in their order."""


def row(values: Mapping[str, Any]) -> str:
    r"""Return a line; columns without a value are empty.

    Examples:
        >>> row({"study": "mine", "seed": 3, "layers": "Dense(2, relu), Dense(3)"})
        'mine,,,,3,,,,"Dense(2, relu), Dense(3)",,,,,,,,,,,,,\n'
    """
    text = io.StringIO()
    csv.DictWriter(text, COLUMNS, lineterminator="\n").writerow(values)
    return text.getvalue()


def of_run(run: Run) -> dict[str, Any]:
    """Return what stands in every row of a run."""
    names = {"study": " ".join(run.study.name.split()), "study_id": run.study.id}
    own = {"recipe": run.recipe, "vary": run.vary, "seed": run.seed}
    return names | own | {name: run.parameters.get(name) for name in PARAMETERS}


def epoch_row(run: Run, epoch: Epoch) -> str:
    """Return the row of an epoch."""
    return row({**of_run(run), "time": iso(epoch.time), "epoch": epoch.epoch, **epoch.figures})


def end_row(run: Run, outcome: Outcome) -> str:
    """Return the row that a run ends with."""
    end = {"time": iso(outcome.time), "status": outcome.status}
    return row({**of_run(run), **end, **outcome.scores})


def ended(line: bytes) -> Ended | None:
    """Return the run that a row ends, or None.

    Examples:
        >>> values = {"study_id": "1f", "recipe": "net", "vary": "all", "seed": 3}
        >>> ended(row(values | {"status": "done"}).encode()), ended(row(values).encode())
        (('1f', ('net', 'all', 3)), None)
    """
    values = dict(zip(COLUMNS, cells(line), strict=False))
    if not ours(line) or not values.get("status"):
        return None
    return values["study_id"], (values["recipe"], values["vary"], int(values["seed"]))


def cells(line: bytes) -> list[str]:
    """Return the cells of a row, or of the beginning of one."""
    return next(csv.reader([line.decode(errors="replace")]), [])


def ours(line: bytes) -> bool:
    r"""Say whether a row, or the beginning of one, is of a run: it has the id of a study.

    Examples:
        >>> values = row({"study": "mine", "study_id": "1f", "seed": 3}).encode()
        >>> ours(values), ours(values[:9]), ours(b"mine,yours\n"), ours(b"mine,1f\n")
        (True, True, False, False)
    """
    found = cells(line)
    if line.endswith(b"\n") and not (len(found) == len(COLUMNS) and found[4].isdigit()):
        return False
    return 2 < len(found) <= len(COLUMNS) and found[1] > "" and set(found[1]) <= set(hexdigits)


HEADER = ",".join(COLUMNS) + "\n"
FORMAT = Format(HEADER, lambda run: "", epoch_row, end_row, ended, ours)


def csv_sink(place: str) -> LinesSink:
    """Return a sink that adds rows to a CSV file."""
    return LinesSink(place, FORMAT)


def problem(place: str) -> str:
    """Return why a place cannot be such a file, or nothing."""
    if Path(place).is_dir():
        return f"expected a CSV file, got a folder: {place}"
    first, header = first_line(place), HEADER.encode()
    if first == header or (header.startswith(first) and not first.endswith(b"\n")):
        return ""
    return f"expected a CSV file that mlplab wrote, or none yet, got another: {place}"
