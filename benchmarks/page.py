"""The page: the tables of all pieces that have figures, and what has none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.kept import Kept
from benchmarks.peers import PEERS
from benchmarks.pieces import PIECES


def command(path: Path) -> str:
    """Return the command that writes a page.

    Examples:
        >>> command(Path("docs/benchmarks.md"))
        'make bench ARGS="--page docs/benchmarks.md"'
    """
    return f'make bench ARGS="--page {path.as_posix()}"'


def machine_sentence(machine: Mapping[str, Any], kept: Mapping[str, Kept]) -> str:
    """Return machine, versions and the days of measuring."""
    versions: dict[str, str] = dict(machine["versions"])
    days: set[str] = set()
    for piece in kept.values():
        versions |= piece.versions()
        days |= piece.dates()
    listed = ", ".join(f"{name} {number}" for name, number in versions.items())
    core_type = machine["openblas_coretype"]
    forced = f"set to {core_type}" if core_type else "not set"
    return (
        f"Machine: {machine['processor']}, {machine['cores']} cores, {machine['system']}; "
        f"Python {machine['python']}, {listed}; instruction set of the core: {machine['isa']}, "
        f"its build: {machine['core']}; OPENBLAS_CORETYPE {forced}. "
        f"Measured on {', '.join(sorted(days)) or 'no day'}."
    )


def not_measured(kept: Mapping[str, Kept]) -> Iterator[str]:
    """Yield a sentence for each thing without figures."""
    for name, piece in PIECES.items():
        found = kept[name].figures(piece.keys)
        yield from piece.failures(found)
        missing = [key for key in piece.keys if key not in found]
        if missing:
            why = piece.lacks()
            which = f"{len(missing)} of {len(piece.keys)} parts" if found else "all of it"
            yield f"{piece.title}: {which}{f' (it takes {why})' if why else ''}."
    raced = [
        figures["results"] for figures in kept["steady"].figures(PIECES["steady"].keys).values()
    ]
    for peer in PEERS.values():
        if raced and not any(peer.name in results for results in raced):
            yield f"{peer.title} ({peer.name}): left out, or `{peer.requires}` is not installed."


def page(machine: Mapping[str, Any], kept: Mapping[str, Kept]) -> str:
    """Return all tables as one Markdown text."""
    parts = [machine_sentence(machine, kept)]
    for name, piece in PIECES.items():
        if figures := kept[name].figures(piece.keys):
            parts += piece.sections(figures)
    parts.append("### Not measured")
    sentences = [f"- {sentence}" for sentence in not_measured(kept)]
    parts.append("\n".join(sentences) or "Nothing was left out.")
    return "\n\n".join(parts) + "\n"
