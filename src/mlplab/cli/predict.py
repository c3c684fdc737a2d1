"""``mlplab predict``: what a trained model makes of pictures and tables."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlplab.cli.options import Force, Json, check_free
from mlplab.errors import DataError, ModelError, StorageError, UsageError

if TYPE_CHECKING:
    import keras
    import numpy as np
    import numpy.typing as npt

    from mlplab.cli.examples import Examples

SHOWN = 10
"""Rows of a table that a terminal shows; a pipe gets them all."""


def predict(
    model_file: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A trained model (.keras).", show_default=False)
    ],
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Pictures (.png, .jpg), or examples in bulk (.npz, .csv, .parquet).",
            show_default=False,
        ),
    ],
    all_classes: Annotated[
        bool, typer.Option("--all", "-v", help="Show the probability of every class.")
    ] = False,
    classes: Annotated[
        str | None,
        typer.Option(metavar="A,B,...", help="The classes' names, in order. [default: 0,1,...]"),
    ] = None,
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column of labels, in CSV and Parquet.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Save a row an example.")
    ] = None,
    frames: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Save what the model saw of each picture.")
    ] = None,
    json: Json = False,
    force: Force = False,
) -> None:
    """Say which class each picture or example is, and how sure the model is.

    Pictures of digits may have any size, colours and place: they are brought to MNIST's frame
    first (--frames shows how). An .npz file holds x or x_test, and y or y_test where the accuracy
    is wanted; a table holds a column a feature. A pipe gets CSV. Where some files cannot be read
    the others still are, and the exit code is 2.
    """
    from mlplab.engine.model_file import class_count, example_shape, load_model

    frame_files = _frame_files(frames, files)
    check_free([*([output] if output else []), *frame_files.values()], force)
    model = load_model(model_file)
    names = _class_names(classes, class_count(model))
    examples, problems = _read_all(model, files, example_shape(model), names, target)
    results = _predict_all(model, examples)
    _save_frames(examples, frame_files)
    if output is not None:
        _write(output, _csv(results, names, all_classes))
    if json:
        _print_json(model_file, results, names, problems)
    elif sys.stdout.isatty():
        _print_tables(results, names, all_classes)
    elif results and output is None:
        typer.echo(_csv(results, names, all_classes), nl=False)
    if not json:
        _print_accuracies(results)
    for problem in problems.values():
        typer.echo(f"mlplab: error: {problem}", err=True)
    if problems:
        raise typer.Exit(UsageError.exit_code)


@dataclass(frozen=True)
class Result:
    """What a model makes of one file: probabilities of shape (n, classes)."""

    examples: Examples
    probabilities: npt.NDArray[np.float32]

    @property
    def accuracy(self) -> float | None:
        """Share of the examples whose likeliest class is their label's, where there are labels."""
        if self.examples.y is None:
            return None
        return float((self.probabilities.argmax(axis=1) == self.examples.y).mean())

    @property
    def summary(self) -> str:
        """One line: how many examples, how many right."""
        n = len(self.probabilities)
        text = f"{self.examples.file}: {n:,} {'example' if n == 1 else 'examples'}"
        return text if self.accuracy is None else f"{text}, accuracy {self.accuracy:.4f}"


def _frame_files(folder: Path | None, files: Sequence[Path]) -> dict[Path, Path]:
    """Return where the frame of each picture goes, telling pictures of one name apart."""
    from mlplab.cli.examples import PICTURE_SUFFIXES

    found: dict[Path, Path] = {}
    if folder is None:
        return found
    for file in files:
        if file.suffix.lower() in PICTURE_SUFFIXES and file not in found:
            name, count = file.stem, 1
            while folder / f"{name}.png" in found.values():
                count += 1
                name = f"{file.stem}-{count}"
            found[file] = folder / f"{name}.png"
    return found


def _class_names(classes: str | None, n_classes: int) -> list[str]:
    if classes is None:
        return [str(i) for i in range(n_classes)]
    names = [name.strip() for name in classes.split(",")]
    if len(names) != n_classes or len(set(names)) < n_classes or "" in names:
        raise UsageError(
            f"--classes: expected {n_classes} different names with commas between, "
            f"got {len(names)}: {classes}"
        )
    return names


def _read_all(
    model: keras.Model,
    files: Sequence[Path],
    shape: tuple[int | None, ...],
    names: Sequence[str],
    target: str | None,
) -> tuple[list[Examples], dict[str, str]]:
    """Read every file; return what could be read, and what is wrong with the rest."""
    from mlplab.cli.examples import read_examples
    from mlplab.engine.model_file import check_examples

    found: list[Examples] = []
    problems: dict[str, str] = {}
    for file in files:
        try:
            examples = read_examples(file, shape, names, target)
            check_examples(model, examples.x)
        except (DataError, ModelError) as error:
            text = str(error)
            problems[str(file)] = text if str(file) in text else f"{file}: {text}"
        else:
            found.append(examples)
    return found, problems


