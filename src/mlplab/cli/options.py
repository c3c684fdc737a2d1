"""Options that several commands share, each with one name and one help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Seeds = Annotated[
    int | None, typer.Option("--seeds", help="Number of runs of each recipe.", show_default=False)
]
Epochs = Annotated[
    int | None, typer.Option("--epochs", help="Epochs of each run.", show_default=False)
]
Engine = Annotated[str, typer.Option("--engine", help="What trains: auto, native or keras.")]
Json = Annotated[bool, typer.Option("--json", help="Print the results as one JSON object.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show a line an epoch in a terminal too.")
]
Force = Annotated[bool, typer.Option("--force", help="Write over files that are already there.")]
StudyPath = Annotated[
    Path, typer.Argument(metavar="STUDY", help="A study file.", show_default=False)
]
