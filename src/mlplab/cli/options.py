"""Options that several commands share, each with one name and one help text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlplab.errors import UsageError

if TYPE_CHECKING:
    from mlplab.study.tracking import Tracking


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
Mlflow = Annotated[
    str | None,
    typer.Option(
        "--mlflow",
        metavar="URI",
        help="Tell MLflow: a folder, sqlite:///FILE or http://HOST:PORT.",
        show_default=False,
    ),
]
TensorBoard = Annotated[
    Path | None,
    typer.Option(
        "--tensorboard",
        metavar="FOLDER",
        help="Write event files for TensorBoard.",
        show_default=False,
    ),
]
Csv = Annotated[
    Path | None,
    typer.Option(
        "--csv", metavar="FILE", help="Add a row an epoch and a row a run.", show_default=False
    ),
]
Jsonl = Annotated[
    Path | None,
    typer.Option("--jsonl", metavar="FILE", help="Add a JSON object an event.", show_default=False),
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


def tracked(asked: Mapping[str, str], quiet: bool = False, **given: str | Path | None) -> Tracking:
    """Return the trackers that a study spec asks for and the command line, which comes first.

    Args:
        asked: the places of trackers by their names.
        quiet: whether nothing is said of a wait for them.
        given: likewise; None where an option was not given.
    """
    from mlplab.study.tracking import Tracking

    wanted = {name: str(place) for name, place in given.items() if place is not None}
    say = partial(typer.echo, err=True)
    return Tracking({**asked, **wanted}, say, None if quiet else say)


def check_free(paths: Sequence[Path], force: bool) -> None:
    """Raise UsageError if files that are there already would be written over."""
    there = [str(path) for path in paths if path.exists()]
    if there and not force:
        raise UsageError(
            f"expected new files to write, got files that are there: {', '.join(there)}; "
            "give another name, or --force to write over them"
        )
