"""The top of the page: what was run, what came out, how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlplab.recipes.notebook import EPOCHS
from mlplab.report.material import Network
from mlplab.report.numbers import count, listed, points
from mlplab.report.sections.scores import View, score_row
from mlplab.report.tables import validation_source
from mlplab.study import Study

_KNOWN_OF_MNIST = (
    "One run each of two networks on MNIST's 10,000 test images cannot show a difference below "
    "about 0.35 points. Published multilayer perceptrons differ from seed to seed by a standard "
    "deviation of 0.04 to 0.08 points"
)


def overview(study: Study, networks: Sequence[Network]) -> View:
    """What stands at the top: how much was run, what diverged, what to bear in mind."""
    frame = study.frame()
    seeds = sorted({int(seed) for seed in frame.seed})
    return {
        "dataset": study.dataset["name"],
        "n_networks": count(len(networks), "network"),
        "n_runs": count(len(frame), "run"),
        "seeds": seeds,
        "time": duration(float(frame.seconds.sum())),
        "created": study.created[:10],
        "file": study.path.name,
        "rows": [score_row(network) for network in networks],
        "any_published": any(network.published for network in networks),
        "diverged": [words for network in networks for words in _diverged(network)],
        "sure": how_sure(study, networks),
        "epochs_note": _epochs_note(networks),
        "validation_is_test": study.validation == "test",
        "validation": validation_source(study),
    }


def duration(total: float) -> str:
    """Write a time for people.

    Examples:
        >>> duration(42), duration(185), duration(7300)
        ('42 seconds', '3 minutes', '2 h 2 min')
    """
    if total < 90:
        return count(round(total), "second")
    minutes = round(total / 60)
    return count(minutes, "minute") if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def _diverged(network: Network) -> list[str]:
    last = network.history.groupby("seed").epoch.max()
    return [
        f"{network.label}, seed {seed}: in epoch {last.get(seed, 1)}"
        for seed in network.summary.diverged
    ]


def how_sure(study: Study, networks: Sequence[Network]) -> str:
    """Say what runs so few can and cannot show."""
    n_runs = [len(network.summary.seeds) for network in networks]
    fewest, most = min(n_runs, default=0), max(n_runs, default=0)
    each = f"{count(most, 'run')} of each" if fewest == most else f"{fewest} to {most} runs of a"
    known, small = "", "small differences"
    if study.dataset["name"] == "mnist":
        known = f" {_KNOWN_OF_MNIST}{_spread_here(networks)}."
        small = "differences of a few tenths of a point"
    return (
        f"One test example is {points(1 / len(study.labels))} points of accuracy.{known} "
        f"With {each} network, {small} may be chance; which are more than that is reckoned below."
    )


def _spread_here(networks: Sequence[Network]) -> str:
    spreads = [network.summary.test_accuracy.sd for network in networks]
    known = sorted(spread for spread in spreads if spread is not None)
    if not known:
        return ""
    least, most = points(known[0]), points(known[-1])
    return f"; here it is {least}" if least == most else f"; here it is {least} to {most}"


def _epochs_note(networks: Sequence[Network]) -> str:
    ours: set[Any] = {n.record.description.get("epochs") for n in networks if n.published}
    others = sorted(ours - {EPOCHS, None})
    if not others:
        return ""
    said = listed(map(str, others))
    return (
        f"The notebook trained for {EPOCHS} epochs, these networks for {said}: expect other scores."
    )
