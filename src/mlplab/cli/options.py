"""Options that several commands share, each with one name and one help text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from mlplab.errors import UsageError


def seeds_or_auto(text: str) -> int | str:
    """Read what ``--seeds`` is given: a number, or ``auto``."""
    if text == "auto":
        return text
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"expected --seeds to be a number or auto, got {text!r}") from None


Seeds = Annotated[
    str | None,
    typer.Option(
        "--seeds",
        metavar="N|auto",
        help="Number of runs of each recipe; auto adds seeds until all pairs are decided.",
        show_default=False,
    ),
]
MaxSeeds = Annotated[int, typer.Option("--max-seeds", help="With --seeds auto: at most so many.")]
MaxMinutes = Annotated[
    float | None,
    typer.Option(
        "--max-minutes",
        help="With --seeds auto: begin no look that would end later.",
        show_default=False,
    ),
]
Vary = Annotated[
    str | None,
    typer.Option(
        "--vary",
        help="init, order, dropout or split: vary this random stream alone. [default: all]",
        show_default=False,
    ),
]
Epochs = Annotated[
    int | None, typer.Option("--epochs", help="Epochs of each run.", show_default=False)
]
Engine = Annotated[str, typer.Option("--engine", help="What trains: auto, native, jax or keras.")]
On = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="ray|ray://HOST:PORT",
        help="Train on Ray: on this machine, or on the cluster at an address. [default: here]",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the results as one JSON object.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show a line an epoch in a terminal too.")
]
Force = Annotated[bool, typer.Option("--force", help="Write over files that are already there.")]
StudyPath = Annotated[
    Path, typer.Argument(metavar="STUDY", help="A study file.", show_default=False)
]
Claim = Annotated[
    str, typer.Option("--claim", help="What is asked: models, recipes-this-test or recipes.")
]
Margin = Annotated[
    float | None,
    typer.Option(
        "--margin",
        help="The difference from which on it matters. [default: 0.1 points, or 0.01 of loss]",
        show_default=False,
    ),
]
Level = Annotated[
    float, typer.Option("--level", help="How often all verdicts are to hold at once.")
]
Metric = Annotated[str, typer.Option("--metric", help="accuracy or loss.")]


def check_free(paths: Sequence[Path], force: bool) -> None:
    """Raise UsageError if files that are there already would be written over."""
    there = [str(path) for path in paths if path.exists()]
    if there and not force:
        raise UsageError(
            f"expected new files to write, got files that are there: {', '.join(there)}; "
            "give another name, or --force to write over them"
        )