def _predict_all(model: keras.Model, found: Sequence[Examples]) -> list[Result]:
    """Predict the pictures together, since a step of one picture costs as much as one of many."""
    import numpy as np

    from mlplab.engine.model_file import predict_probabilities

    pictures = [examples.x for examples in found if examples.is_picture]
    seen: Iterator[Any] = iter(())
    if pictures:
        seen = iter(predict_probabilities(model, np.concatenate(pictures)))
    return [
        Result(
            examples,
            next(seen)[np.newaxis]
            if examples.is_picture
            else predict_probabilities(model, examples.x),
        )
        for examples in found
    ]


def _save_frames(found: Sequence[Examples], frame_files: dict[Path, Path]) -> None:
    from PIL import Image

    for examples in found:
        if examples.file in frame_files:
            picture = io.BytesIO()
            Image.fromarray(examples.x.reshape(28, 28)).save(picture, "PNG")
            _write(frame_files[examples.file], picture.getvalue())


def _write(path: Path, content: str | bytes) -> None:
    data = content.encode() if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error


def _rows(result: Result, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield a row an example: the likeliest class, the runner-up, the label, every class."""
    labels = result.examples.y
    for i, row in enumerate(result.probabilities):
        first, second = (-row).argsort(kind="stable")[:2]  # of equal ones the first, as argmax
        yield {
            "file": str(result.examples.file),
            "example": i,
            "answer": names[first],
            "probability": float(row[first]),
            "runner_up": names[second],
            "runner_up_probability": float(row[second]),
            "label": None if labels is None else names[labels[i]],
            "probabilities": dict(zip(names, map(float, row), strict=True)),
        }


def _csv(results: Sequence[Result], names: Sequence[str], all_classes: bool) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    header = ["file", "example", "answer", "probability", "runner_up", "runner_up_probability"]
    labelled = any(result.examples.y is not None for result in results)
    header += ["label"] if labelled else []
    writer.writerow([*header, *(f"p_{name}" for name in names if all_classes)])
    for result in results:
        for row in _rows(result, names):
            shares = row["probabilities"].values() if all_classes else ()
            writer.writerow([*map(_cell, (row[key] for key in header)), *map(_cell, shares)])
    return text.getvalue()


def _cell(value: Any) -> Any:
    return f"{value:.6f}" if isinstance(value, float) else value


def _print_tables(results: Sequence[Result], names: Sequence[str], all_classes: bool) -> None:
    """Print the pictures as one table, and the first rows of each file of examples."""
    pictures = [result for result in results if result.examples.is_picture]
    if pictures:
        rows = [row for result in pictures for row in _rows(result, names)]
        _print_table(rows, "file", names if all_classes else ())
    for result in results:
        if result.examples.is_picture:
            continue
        typer.echo(result.summary)
        rows = list(islice(_rows(result, names), SHOWN))
        _print_table(rows, "example", names if all_classes else ())
        if len(result.probabilities) > SHOWN:
            more = len(result.probabilities) - SHOWN
            typer.echo(f"... and {more:,} more; --output FILE.csv saves them all")


def _print_table(rows: Sequence[dict[str, Any]], head: str, names: Sequence[str]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    shown = tuple(names) or ("probability", "runner-up", "probability")
    labels = ["label"] if rows[0]["label"] is not None else []
    table = Table(box=None, pad_edge=False)
    for header in (head, "answer", *shown, *labels):
        table.add_column(escape(header), overflow="fold")
    for row in rows:
        if names:
            shares = [f"{row['probabilities'][name]:.2f}" for name in names]
        else:
            first, second = row["probability"], row["runner_up_probability"]
            shares = [f"{first:.4f}", row["runner_up"], f"{second:.4f}"]
        cells = [str(row[head]), row["answer"], *shares, *(row[label] for label in labels)]
        table.add_row(*map(escape, cells))
    Console(highlight=False).print(table)


def _print_accuracies(results: Sequence[Result]) -> None:
    """Where stdout is a pipe, which gets rows alone, say on stderr what a terminal shows."""
    if sys.stdout.isatty():
        return
    for result in results:
        if result.accuracy is not None:
            typer.echo(result.summary, err=True)


def _print_json(
    model_file: Path, results: Sequence[Result], names: Sequence[str], problems: dict[str, str]
) -> None:
    import json

    files = [
        {
            "file": str(result.examples.file),
            "examples": len(result.probabilities),
            "accuracy": result.accuracy,
            "answers": [
                {key: value for key, value in row.items() if key != "file"}
                for row in _rows(result, names)
            ],
        }
        for result in results
    ]
    errors = [{"file": file, "error": text} for file, text in problems.items()]
    content = {"model": str(model_file), "classes": names, "files": files, "errors": errors}
    typer.echo(json.dumps(content, indent=2))
