"""Trackers: where runs are told as they are trained, besides the study file."""

from __future__ import annotations

from mlplab.trackers.sink import Sink
from mlplab.trackers.table import TRACKERS, Tracker, sinks
from mlplab.trackers.told import Epoch, Key, Outcome, Run, StudyName

__all__ = [
    "TRACKERS",
    "Epoch",
    "Key",
    "Outcome",
    "Run",
    "Sink",
    "StudyName",
    "Tracker",
    "sinks",
]
