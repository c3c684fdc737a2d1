"""Calibration: expected calibration error and Brier score, with intervals over seeds."""

from __future__ import annotations

from mlplab.compare import OverSeeds
from mlplab.report.compared import Compared
from mlplab.report.numbers import number
from mlplab.report.sections.scores import View


def calibration_section(compared: Compared) -> list[View]:
    """Return a row a recipe with runs."""
    return [
        {
            "label": label,
            "runs": len(found.error.values),
            "error": number(found.error.mean),
            "error_interval": interval_words(found.error),
            "brier": number(found.brier.mean),
            "brier_interval": interval_words(found.brier),
        }
        for label, found in compared.calibrations.items()
    ]


def interval_words(figure: OverSeeds) -> str:
    """Write the interval over seeds; a dash with one seed."""
    ends = figure.interval
    return number(None) if ends is None else f"{number(max(ends[0], 0.0))} to {number(ends[1])}"
