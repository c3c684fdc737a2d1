"""Studies: recipes x seeds on one dataset, kept in one file, resumable."""

from __future__ import annotations

from mlplab.study.adaptive import run_until_decided
from mlplab.study.comparing import compare_studies
from mlplab.study.one_run import Epoch, RunResult, train
from mlplab.study.progress import Job, Progress
from mlplab.study.records import RecipeRecord
from mlplab.study.runs import run
from mlplab.study.study import Study

__all__ = [
    "Epoch",
    "Job",
    "Progress",
    "RecipeRecord",
    "RunResult",
    "Study",
    "compare_studies",
    "run",
    "run_until_decided",
    "train",
]
