"""The notebook's own questions, answered by a comparison."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from mlplab.compare import Comparison, Pair
from mlplab.compare.words import evidence
from mlplab.recipes.fan_in import MENDED
from mlplab.report.compared import Compared


class Question(NamedTuple):
    """A question of the form: is ``one`` better than ``other``?"""

    one: str
    other: str
    text: str


QUESTIONS = (
    Question(
        "bn-dropout-5",
        "bn-dropout-3",
        "Do five hidden layers beat three (0.9846 against 0.9837 in the notebook, one run each)?",
    ),
    Question(
        "relu-2-fan-in",
        "relu-2",
        "Is relu-2 better with the initial deviations that were meant, sqrt(2 / fan_in)?",
    ),
    Question(
        "bn-dropout-3-fan-in",
        "bn-dropout-3",
        "Is bn-dropout-3 better with the initial deviations that were meant, sqrt(2 / fan_in)?",
    ),
)


ONE_RUN_EACH = "One run each cannot say: another seed may put the two the other way round."
"""The answer to all of them under the claim ``models``: they ask about recipes."""


_OWN_FAMILY = (
    "These pairs are a family of their own, whose intervals hold at once: they ask another "
    "question than which network is best."
)


def families(compared: Compared) -> list[Comparison]:
    """Return the comparisons that the notebook's networks and questions ask for.

    Whichever network is best is one question, of all pairs of the notebook's own networks; whether
    the slip in the initial deviations matters is another, of each mended network and the one it is
    like. Each is a family of pairs whose intervals hold at once, so asking the second leaves the
    verdicts of the first as they were.

    Args:
        compared: the networks that were run, with the claim their runs can carry.
    """
    if compared.carried is None:
        return []
    labels = compared.several if compared.carried == "recipes" else list(compared.right)
    named = {_name(label): label for label in labels}
    mended = [
        (label, named[MENDED[name]]) for name, label in named.items() if MENDED.get(name) in named
    ]
    own = [label for label in labels if _name(label) not in MENDED]
    compare, found = compared.study.compare, []
    if len(own) > 1:
        found.append(compare(compared.carried, recipes=own))
    if mended:
        involved = list(dict.fromkeys(label for pair in mended for label in pair))
        asked = compare(compared.carried, recipes=involved, pairs=mended)
        beside = (_OWN_FAMILY,) if found else ()
        found.append(replace(asked, notes=(*beside, *asked.notes)))
    return found


def answers(found: Comparison) -> dict[str, str]:
    """Return the answers to those questions whose two recipes were compared, by question.

    Examples:
        >>> import numpy as np
        >>> from mlplab import compare_scores
        >>> rng = np.random.default_rng(0)
        >>> names = ("bn-dropout-3", "bn-dropout-5")
        >>> scores = {name: rng.random((3, 2000)) < 0.98 for name in names}
        >>> for question, answer in answers(compare_scores(scores)).items():
        ...     print(question.partition(" (")[0], "-", answer.partition(" (")[0])
        Do five hidden layers beat three - Cannot tell yet
    """
    pairs = {frozenset(map(_name, (pair.a, pair.b))): pair for pair in found.pairs}
    asked = [(one, pairs.get(frozenset((one.one, one.other)))) for one in QUESTIONS]
    return {one.text: _answer(one, pair) for one, pair in asked if pair is not None}


def _answer(question: Question, pair: Pair) -> str:
    if pair.claim == "models":
        return ONE_RUN_EACH
    if not pair.decided:
        word = "Cannot tell yet"
    elif pair.better is None:
        word = "No, they are practically the same"
    elif _name(pair.better) == question.one:
        word = "Yes, by less than the margin" if "slightly" in pair.verdict else "Yes"
    else:
        word = f"No, {pair.better} is better"
    return f"{word} {evidence(pair)}"


def _name(label: str) -> str:
    """Return a recipe's name from its label in a study."""
    return label.partition("@")[0]
