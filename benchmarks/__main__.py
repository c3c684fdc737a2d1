"""Measure piece by piece, keep the figures, and write tables and pictures of all that are kept.

What is kept from an earlier call is not measured again, unless --again asks for it or machine,
versions or the compiled core have changed.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.kept import Kept
from benchmarks.marks import write_between_marks
from benchmarks.page import command, page
from benchmarks.peers import PEERS
from benchmarks.pieces import PIECES
from benchmarks.process import WorkerFailedError
from benchmarks.race import NotLearnedError


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only",
        nargs="*",
        metavar="PIECE[/PART]",
        help=f"what to measure, out of {', '.join(PIECES)}, or a part, as growth/width; "
        "all where left out; nothing where empty, which writes the tables of what is kept",
    )
    parser.add_argument("--again", action="store_true", help="measure what is kept, too")
    parser.add_argument(
        "--minutes", type=float, default=float("inf"), help="begin nothing new after these"
    )
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument(
        "--seconds",
        type=float,
        default=4.0,
        help="seconds of steady epochs for each peer on each network",
    )
    parser.add_argument("--epochs", type=int, default=20, help="epochs of the whole notebook")
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="folder to write to")
    parser.add_argument("--page", type=Path, help="a Markdown page to write the tables into")
    options = parser.parse_args()
    options.peers = [PEERS[name] for name in options.peers if PEERS[name].installed]
    wanted = list(PIECES) if options.only is None else options.only
    options.wanted = [(piece, key) for word in wanted for piece, key in parts(parser, word)]
    return options


def parts(parser: argparse.ArgumentParser, word: str) -> list[tuple[str, str]]:
    """Return the parts that a word of ``--only`` names: (piece, key)."""
    name, _, part = word.partition("/")
    if name not in PIECES:
        parser.error(f"expected a piece out of {', '.join(PIECES)}, got {name!r}")
    keys = [k for k in PIECES[name].keys if k == part or k.startswith(f"{part}/") or not part]
    if not keys:
        parser.error(f"expected a part out of {', '.join(PIECES[name].keys)}, got {part!r}")
    return [(name, key) for key in keys]


def say(text: str) -> None:
    """Tell what is going on, on stderr."""
    print(text, file=sys.stderr, flush=True)


def measure(options: Any, kept: dict[str, Kept]) -> list[str]:
    """Measure what is wanted and not kept; return what went wrong, a sentence each."""
    started, wrong = time.monotonic(), []
    for name, key in options.wanted:
        piece = PIECES[name]
        if (key in kept[name] and not options.again) or piece.lacks():
            continue
        if time.monotonic() - started > 60 * options.minutes:
            say(f"{options.minutes:g} minutes are over; call again for {name}/{key} and the rest")
            break
        say(f"{name}/{key}")
        try:
            kept[name].keep(key, piece.measure(key, options))
        except (NotLearnedError, WorkerFailedError) as error:
            wrong.append(f"{name}/{key}: {error}")
    return wrong


def draw(kept: dict[str, Kept], folder: Path) -> None:
    """Draw the picture of each piece that has figures."""
    for name, piece in PIECES.items():
        if piece.draw and (figures := kept[name].figures(piece.keys)):
            piece.draw(figures, folder / f"{name}.png")


def main() -> int:
    """Run the benchmarks."""
    options = parse()
    here = machine.describe()
    kept = {name: Kept(options.out / f"{name}.json", here) for name in PIECES}
    if elsewhere := sum(piece.n_elsewhere for piece in kept.values()):
        say(f"{elsewhere} figures of another machine, other versions or another core do not count")
    wrong = measure(options, kept)
    draw(kept, options.out)  # matplotlib only now: workers are started from a small process
    tables = page(here, kept)
    print(tables)
    if options.page:
        write_between_marks(options.page, command(options.page), tables)
    say(f"kept in {options.out}: a JSON file and a picture for each piece")
    for sentence in wrong:
        say(f"error: {sentence}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
