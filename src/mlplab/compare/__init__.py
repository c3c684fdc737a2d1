"""Comparisons: arrays of scores in, verdicts out. Nothing here knows of training.

Scores come in as one array a recipe, seeds x examples (``scores``), are reduced to their sums
(``moments``), and each pair of recipes gets the estimate that its claim asks for (``crossed``,
``seeds``, ``models``), an interval that holds over all pairs at once (``multiplicity``), a verdict
(``verdict``) and what would settle it (``needed``). Beside that: ``calibration``, and the examples
one by one (``items``).
"""

from __future__ import annotations

from mlplab.compare.calibration import Bin, Calibration, OverSeeds, calibration
from mlplab.compare.compare import compare_scores
from mlplab.compare.comparison import Comparison, Pair, RecipeScores
from mlplab.compare.files import read_scores
from mlplab.compare.items import (
    always_wrong,
    right_shares,
    scores_without,
    seed_dependent,
    told_apart,
)
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
    "Bin",
    "Calibration",
    "Claim",
    "Comparison",
    "Look",
    "Looks",
    "Metric",
    "OverSeeds",
    "Pair",
    "RecipeScores",
    "Verdict",
    "always_wrong",
    "calibration",
    "compare_scores",
    "expected_half_width",
    "planned_up_to",
    "read_scores",
    "right_shares",
    "scores_without",
    "seed_dependent",
    "told_apart",
]
