"""What a page says about its network, in words: its title, and rows of facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from mlplab.export.ensemble import Ensemble
from mlplab.export.parity import Parity
from mlplab.export.quantize import RoundingCost, refusal
from mlplab.plain_text import percent


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


def noun_of(class_names: Sequence[str]) -> str:
    """Return what is drawn: a digit, where the classes are digits, else a picture.

    Examples:
        >>> noun_of(("0", "1")), noun_of(("shirt", "boot"))
        ('digit', 'picture')
    """
    return "digit" if all(len(name) == 1 and name.isdigit() for name in class_names) else "picture"


def lead_of(n_networks: int, cost: RoundingCost, dataset: str) -> str:
    """Return the sentence under the page's heading.

    Examples:
        >>> lead_of(1, RoundingCost("int8", 10_000, 0.98, 0.9801, 3, 0.01), "mnist")[:49]
        'The network in this page reads 98.01 % of the 10,'
    """
    one = n_networks == 1
    who = "The network in this page reads" if one else f"The {n_networks} networks here read"
    return (
        f"{who} {share(cost.accuracy_rounded)} of the {cost.n_examples:,} test pictures of "
        f"{dataset} right{'' if one else ' together'}, and yours while you draw. It is all "
        "computed here; nothing leaves this page."
    )


def share(x: float) -> str:
    """Return a share as a percentage with two digits.

    Examples:
        >>> share(0.98436)
        '98.44 %'
    """
    return f"{100 * x:.2f} %"


def fact_rows(facts: Mapping[str, Any], cost: RoundingCost) -> list[Row]:
    """Return the rows of the page's panel: those facts that are known.

    Examples:
        >>> cost = RoundingCost("int8", 10_000, 0.98, 0.9801, 3, 0.01)
        >>> [row.name for row in fact_rows({"recipe": "relu-2", "seeds": [None]}, cost)]
        ['Recipe', 'Weights']
    """
    rows = [(name, say(facts[key])) for key, (name, say) in _SAID.items() if facts.get(key)]
    said = cost.sentence()
    if refused := facts.get("weights_refused"):
        said += f"; {refusal(RoundingCost(**refused))}"
    rows.append(("Weights", said))
    return [Row(name, text) for name, text in rows if text]


def _dataset(dataset: Mapping[str, Any] | str) -> str:
    if isinstance(dataset, str):
        return dataset
    fingerprint = dataset.get("fingerprint")
    return f"{dataset['name']}" + (f", fingerprint {fingerprint[:12]}" if fingerprint else "")


def _seeds(seeds: Sequence[int | None]) -> str:
    return ", ".join(str(seed) for seed in seeds if seed is not None)


def _scores(scores: Mapping[str, Any]) -> str:
    text = f"{_between(scores, 'test_accuracy', 'interval')} of the test set"
    if "mean" in scores:
        text += f"; one network alone {_between(scores, 'mean', 'mean_interval')} on average"
    return text


def _between(scores: Mapping[str, Any], value: str, interval: str) -> str:
    low, high = scores[interval]
    level = percent(scores["level"])
    return f"{share(scores[value])} ({level} interval {share(low)} to {share(high)})"


def _parity(parity: Mapping[str, Any]) -> str:
    return Parity(**parity).sentence()


def _drawn_like(found: Mapping[str, Any]) -> str:
    return (
        f"{share(found['accuracy'])} of test pictures changed as hands and pens change them, then "
        f"framed as drawings are; the mean over {len(found['kinds'])} kinds of change, "
        f"{found['n_examples']:,} pictures each; weights as {found.get('weights', 'trained')}"
    )


_SAID: dict[str, tuple[str, Callable[[Any], str]]] = {
    "recipe": ("Recipe", str),
    "dataset": ("Dataset", _dataset),
    "seeds": ("Seeds", _seeds),
    "chosen": ("Choice of the seed", str),
    "scores": ("Test accuracy, weights as trained", _scores),
    "drawn_like": ("Drawn-like accuracy", _drawn_like),
    "as_read": ("Before rounding", _parity),
    "parity": ("Checked", _parity),
}
"""Key of a fact -> what it is called, and how it is said."""
