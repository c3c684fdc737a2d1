"""The whole notebook in one process: four networks, their epochs, the evaluation of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.networks import NETWORKS
from benchmarks.peers import PEERS, is_ours, label
from benchmarks.process import Worker
from benchmarks.race import NotLearnedError
from benchmarks.tables import table

KEYS = ("ours-val", "keras-jax", "torch", "jax")


def measure(key: str, options: Any) -> dict[str, Any]:
    """Train the four networks, one after the other, and return the seconds of each.

    Raises:
        NotLearnedError: a network learned too little.
    """
    networks: dict[str, Any] = {}
    with Worker(PEERS[key]) as worker:
        for name, network in NETWORKS.items():
            began = worker.age
            worker.start({"network": name})
            for _ in range(options.epochs - 1):
                worker.epoch()
            accuracy = worker.stop()["accuracy"]
            if accuracy < network.floor:
                raise NotLearnedError(
                    f"{name}: expected a test accuracy of {network.floor} at least, "
                    f"got {key} {accuracy:.4f}"
                )
            networks[name] = {"seconds": worker.age - began, "accuracy": accuracy}
        return {
            "epochs": options.epochs,
            "imports": worker.seconds_to_import,
            "all": worker.age,
            "networks": networks,
        }


def sections(items: Mapping[str, Any]) -> Iterator[str]:
    """Yield the part of the page on the whole notebook."""
    yield "### The whole notebook"
    yield (
        "Four networks one after the other in one process, the evaluation of each included; "
        "seconds. Those that validate do so after every epoch."
    )
    head = ["peer", "validates", "epochs", "all", "imports", *NETWORKS]
    rows = []
    for name, found in items.items():
        seconds = [f"{found['networks'][network]['seconds']:.1f}" for network in NETWORKS]
        peer = PEERS[name]
        rows.append(
            [
                peer.title,
                "yes" if peer.validates else "no",
                str(found["epochs"]),
                f"{found['all']:.1f}",
                f"{found['imports']:.1f}",
                *seconds,
            ]
        )
    yield table(head, rows)


def draw(items: Mapping[str, Any], path: Path) -> None:
    """Draw the seconds of all as bars."""
    from benchmarks.pictures import panels, ranked_bars

    with panels(1, path) as (ax,):
        bars = [
            (f"{label(PEERS[name])}, {found['epochs']} epochs", found["all"], is_ours(PEERS[name]))
            for name, found in items.items()
        ]
        ranked_bars(ax, bars, "the whole notebook", "seconds, imports included")
