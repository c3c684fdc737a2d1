"""The results as tables, in Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.networks import NETWORKS
from benchmarks.peers import PEERS, Peer, ours_like
from benchmarks.race import Result

Results = dict[str, dict[str, Result]]  # by network, then by peer


@dataclass
class Bench:
    """Everything one run measured.

    Attributes:
        date: the day, ISO 8601.
        machine: what ``machine.describe`` says.
        sgemm: operations a second of the best matrix product, by number of threads.
        results: by network, then by peer.
        throughput: what ``throughput.measure`` says; None where it was not measured.
        not_measured: a sentence for each thing that was left out.
    """

    date: str
    machine: dict[str, Any]
    sgemm: dict[int, float] = field(default_factory=dict)
    results: Results = field(default_factory=dict)
    throughput: dict[str, Any] | None = None
    not_measured: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table, its columns aligned; all but the first hold numbers."""
    cells = [list(head), *map(list, rows)]
    widths = [max(3, *(len(row[i]) for row in cells)) for i in range(len(head))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [
        [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
        for row in cells
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in [lines[0], rule, *lines[1:]])


def measured(results: Mapping[str, Result]) -> dict[Peer, Result]:
    """Return the results that have figures, by peer."""
    return {PEERS[name]: result for name, result in results.items() if not result.failure}


def times_ours(peer: Peer, results: Mapping[str, Result]) -> float | None:
    """Return a peer's seconds over ours, both with validation or both without."""
    ours = results.get(ours_like(peer))
    if ours is None or ours.failure:
        return None
    return results[peer.name].median / ours.median


def network_table(results: Mapping[str, Result]) -> str:
    """Return a table of one network: a row a peer."""
    head = [
        "peer",
        "validates",
        "median s an epoch",
        "min",
        "n",
        "x ours",
        "s to the first epoch's end",
        "memory, MB",
        "accuracy",
    ]
    rows = []
    for peer, result in measured(results).items():
        ratio = times_ours(peer, results)
        rows.append(
            [
                peer.title,
                "yes" if peer.validates else "no",
                f"{result.median:.3f}",
                f"{min(result.epochs):.3f}",
                str(len(result.epochs)),
                "-" if ratio is None else f"{ratio:.2f}",
                f"{result.start:.1f}",
                f"{result.memory / 1e6:.0f}",
                f"{result.accuracy:.4f}",
            ]
        )
    return table(head, rows)


def rate_table(bench: Bench) -> str:
    """Return the table of effective rates: dense operations over the seconds of ours."""
    peak = max(bench.sgemm.values())
    rows = []
    for name, results in bench.results.items():
        ours = results.get("ours")
        if ours is None or ours.failure:
            continue
        operations = NETWORKS[name].operations
        rate = operations / ours.median
        rows.append([name, f"{operations / 1e9:.1f}", f"{rate / 1e9:.0f}", f"{rate / peak:.2f}"])
    return table(["network", "10⁹ operations an epoch", "10⁹ a second", "of the peak"], rows)


def phase_table(bench: Bench) -> str:
    """Return the seconds of thread 0 in each phase of the core, the median epoch of each."""
    medians = {
        name: {
            phase: statistics.median(epoch[phase] for epoch in results["ours"].phases[1:])
            for phase in results["ours"].phases[0]
        }
        for name, results in bench.results.items()
        if "ours" in results and not results["ours"].failure
    }
    phases = list(next(iter(medians.values()), {}))
    rows = [[name, *(f"{seconds[p]:.3f}" for p in phases)] for name, seconds in medians.items()]
    return table(["network", *(phase.replace("_", " ") for phase in phases)], rows)


def best_rivals(bench: Bench) -> Iterator[tuple[str, Peer, float]]:
    """Yield each network with the rival that comes nearest to ours, and its seconds over ours."""
    for name, results in bench.results.items():
        ratios = {
            peer: ratio
            for peer in measured(results)
            if peer.requires != "mlplab" and (ratio := times_ours(peer, results)) is not None
        }
        if ratios:
            nearest = min(ratios, key=lambda peer: ratios[peer])
            yield name, nearest, ratios[nearest]


def memory_lines(bench: Bench) -> Iterator[str]:
    """Yield, for each network, ours' memory as a share of that of Keras on JAX."""
    for name, results in bench.results.items():
        pair = [results.get(peer) for peer in ("ours-val", "keras-jax")]
        if all(result is not None and not result.failure for result in pair):
            ours, theirs = (result.memory for result in pair if result is not None)
            yield f"{name} {ours / theirs:.2f}"


def sections(bench: Bench) -> Iterator[str]:
    """Yield the parts of the page."""
    machine = bench.machine
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    yield (
        f"Machine: {machine['processor']}, {machine['cores']} cores, {machine['system']}; "
        f"Python {machine['python']}, {versions}; instruction set of the core: {machine['isa']}. "
        f"Measured on {bench.date}."
    )
    peaks = ", ".join(f"{rate / 1e9:.0f} on {n} threads" for n, rate in bench.sgemm.items())
    peaks = peaks.replace("on 1 threads", "on 1 thread")
    core_type = machine["openblas_coretype"]
    forced = f"set to {core_type}" if core_type else "not set"
    yield (
        f"NumPy's matrix product, 10⁹ operations a second: {peaks} (OPENBLAS_CORETYPE {forced})."
    )
    for name, results in bench.results.items():
        yield f"### {name}"
        yield network_table(results)
    yield "### Against the nearest rival"
    yield table(
        ["network", "nearest rival", "its seconds over ours"],
        ([name, peer.title, f"{ratio:.2f}"] for name, peer, ratio in best_rivals(bench)),
    )
    if memory := ", ".join(memory_lines(bench)):
        yield f"Memory beyond the imports, ours over Keras on JAX: {memory}."
    yield "### Effective rate"
    yield rate_table(bench)
    yield "### Phases"
    yield phase_table(bench)
    if bench.throughput:
        found = bench.throughput
        one, two = (statistics.median(found[f"seconds_{n}"]) for n in ("one", "two"))
        yield "### A study on two cores"
        yield (
            f"{found['recipe']}, {found['epochs']} epochs: one run on one core takes {one:.1f} s, "
            f"two runs side by side on two cores {two:.1f} s (medians of "
            f"{len(found['seconds_one'])}): {found['ratio']:.2f} times the runs a second."
        )
    yield "### Not measured"
    yield "\n".join(f"- {sentence}" for sentence in bench.not_measured) or "Nothing was left out."


def page(bench: Bench) -> str:
    """Return all tables as one Markdown text."""
    return "\n\n".join(sections(bench)) + "\n"
