"""Which differences are real: the claim, a verdict a pair, what would settle it, at what cost."""

from __future__ import annotations

from typing import Any

import pandas as pd

from mlplab.compare import Pair
from mlplab.compare.verdict import UNIT
from mlplab.compare.words import terms, what_settles
from mlplab.report.compared import Compared
from mlplab.report.numbers import MISSING, seconds
from mlplab.report.sections.scores import View
from mlplab.study.terms import unequal


def differences_section(compared: Compared) -> View:
    """Return the comparison that the runs can carry, and what they cannot carry."""
    found = compared.comparison
    view: View = {"limits": compared.limits, "comparison": None}
    if found is not None:
        view["comparison"] = {
            "question": found.question,
            "terms": terms(found),
            "look": f"This is {found.look}." if found.look else "",
            "notes": found.notes,
            "unit": UNIT[found.metric],
            "seeds_count": found.claim != "models",
            "pairs": [_pair_row(pair) for pair in found.pairs],
            "sentences": [pair.sentence() for pair in found.pairs],
            "n_open": len(found.undecided),
            "costs": _costs(compared.costs),
            "warnings": list(unequal(compared.costs)),
        }
    return view


def _pair_row(pair: Pair) -> View:
    digits = 3 if pair.metric == "accuracy" else 5
    total = pair.sd_seeds**2 + pair.sd_examples**2 + pair.sd_within**2
    parts = (pair.sd_seeds, pair.sd_examples, pair.sd_within)
    return {
        "a": pair.a,
        "b": pair.b,
        "difference": f"{pair.difference:+.{digits}f}",
        "interval": f"{pair.low:+.{digits}f} to {pair.high:+.{digits}f}",
        "verdict": pair.verdict,
        "better": pair.better,
        "words": pair.verdict[2:] if pair.better else pair.verdict,
        "open": not pair.decided,
        "parts": [f"{100 * sd**2 / total:.0f}" if total else MISSING for sd in parts],
        "settles": "decided" if pair.decided else what_settles(pair) or "nothing in reach",
    }


def _costs(costs: pd.DataFrame) -> list[View]:
    return [_cost_row(row) for row in costs.itertuples()]


def _cost_row(row: Any) -> View:
    return {
        "label": row.recipe,
        "parameters": _whole(row.parameters),
        "operations": _whole(row.operations),
        "seconds": seconds(row.seconds),
    }


def _whole(value: Any) -> str:
    return MISSING if pd.isna(value) else f"{value:,}"
