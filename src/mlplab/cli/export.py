"""``mlplab export``: a trained network as a file, or a page, that computes what Keras computes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlplab.cli.options import Force, Json

if TYPE_CHECKING:
    from mlplab.export.writing import Exported


def export(
    source: Annotated[
        str,
        typer.Argument(
            metavar="MODEL|STUDY:RECIPE[:SEED]",
            help="A trained model (.keras), or a run of a study whose models are kept.",
            show_default=False,
        ),
    ],
    to: Annotated[
        str,
        typer.Option(
            "--to", metavar="KIND", help="keras, onnx, html or numpy.", show_default=False
        ),
    ],
    ensemble: Annotated[
        bool, typer.Option("--ensemble", help="All seeds of the recipe, probabilities averaged.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The file to write. [default: RECIPE-seedSEED with the kind's ending, here]",
            show_default=False,
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The data the model was trained on, where no study says it.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
    force: Force = False,
) -> None:
    """Export a trained network, and prove that the file computes what Keras computes.

    The file is read back and run over the whole test set before it gets its name: no label may
    differ from those of Keras's own predict. The outcome is printed and kept in the file. Without
    SEED it is the lowest, whatever its score.
    """
    from mlplab.cli.training import command_line
    from mlplab.export.source import read_source
    from mlplab.export.targets import target_named
    from mlplab.export.writing import default_path, write_export

    target_named(to)  # before anything heavy is read
    found = read_source(source, ensemble=ensemble, dataset=dataset, command=command_line())
    path = output or default_path(found, to)
    done = write_export(found, to, path, force=force, stress=True)
    if json:
        print_json(done)
        return
    from mlplab.export.words import told

    typer.echo(told(done))


def print_json(done: Exported) -> None:
    """Print one JSON object."""
    import json

    content: dict[str, Any] = {
        "file": str(done.path),
        "target": done.target,
        "bytes": done.path.stat().st_size,
        "beside": [str(file) for file in done.beside],
        "facts": done.facts,
    }
    typer.echo(json.dumps(content, indent=2))
