"""From nothing to the end of the first epoch, and the memory it takes: each process alone.

Nothing else of ours runs beside the process, and it is stopped by nothing. It trains two epochs;
the second one is for the memory.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.networks import NETWORKS
from benchmarks.peers import PEERS, Peer, is_ours, label
from benchmarks.process import Worker, WorkerFailedError
from benchmarks.race import NotLearnedError
from benchmarks.tables import table

ROUNDS, ENOUGH = 3, 20.0  # processes a peer, and the seconds after which a peer has had enough


def measure(name: str, options: Any) -> dict[str, Any]:
    """Start each peer on a network by itself, A B C A B C, and return its seconds and memory.

    Raises:
        NotLearnedError: a peer learned nothing in its two epochs.
    """
    able = [peer for peer in options.peers if peer.trains(name) and peer.name != "ours"]
    found: dict[str, Any] = {peer.name: {"processes": [], "failure": ""} for peer in able}
    for _ in range(ROUNDS):
        for peer in able:
            entry = found[peer.name]
            if entry["failure"] or sum(p["all"] for p in entry["processes"]) > ENOUGH:
                continue
            try:
                entry["processes"].append(one_process(peer, name))
            except WorkerFailedError as failure:
                entry["failure"] = str(failure)
    return found


def one_process(peer: Peer, network: str) -> dict[str, float]:
    """Return what one process took: seconds since it was started, and bytes."""
    with Worker(peer) as worker:
        told = worker.start({"network": network})
        first = worker.age
        peak = worker.epoch()["peak"]
        accuracy = worker.stop()["accuracy"]
        every = worker.age
        floor = NETWORKS[network].floor - 0.05  # two epochs, where the floor is that of three
        if accuracy < floor:
            raise NotLearnedError(
                f"{network}: expected a test accuracy of {floor:.2f} at least, "
                f"got {peer.name} {accuracy:.4f}"
            )
        return {
            "imports": worker.seconds_to_import,
            "first_epoch": first,
            "all": every,
            "imported": worker.imported,
            "read": told["read"],
            "built": told.get("built", 0),
            "peak": peak,
        }


def medians(entry: Mapping[str, Any]) -> dict[str, float]:
    """Return the median of each figure over a peer's processes."""
    processes = entry["processes"]
    return {key: statistics.median(p[key] for p in processes) for key in processes[0]}


def measured(figures: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Return the medians of the peers that have figures."""
    return {
        name: medians(entry)
        for name, entry in figures.items()
        if entry["processes"] and not entry["failure"]
    }


def network_table(figures: Mapping[str, Any]) -> str:
    """Return a table of one network: a row a peer."""
    head = [
        "peer",
        "s to the first epoch's end",
        "after the imports",
        "n",
        "MB beyond the imports",
        "and beyond the data",
        "and beyond the model",
        "MB in all",
    ]
    rows = []
    for name, m in measured(figures).items():
        rows.append(
            [
                PEERS[name].title,
                f"{m['first_epoch']:.2f}",
                f"{m['first_epoch'] - m['imports']:.2f}",
                str(len(figures[name]["processes"])),
                f"{(m['peak'] - m['imported']) / 1e6:.0f}",
                f"{(m['peak'] - m['read']) / 1e6:.0f}",
                f"{(m['peak'] - m['built']) / 1e6:.0f}" if m["built"] else "-",
                f"{m['peak'] / 1e6:.0f}",
            ]
        )
    return table(head, rows)


def memory_shares(items: Mapping[str, Any], since: str) -> str:
    """Return ours' memory as a share of that of Keras on JAX, a network each.

    Args:
        items: figures by network.
        since: the moment beyond which memory counts: ``imported``, ``read`` or ``built``.
    """
    shares = []
    for name, figures in items.items():
        found = measured(figures)
        if {"ours-val", "keras-jax"} <= set(found):
            ours, theirs = (
                found[peer]["peak"] - found[peer][since] for peer in ("ours-val", "keras-jax")
            )
            shares.append(f"{name} {ours / theirs:.2f}")
    return ", ".join(shares)


def sections(items: Mapping[str, Any]) -> Iterator[str]:
    """Yield the part of the page on starting."""
    yield "### From nothing to the first epoch's end, and memory"
    for name, figures in items.items():
        yield f"{name}, each process alone:"
        yield network_table(figures)
    for since, words in (
        ("imported", "the imports"),
        ("read", "these and the data"),
        ("built", "these and the model"),
    ):
        if shares := memory_shares(items, since):
            yield f"Memory beyond {words}, mlplab's over that of Keras on JAX: {shares}."


def draw(items: Mapping[str, Any], path: Path) -> None:
    """Draw the seconds to the end of the first epoch, a panel a network."""
    from benchmarks.pictures import panels, ranked_bars

    with panels(len(items), path) as axes:
        for ax, (name, figures) in zip(axes, items.items(), strict=True):
            bars = [
                (label(PEERS[peer]), m["first_epoch"], is_ours(PEERS[peer]))
                for peer, m in measured(figures).items()
            ]
            ranked_bars(ax, bars, name, "seconds to the end of the first epoch")


def failures(items: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each peer that failed."""
    for network, figures in items.items():
        for name, entry in figures.items():
            if entry["failure"]:
                yield f"{PEERS[name].title} alone on {network}: it failed: {entry['failure']}"
