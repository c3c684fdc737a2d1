"""Plain text as terminals show it: prose, lists, tables, per cent."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 79
MISSING = "–"


def percent(share: float) -> str:
    """Return a share as a whole or short number of per cent.

    Examples:
        >>> percent(0.95), percent(0.995)
        ('95%', '99.5%')
    """
    return f"{100 * share:g}%"


def wrapped(text: str, bullet: str = "") -> list[str]:
    """Return prose as lines that fit a terminal."""
    indent = " " * len(bullet)
    return textwrap.wrap(
        text, WIDTH, initial_indent=bullet, subsequent_indent=indent, break_on_hyphens=False
    )


def bullets(sentences: Iterable[str]) -> list[str]:
    """Return a list of sentences as lines that fit a terminal."""
    return [line for sentence in sentences for line in wrapped(sentence, "- ")]


def table(head: Sequence[str], rows: list[list[str]], left: int = 1) -> list[str]:
    """Return aligned lines; the first columns and the last stand at their left."""
    cells = [list(head), *rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for row in cells:
        aligned = [
            cell.ljust(width) if i < left or i == len(widths) - 1 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(aligned).rstrip())
    return lines
