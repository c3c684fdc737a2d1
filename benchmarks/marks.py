"""Pages of the documentation that hold what a benchmark measured, between two marks."""

from __future__ import annotations

from pathlib import Path

END = "<!-- end -->"


def begin_mark(command: str, part: str = "") -> str:
    """Return the first mark: it names the command that writes what follows, and which part."""
    return f"<!-- begin: written by `{command}`{part and f', {part}'} -->"


def write_between_marks(path: Path, command: str, text: str, part: str = "") -> None:
    """Put text between the marks of a page; ``part`` where a command writes several of it."""
    begin = begin_mark(command, part)
    before, found, rest = path.read_text().partition(begin)
    if not found:
        raise SystemExit(f"error: {path} has no line {begin}")
    after = rest.partition(END)[2]
    path.write_text(f"{before}{begin}\n\n{text}\n{END}{after}")
