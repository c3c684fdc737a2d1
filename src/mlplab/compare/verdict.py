"""The words of a comparison: claims, metrics, verdicts."""

from __future__ import annotations

from typing import Literal, get_args

Claim = Literal["models", "recipes-this-test", "recipes"]
Metric = Literal["accuracy", "loss"]
Verdict = Literal[
    "a better",
    "b better",
    "a slightly better",
    "b slightly better",
    "practically the same",
    "cannot tell yet",
]

CLAIMS: tuple[Claim, ...] = get_args(Claim)
METRICS: tuple[Metric, ...] = get_args(Metric)
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
UNDECIDED: Verdict = "cannot tell yet"

# Scores are multiplied by this: shares of right answers become percentage points.
SCALE: dict[Metric, float] = {"accuracy": 100.0, "loss": 1.0}
# The difference from which on it matters where none is said, in the unit of UNIT.
DEFAULT_MARGIN: dict[Metric, float] = {"accuracy": 0.1, "loss": 0.01}
UNIT: dict[Metric, str] = {"accuracy": "points", "loss": "units of loss"}

_AIM: dict[Metric, str] = {"accuracy": "is right more often", "loss": "has the lower loss"}
_QUESTION: dict[Claim, str] = {
    "models": "which of these trained models {aim} on new examples?",
    "recipes-this-test": "which recipe {aim} on this very test set, whatever the seed?",
    "recipes": "which recipe {aim} on new examples, whatever the seed?",
}


def question(claim: Claim, metric: Metric) -> str:
    """Return a claim as the question that it answers.

    Examples:
        >>> question("recipes", "accuracy")
        'Claim recipes: which recipe is right more often on new examples, whatever the seed?'
    """
    return f"Claim {claim}: {_QUESTION[claim].format(aim=_AIM[metric])}"


def verdict(low: float, high: float, margin: float, metric: Metric = "accuracy") -> Verdict:
    """Return what an interval says of two recipes.

    ::

        0 < low              a better; where high < margin too, a slightly better
        high < 0             b better; where -margin < low too, b slightly better
        -margin < low and high < margin     practically the same
        anything else        cannot tell yet

    Less loss is better: for it, a and b change places.

    Args:
        low: lower end of the interval of the difference a - b.
        high: its upper end.
        margin: the difference from which on it matters, in the unit of the interval.
        metric: ``"accuracy"`` or ``"loss"``.

    Examples:
        >>> verdict(0.05, 0.30, margin=0.1), verdict(0.02, 0.08, margin=0.1)
        ('a better', 'a slightly better')
        >>> verdict(-0.05, 0.08, margin=0.1), verdict(-0.05, 0.30, margin=0.1)
        ('practically the same', 'cannot tell yet')
        >>> verdict(0.05, 0.30, margin=0.1, metric="loss")
        'b better'
    """
    if metric == "loss":
        low, high = -high, -low
    if low > 0:
        return "a slightly better" if high < margin else "a better"
    if high < 0:
        return "b slightly better" if low > -margin else "b better"
    if -margin < low and high < margin:
        return "practically the same"
    return UNDECIDED


def is_decided(word: Verdict) -> bool:
    """Return whether a verdict is anything but ``cannot tell yet``."""
    return word != UNDECIDED


def winner(word: Verdict) -> Literal["a", "b"] | None:
    """Return which of the two a verdict puts first, or None.

    Examples:
        >>> winner("b slightly better"), winner("practically the same")
        ('b', None)
    """
    return ("a" if word[0] == "a" else "b") if word.endswith("better") else None
