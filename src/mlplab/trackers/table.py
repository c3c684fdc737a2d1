"""The trackers: one entry each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlplab.errors import UsageError, did_you_mean
from mlplab.trackers import csv_file, jsonl_file, mlflow_uri, tensorboard_files
from mlplab.trackers.mlflow_store import MlflowSink
from mlplab.trackers.sink import Sink


def beside(place: str, folder: Path) -> str:
    """Return a path as it is seen from here, where it was written beside files of a folder.

    Examples:
        >>> beside("runs.csv", Path("studies")), beside("/tmp/runs.csv", Path("studies"))
        ('studies/runs.csv', '/tmp/runs.csv')
    """
    return str(folder / place)


def anything(place: str) -> str:
    """Find no problem."""
    return ""


@dataclass(frozen=True)
class Tracker:
    """A kind of tracker.

    Attributes:
        sink: makes a sink for a place; opens nothing.
        takes: what a place is, in words.
        problem: why a place cannot be one, or nothing; asked before anything is trained.
        beside: a place as it is seen from here, where it was written beside files of a folder.
    """

    sink: Callable[[str], Sink]
    takes: str
    problem: Callable[[str], str] = anything
    beside: Callable[[str, Path], str] = beside


TRACKERS: dict[str, Tracker] = {
    "mlflow": Tracker(
        MlflowSink,
        "a folder, sqlite:///FILE or http://HOST:PORT",
        mlflow_uri.problem,
        mlflow_uri.beside,
    ),
    "tensorboard": Tracker(
        tensorboard_files.TensorBoardSink, "a folder", tensorboard_files.problem
    ),
    "csv": Tracker(csv_file.csv_sink, "a file", csv_file.problem),
    "jsonl": Tracker(jsonl_file.jsonl_sink, "a file", jsonl_file.problem),
}


def sinks(track: Mapping[str, str | Path]) -> dict[str, Sink]:
    """Return the sinks that are asked for, by the names of their trackers.

    Args:
        track: for each tracker its place.

    Raises:
        UsageError: no such tracker, a place that cannot be one, a package that is missing.

    Examples:
        >>> list(sinks({"csv": "runs.csv"}))
        ['csv']
        >>> sinks({"cvs": "runs.csv"})
        Traceback (most recent call last):
        mlplab.errors.UsageError: expected a tracker out of mlflow, tensorboard, csv, jsonl, \
got 'cvs'; did you mean 'csv'?
    """
    for name in track:
        if name not in TRACKERS:
            raise UsageError(
                f"expected a tracker out of {', '.join(TRACKERS)}, got {name!r}"
                + did_you_mean(name, TRACKERS)
            )
    found = {name: TRACKERS[name].problem(str(place)) for name, place in track.items()}
    problems = [f"{name}: {problem}" for name, problem in found.items() if problem]
    if problems:
        raise UsageError("; ".join(problems))
    return {name: TRACKERS[name].sink(str(place)) for name, place in track.items()}
