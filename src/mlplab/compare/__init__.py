"""Comparisons: arrays of scores in, verdicts out. Nothing here knows of training.

Scores come in as one array a recipe, seeds x examples (``scores``), are reduced to their sums
(``moments``), and each pair of recipes gets the estimate that its claim asks for (``crossed``,
``seeds``, ``models``), an interval that holds over all pairs at once (``multiplicity``), a verdict
(``verdict``) and what would settle it (``needed``).
"""

from __future__ import annotations

from mlplab.compare.compare import compare_scores
from mlplab.compare.comparison import Comparison, Pair, RecipeScores
from mlplab.compare.files import read_scores
from mlplab.compare.looks import Look, Looks, planned_up_to
from mlplab.compare.needed import expected_half_width
from mlplab.compare.verdict import (
    CLAIMS,
    DEFAULT_MARGIN,
    METRICS,
    VERDICTS,
    Claim,
    Metric,
    Verdict,
)

__all__ = [
    "CLAIMS",
    "DEFAULT_MARGIN",
    "METRICS",
    "VERDICTS",
    "Claim",
    "Comparison",
    "Look",
    "Looks",
    "Metric",
    "Pair",
    "RecipeScores",
    "Verdict",
    "compare_scores",
    "expected_half_width",
    "planned_up_to",
    "read_scores",
]
