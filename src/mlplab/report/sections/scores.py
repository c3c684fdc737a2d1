"""A network's scores as several sections show them."""

from __future__ import annotations

from typing import Any

from mlplab.report.material import Network
from mlplab.report.numbers import number, points, seconds

View = dict[str, Any]

_MOST_SEEDS_IN_A_CELL = 10


def score_row(network: Network) -> View:
    """Return a network's scores, beside what was published of it."""
    summary, published = network.summary, network.published
    accuracy, loss = summary.test_accuracy, summary.test_loss
    return {
        "label": network.label,
        "parameters": f"{network.record.parameters['total']:,}",
        "accuracy": points(accuracy.mean),
        "accuracy_sd": "" if accuracy.sd is None else points(accuracy.sd),
        "accuracy_values": _each([points(value) for value in accuracy.values]),
        "accuracy_published": points(published.test_accuracy if published else None),
        "loss": number(loss.mean),
        "loss_sd": "" if loss.sd is None else number(loss.sd),
        "loss_published": number(published.test_loss) if published else number(None),
        "seconds": seconds(summary.seconds_per_epoch),
        "seconds_published": (published and published.seconds_per_epoch) or number(None),
    }


def _each(values: list[str]) -> list[str]:
    shown = values[:_MOST_SEEDS_IN_A_CELL]
    return shown if len(shown) == len(values) else [*shown, f"and {len(values) - len(shown)} more"]
