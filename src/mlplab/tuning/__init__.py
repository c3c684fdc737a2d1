"""Tuning: a search over recipes by their validation score, and what its winner is worth."""

from __future__ import annotations

from mlplab.tuning.optimism import Optimism, optimism
from mlplab.tuning.progress import TuneProgress
from mlplab.tuning.tune import search, tune
from mlplab.tuning.tuned import Counts, Found, Tuned

__all__ = [
    "Counts",
    "Found",
    "Optimism",
    "TuneProgress",
    "Tuned",
    "optimism",
    "search",
    "tune",
]
