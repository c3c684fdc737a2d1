"""Which differences are real: the claim, a verdict a pair, what would settle it, at what cost."""

from __future__ import annotations

from typing import Any

from mlplab.compare import Comparison, Pair
from mlplab.compare.verdict import UNIT
from mlplab.compare.words import interval, signed, terms, what_settles
from mlplab.report.compared import Compared
from mlplab.report.numbers import MISSING, seconds, whole
from mlplab.report.sections.scores import View
from mlplab.study.terms import unequal


def differences_section(compared: Compared) -> View:
    """Return the comparison that the runs can carry, and what they cannot carry."""
    found = compared.comparison
    return {
        "limits": compared.limits,
        "comparison": None if found is None else comparison_view(found),
        "further": [comparison_view(one) for one in compared.further],
        "costs": [_cost_row(row) for row in compared.costs.itertuples()],
        "warnings": list(unequal(compared.costs)),
    }


def comparison_view(found: Comparison) -> View:
    """Return a comparison: what was asked, on which terms, and a row a pair."""
    return {
        "question": found.question,
        "terms": terms(found),
        "look": f"This is {found.look}." if found.look else "",
        "notes": found.notes,
        "unit": UNIT[found.metric],
        "seeds_count": found.claim != "models",
        "pairs": [_pair_row(pair) for pair in found.pairs],
        "sentences": [pair.sentence() for pair in found.pairs],
        "n_open": len(found.undecided),
    }


def _pair_row(pair: Pair) -> View:
    total = pair.sd_seeds**2 + pair.sd_examples**2 + pair.sd_within**2
    parts = (pair.sd_seeds, pair.sd_examples, pair.sd_within)
    return {
        "a": pair.a,
        "b": pair.b,
        "difference": signed(pair, pair.difference),
        "interval": interval(pair),
        "verdict": pair.verdict,
        "better": pair.better,
        "words": pair.verdict[2:] if pair.better else pair.verdict,
        "open": not pair.decided,
        "parts": [f"{100 * sd**2 / total:.0f}" if total else MISSING for sd in parts],
        "settles": "decided" if pair.decided else what_settles(pair) or "nothing in reach",
    }


def _cost_row(row: Any) -> View:
    return {
        "label": row.recipe,
        "parameters": whole(row.parameters),
        "operations": whole(row.operations),
        "seconds": seconds(row.seconds),
    }
