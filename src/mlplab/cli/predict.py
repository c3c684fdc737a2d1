"""``mlplab predict``: what a trained model reads in pictures of digits, or in rows of numbers."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlplab.cli.options import Force, Json
from mlplab.errors import DataError, ModelError, UsageError

if TYPE_CHECKING:
    import keras
    import pandas as pd

    from mlplab.cli.examples import Examples

_SHOWN = 10  # rows of a table of numbers that a reader sees; --output has them all


def predict(
    model_path: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A .keras model file.", show_default=False)
    ],
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Pictures of one digit each (PNG, JPEG), or tables of examples (.npz, .csv).",
            show_default=False,
        ),
    ],
    target: Annotated[
        str | None,
        typer.Option("--target", help="Column of a CSV file that holds the true class."),
    ] = None,
    classes: Annotated[
        str | None, typer.Option("--classes", help="Names of the classes, separated by commas.")
    ] = None,
    frames: Annotated[
        Path | None,
        typer.Option("--frames", metavar="FOLDER", help="Save each picture as the model sees it."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE.csv", help="Write a row an example here."),
    ] = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Read pictures of digits, or rows of numbers, with a trained model.

    A picture may have any size and polarity: it is brought to MNIST's frame first. A table is taken
    as it is. A file that cannot be read is reported, the others are read all the same.
    """
    from mlplab.cli.examples import read_examples
    from mlplab.engine.model_file import load_model

    if output is not None and output.exists() and not force:
        raise UsageError(
            f"{output} is already there; choose another path, or write over it: --force"
        )
    model = load_model(model_path)
    tables, problems = [], []
    for file in files:
        try:
            examples = read_examples(file, model, target)
            tables.append(answers(model, examples, class_names(model, classes)))
            if frames is not None and examples.framed:
                save_frame(examples, frames, force)
        except (DataError, ModelError) as error:
            problems.append(error)
            typer.echo(f"mlplab: error: {error}", err=True)
    show(tables, output, json)
    if problems:
        raise typer.Exit(UsageError.exit_code)


def class_names(model: keras.Model, classes: str | None) -> list[str]:
    """Return a name for each class: those given, or 0, 1, 2, ..."""
    n_classes = max(model.output_shape[-1], 2)
    names = classes.split(",") if classes else [str(index) for index in range(n_classes)]
    if len(names) != n_classes:
        raise UsageError(f"expected {n_classes} names in --classes, got {len(names)}: {classes}")
    return names


def answers(model: keras.Model, examples: Examples, names: list[str]) -> pd.DataFrame:
    """Return a row an example: where it is from, the answer, the runner-up, all probabilities."""
    import pandas as pd

    from mlplab.engine.model_file import predict_probabilities

    probabilities = predict_probabilities(model, examples.x)
    order = probabilities.argsort(axis=1)[:, ::-1]
    rows = range(len(order))
    frame = pd.DataFrame({"file": str(examples.file), "row": [*rows]})
    for place, what in enumerate(("answer", "runner_up")):
        frame[what] = [names[index] for index in order[:, place]]
        frame[f"{what}_probability"] = probabilities[rows, order[:, place]]
    if examples.y is not None:
        frame["truth"] = [
            names[index] if 0 <= index < len(names) else str(index) for index in examples.y
        ]
    return frame.join(pd.DataFrame(probabilities, columns=[f"p_{name}" for name in names]))


def save_frame(examples: Examples, folder: Path, force: bool) -> None:
    """Save a framed picture as the model sees it."""
    from PIL import Image

    target = folder / f"{examples.file.stem}-28x28.png"
    if target.exists() and not force:
        raise DataError(
            f"{target} is already there; choose another folder, or write over it: --force"
        )
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(examples.x[0].reshape(28, 28)).save(target)


def show(tables: list[pd.DataFrame], output: Path | None, json: bool) -> None:
    """Write the answers where they were asked for: a CSV file, JSON or a table on stdout."""
    import pandas as pd

    if not tables:
        return
    frame = pd.concat(tables, ignore_index=True)
    if output is not None:
        frame.to_csv(output, index=False)
        typer.echo(f"{len(frame):,} rows written to {output}", err=True)
    if json:
        typer.echo(json_module.dumps(as_object(frame), indent=2))
    elif output is None:
        show_table(frame)


def accuracy(frame: pd.DataFrame) -> float | None:
    """Return the share of right answers, or None where no truth is known."""
    if "truth" not in frame or frame["truth"].isna().any():
        return None
    return float((frame["answer"] == frame["truth"]).mean())


def as_object(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the answers as plain data, one entry an example."""
    columns = [name for name in frame if name.startswith("p_")]
    examples = []
    for record in frame.to_dict("records"):
        entry = {name: value for name, value in record.items() if name not in columns}
        entry["probabilities"] = {name.removeprefix("p_"): record[name] for name in columns}
        examples.append(entry)
    return {"examples": examples, "accuracy": accuracy(frame)}


def show_table(frame: pd.DataFrame) -> None:
    """Print the answers: all in a pipe, the first of each file in a terminal."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    shown = frame.groupby("file", sort=False).head(_SHOWN) if console.is_terminal else frame
    table = Table()
    headings = ["file", "row", "answer", "probability", "runner-up", "probability"]
    columns = ["file", "row", "answer", "answer_probability", "runner_up", "runner_up_probability"]
    if "truth" in frame:
        headings.append("truth")
        columns.append("truth")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for record in shown[columns].itertuples(index=False):
        table.add_row(
            *(f"{value:.3f}" if isinstance(value, float) else str(value) for value in record)
        )
    console.print(table)
    if len(shown) < len(frame):
        typer.echo(
            f"{len(frame) - len(shown):,} more rows: --output FILE.csv writes them all", err=True
        )
    score = accuracy(frame)
    if score is not None:
        typer.echo(f"accuracy: {score:.4f} over {len(frame):,} examples")
