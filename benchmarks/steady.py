"""Steady epochs of every peer on the notebook's four networks: race, tables, picture."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.networks import NETWORKS
from benchmarks.peers import PEERS, Peer, is_ours, label, ours_like
from benchmarks.race import Result, race
from benchmarks.tables import table

Results = dict[str, Result]  # by peer


def measure(name: str, options: Any) -> dict[str, Any]:
    """Race the peers on a network; measure the matrix product before and after.

    Raises:
        NotLearnedError: a peer trained and learned too little.
    """
    counts = sorted({1, machine.n_cores()})
    before = {str(n): machine.sgemm_rate(n) for n in counts}
    able = [peer for peer in options.peers if peer.trains(name)]
    results = race(able, NETWORKS[name], options.seconds)
    after = {str(n): machine.sgemm_rate(n) for n in counts}
    return {
        "sgemm": {n: max(before[n], after[n]) for n in before},
        "results": {peer: asdict(result) for peer, result in results.items()},
    }


def results_of(figures: Mapping[str, Any]) -> Results:
    """Return the results that have figures."""
    results = {name: Result(**fields) for name, fields in figures["results"].items()}
    return {name: result for name, result in results.items() if not result.failure}


def peaks(items: Mapping[str, Any]) -> dict[int, float]:
    """Return the best matrix product of all that were measured, by threads."""
    best: dict[int, float] = {}
    for figures in items.values():
        for n, rate in figures["sgemm"].items():
            best[int(n)] = max(rate, best.get(int(n), 0.0))
    return best


def times_ours(name: str, results: Results) -> float | None:
    """Return a peer's seconds over ours, both with validation or both without."""
    ours = results.get(ours_like(PEERS[name]))
    return None if ours is None else results[name].median / ours.median


def network_table(results: Results) -> str:
    """Return a table of one network: a row a peer."""
    head = ["peer", "validates", "median s an epoch", "min", "n", "x ours", "accuracy"]
    rows = []
    for name, result in results.items():
        ratio = times_ours(name, results)
        rows.append(
            [
                PEERS[name].title,
                "yes" if PEERS[name].validates else "no",
                f"{result.median:.3f}",
                f"{min(result.epochs):.3f}",
                str(len(result.epochs)),
                "-" if ratio is None else f"{ratio:.2f}",
                f"{result.accuracy:.4f}",
            ]
        )
    return table(head, rows)


def nearest_rivals(items: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield each network with the rival that comes nearest to ours, and its seconds over ours."""
    for network, figures in items.items():
        results = results_of(figures)
        ratios: dict[Peer, float] = {
            PEERS[name]: ratio
            for name in results
            if not is_ours(PEERS[name]) and (ratio := times_ours(name, results)) is not None
        }
        if ratios:
            nearest = min(ratios, key=lambda peer: ratios[peer])
            yield [network, nearest.title, f"{ratios[nearest]:.2f}"]


def rate_table(items: Mapping[str, Any]) -> str:
    """Return the table of effective rates: dense operations over the seconds of ours."""
    peak = max(peaks(items).values())
    rows = []
    for name, figures in items.items():
        if (ours := results_of(figures).get("ours")) is None:
            continue
        operations = NETWORKS[name].operations
        rate = operations / ours.median
        rows.append([name, f"{operations / 1e9:.1f}", f"{rate / 1e9:.0f}", f"{rate / peak:.2f}"])
    return table(["network", "10⁹ operations an epoch", "10⁹ a second", "of the peak"], rows)


def phase_table(items: Mapping[str, Any]) -> str:
    """Return the seconds of thread 0 in each phase of the core, the median epoch of each."""
    medians = {
        name: {
            phase: statistics.median(epoch[phase] for epoch in ours.phases[1:])
            for phase in ours.phases[0]
        }
        for name, figures in items.items()
        if (ours := results_of(figures).get("ours")) is not None
    }
    phases = list(next(iter(medians.values()), {}))
    rows = [[name, *(f"{seconds[p]:.3f}" for p in phases)] for name, seconds in medians.items()]
    return table(["network", *(phase.replace("_", " ") for phase in phases)], rows)


def sections(items: Mapping[str, Any]) -> Iterator[str]:
    """Yield the part of the page on steady epochs."""
    rates = ", ".join(
        f"{rate / 1e9:.0f} on {n} thread{'s' * (n > 1)}" for n, rate in peaks(items).items()
    )
    yield f"NumPy's matrix product, 10⁹ operations a second: {rates}."
    for name, figures in items.items():
        yield f"### {name}"
        yield network_table(results_of(figures))
    yield "### Against the nearest rival"
    yield table(["network", "nearest rival", "its seconds over ours"], nearest_rivals(items))
    yield "### Effective rate"
    yield rate_table(items)
    yield "### Phases"
    yield phase_table(items)


def draw(items: Mapping[str, Any], path: Path) -> None:
    """Draw every peer's seconds as bars, a panel a network."""
    from benchmarks.pictures import panels, ranked_bars

    with panels(len(items), path) as axes:
        for ax, (name, figures) in zip(axes, items.items(), strict=True):
            bars = [
                (label(PEERS[peer]), result.median, is_ours(PEERS[peer]))
                for peer, result in results_of(figures).items()
            ]
            ranked_bars(ax, bars, name, "seconds an epoch (median)")


def failures(items: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each peer that failed."""
    for network, figures in items.items():
        for name, fields in figures["results"].items():
            if fields["failure"]:
                yield f"{PEERS[name].title} on {network}: it failed: {fields['failure']}"
