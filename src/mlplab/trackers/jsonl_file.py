"""JSON lines: one object each for a run's begin, each of its epochs, and its end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlplab.trackers.appended import Ended
from mlplab.trackers.lines import Format, LinesSink, first_line
from mlplab.trackers.told import Epoch, Outcome, Run, iso


def line(event: str, run: Run, time: float, **values: Any) -> str:
    """Return the line of an event; every line says which run it is about."""
    study = {"study": run.study.name, "study_id": run.study.id}
    own = {"recipe": run.recipe, "vary": run.vary, "seed": run.seed}
    return json.dumps({"event": event, "time": iso(time)} | study | own | values) + "\n"


def begin_line(run: Run) -> str:
    """Return the line that a run begins with."""
    return line("begin", run, run.started, parameters=dict(run.parameters))


def epoch_line(run: Run, epoch: Epoch) -> str:
    """Return the line of an epoch."""
    return line("epoch", run, epoch.time, epoch=epoch.epoch, **epoch.figures)


def end_line(run: Run, outcome: Outcome) -> str:
    """Return the line that a run ends with."""
    model = {"model": str(outcome.model)} if outcome.model else {}
    return line("end", run, outcome.time, status=outcome.status, **outcome.scores, **model)


def ended(text: bytes) -> Ended | None:
    """Return the run that a line ends, or None.

    Examples:
        >>> ended(b'{"event": "end", "study_id": "1f", "recipe": "a", "vary": "all", "seed": 3}')
        ('1f', ('a', 'all', 3))
        >>> ended(b'{"event": "epo')
    """
    try:
        found = json.loads(text)
        if found["event"] != "end":
            return None
        return found["study_id"], (found["recipe"], found["vary"], found["seed"])
    except (ValueError, TypeError, KeyError):
        return None


_BEGINS = b'{"event": "'
_FIRST = b'{"event": "begin", "time": "'
_KEYS = {"event", "time", "study", "study_id", "recipe", "vary", "seed"}


def ours(text: bytes) -> bool:
    r"""Say whether a line, or the beginning of one, is of a run: it says of which.

    Examples:
        >>> ours(b'{"event": "epo'), ours(b'{"event": "begin", "user": 3}\n')
        (True, False)
    """
    if not text.endswith(b"\n"):
        return text.startswith(_BEGINS) or _BEGINS.startswith(text)
    try:
        found = json.loads(text)
    except ValueError:
        return False
    return isinstance(found, dict) and found.keys() >= _KEYS


FORMAT = Format("", begin_line, epoch_line, end_line, ended, ours)


def jsonl_sink(place: str) -> LinesSink:
    """Return a sink that adds lines to a file of JSON lines."""
    return LinesSink(place, FORMAT)


def problem(place: str) -> str:
    """Return why a place cannot be such a file, or nothing."""
    if Path(place).is_dir():
        return f"expected a file of JSON lines, got a folder: {place}"
    first = first_line(place)
    if ours(first) if first.endswith(b"\n") else _FIRST.startswith(first[: len(_FIRST)]):
        return ""
    return f"expected JSON lines that mlplab wrote, or no file yet, got another: {place}"
