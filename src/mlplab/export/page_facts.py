"""What a page says about its network, in words: its title, and rows of facts."""

from __future__ import annotations

from typing import Any, NamedTuple

from mlplab.export.ensemble import Ensemble
from mlplab.export.quantise import RoundingCost


class Row(NamedTuple):
    """One fact.

    Attributes:
        name: what it is about.
        text: what there is to say.
    """

    name: str
    text: str


def title_of(ensemble: Ensemble) -> str:
    """Return what to call the networks: recipe and how many.

    Examples:
        >>> from mlplab.export.network import Network
        >>> title_of(Ensemble((Network((2,), ()),) * 3, ("a", "b"), {"recipe": "relu-2"}))
        'relu-2, 3 networks'
    """
    n = len(ensemble.networks)
    name = str(ensemble.facts.get("recipe") or "A network")
    return name if n == 1 else f"{name}, {n} networks"


def lead_of(ensemble: Ensemble, cost: RoundingCost, dataset: str) -> str:
    """Return the sentence under the page's heading."""
    n = len(ensemble.networks)
    who = "The network in this page" if n == 1 else f"The {n} networks in this page together"
    read = f"{cost.accuracy_rounded:.2%}".replace("%", " %")
    return (
        f"{who} read {read} of {cost.n_examples:,} test pictures of {dataset} right, and yours "
        "while you draw. All of it is computed here; nothing leaves this page."
    ).replace("page read", "page reads" if n == 1 else "page read", 1)


def noun_of(class_names: tuple[str, ...]) -> str:
    """Return what is drawn: a digit, where the classes are digits, else a picture.

    Examples:
        >>> noun_of(("0", "1")), noun_of(("shirt", "boot"))
        ('digit', 'picture')
    """
    return "digit" if all(len(name) == 1 and name.isdigit() for name in class_names) else "picture"


def fact_rows(facts: dict[str, Any], cost: RoundingCost) -> list[Row]:
    """Return the rows of the page's panel: those facts that are known."""
    rows = [
        Row(name, str(facts[key]))
        for key, name in (("recipe", "Recipe"), ("dataset", "Dataset"))
        if facts.get(key)
    ]
    if facts.get("seeds"):
        rows.append(Row("Seeds", ", ".join(map(str, facts["seeds"]))))
    rows.append(Row("Weights", cost.sentence()))
    return rows
