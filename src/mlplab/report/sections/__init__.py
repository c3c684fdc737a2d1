"""What the page says besides its figures, as plain data for the templates; a module a section."""

from __future__ import annotations

from mlplab.report.sections.calibration import calibration_section
from mlplab.report.sections.data import data_section
from mlplab.report.sections.differences import differences_section
from mlplab.report.sections.drawn import drawn_section
from mlplab.report.sections.items import items_section
from mlplab.report.sections.network import MOST_MISREAD_ROWS, network_section
from mlplab.report.sections.overview import overview
from mlplab.report.sections.repeat import repeat_section
from mlplab.report.sections.sources import looks_section, variation_section

__all__ = [
    "MOST_MISREAD_ROWS",
    "calibration_section",
    "data_section",
    "differences_section",
    "drawn_section",
    "items_section",
    "looks_section",
    "network_section",
    "overview",
    "repeat_section",
    "variation_section",
]
