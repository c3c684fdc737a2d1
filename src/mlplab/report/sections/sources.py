"""Sources of variation, and looks at the test set."""

from __future__ import annotations

from typing import Any

from mlplab.report.compared import Compared
from mlplab.report.figures.sources import SOURCE_WORDS
from mlplab.report.numbers import number, percent
from mlplab.report.sections.scores import View
from mlplab.study import Study

_MOST_LOOKS = 20  # the latest are shown


def variation_section(compared: Compared) -> list[View]:
    """Return a row a recipe and source of chance; empty where none was varied alone."""
    if set(compared.variation.vary) <= {"all"}:
        return []
    return [_source_row(row) for row in compared.variation.itertuples()]


def _source_row(row: Any) -> View:
    return {
        "label": row.recipe,
        "source": SOURCE_WORDS[row.vary],
        "runs": row.runs,
        "mean": percent(row.mean, 3),
        "sd": number(100 * row.sd, 3),
        "share": percent(row.share, 0),
    }


def looks_section(study: Study) -> View:
    """Return how often test scores were looked at, by what, and whether they watched training."""
    looks = study.looks()
    latest = looks.iloc[::-1].head(_MOST_LOOKS)
    return {
        "n": len(looks),
        "shown": [
            {"time": row.time, "command": row.command, "seen": row.seen}
            for row in latest.itertuples()
        ],
        "validation_is_test": study.validation == "test",
    }
