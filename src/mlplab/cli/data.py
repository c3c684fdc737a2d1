"""``mlplab data``: which datasets there are, what is in one, and fetching it."""

from __future__ import annotations

import json
import sys
from collections.abc import Container
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table

from mlplab.cli.options import Quiet
from mlplab.errors import StorageError, UsageError

if TYPE_CHECKING:
    from mlplab.data import Dataset

PICTURE_SUFFIXES = (".png", ".svg", ".pdf")
PIPED_WIDTH = 120

app = typer.Typer(
    name="data",
    help="Datasets: list the known ones, look into one, fetch one, convert a large table.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="A dataset's name (mlplab data list) or a file's path.")]
Target = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="The column of labels, for CSV and Parquet.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")]


@app.command("list")
def list_datasets(as_json: AsJson = False) -> None:
    """List the datasets known by name."""
    from mlplab.data import CATALOG
    from mlplab.data.sources import is_cached

    rows: list[dict[str, Any]] = [
        {
            "name": spec.name,
            "title": spec.title,
            "classes": len(spec.class_names),
            "train": spec.n_train,
            "test": spec.n_test,
            "fetched": is_cached(spec),
        }
        for spec in CATALOG.values()
    ]
    if as_json:
        _print_json({"datasets": rows})
        return
    table = _table("name", "classes", "train", "test", "fetched", "what", numbers=(1, 2, 3))
    for row in rows:
        sizes = (f"{row[key]:,}" for key in ("classes", "train", "test"))
        table.add_row(row["name"], *sizes, "yes" if row["fetched"] else "no", row["title"])
    _console().print(table)


@app.command("info")
def info(
    name: Name,
    target: Target = None,
    picture: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Save a grid of ten examples a class (png, svg, pdf)."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the picture.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a dataset: shapes, classes, examples a class, values, density, fingerprint."""
    from mlplab.data import load
    from mlplab.data.mapped import check_content, is_mapped_folder

    if picture is not None:
        _check_picture(picture, force)
    dataset = load(name, target=target)
    if is_mapped_folder(Path(dataset.source)):
        check_content(Path(dataset.source))
    if picture is not None:
        _save_picture(dataset, picture)
        typer.echo(f"saved {picture}", err=True)
    if as_json:
        _print_json(dataset.summary())
        return
    _print_facts(dataset)
    _print_classes(dataset)


@app.command("fetch")
def fetch(
    name: Annotated[str, typer.Argument(help="A dataset's name (mlplab data list).")],
) -> None:
    """Fetch a dataset into the cache, and check it."""
    from mlplab.data import cache_folder, load_named
    from mlplab.data.catalog import named_dataset

    spec = named_dataset(name)
    dataset = load_named(spec)
    where = f"in {cache_folder() / name}" if spec.files else "bundled with scikit-learn"
    typer.echo(
        f"{name}: {dataset.train.n:,} training and {dataset.test.n:,} test examples, {where}"
    )


@app.command("convert")
def convert(
    table: Annotated[
        Path, typer.Argument(metavar="TABLE", help="A CSV or Parquet file.", show_default=False)
    ],
    to: Annotated[
        Path, typer.Option("--to", metavar="FOLDER", help="The folder to make.", show_default=False)
    ],
    target: Target = None,
    test: Annotated[
        str, typer.Option(metavar="N", help="Examples for the test split: a number, or a share.")
    ] = "0.2",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Convert a table of any size into a folder of arrays, to train on without reading it whole.

    Memory does not grow with the table, but for the rows of its test split. The same command goes
    on where an interrupted one stopped; the folder gets its name when it is whole. Everything that
    takes a dataset takes the folder.
    """
    from mlplab.data.convert import GOES_ON
    from mlplab.data.convert import convert as convert_table

    size = _number_or_share(test)
    try:
        dataset = convert_table(table, to, target=target, test=size, progress=not quiet)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"Interrupted; {GOES_ON}.") from None
    if as_json:
        _print_json(dataset.summary())
        return
    typer.echo(
        f"{to}: {dataset.train.n:,} training and {dataset.test.n:,} test examples, "
        f"{dataset.n_classes} classes"
    )


def _number_or_share(text: str) -> int | float:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    raise UsageError(f"--test: expected a number of examples or a share of them, got {text!r}")


def _print_facts(dataset: Dataset) -> None:
    low, high = dataset.value_range
    facts = Table(box=None, show_header=False, pad_edge=False)
    facts.add_row("dataset", dataset.name)
    for name, split in dataset.splits.items():
        facts.add_row(name, f"{split.n:,} examples of shape {split.x.shape[1:]}")
    facts.add_row("values", f"{dataset.train.x.dtype}, {low:g} to {high:g}")
    facts.add_row("density", f"{dataset.density:.1%} of the training values are not zero")
    facts.add_row("classes", str(dataset.n_classes))
    if dataset.disputed:
        facts.add_row("disputed", f"{len(dataset.disputed)} test labels")
    facts.add_row("fingerprint", dataset.fingerprint)
    _console().print(facts)


def _print_classes(dataset: Dataset) -> None:
    counts = dataset.class_counts()
    table = _table("class", *counts, numbers=range(1, 1 + len(counts)))
    for name, *row in zip(dataset.class_names, *counts.values(), strict=True):
        table.add_row(name, *(f"{count:,}" for count in row))
    _console().print(table)


def _check_picture(path: Path, force: bool) -> None:
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        raise UsageError(f"a picture's name must end in {', '.join(PICTURE_SUFFIXES)}; got {path}")
    if path.exists() and not force:
        raise UsageError(f"{path} is there already; give another name, or --force to overwrite it")


def _save_picture(dataset: Dataset, path: Path) -> None:
    from matplotlib.figure import Figure

    from mlplab.report.figures.samples import sample_grid

    figure = Figure(figsize=(6, 0.6 * dataset.n_classes), layout="constrained")
    sample_grid(*dataset.train, dataset.class_names, figure.subplots())
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error


def _table(*headers: str, numbers: Container[int] = ()) -> Table:
    """A table whose columns at the positions ``numbers`` are set flush right."""
    table = Table(box=None, pad_edge=False)
    for i, header in enumerate(headers):
        # A narrow terminal wraps the last column and leaves the others whole.
        whole = i < len(headers) - 1
        justify: Literal["left", "right"] = "right" if i in numbers else "left"
        table.add_column(header, justify=justify, no_wrap=whole, overflow="fold")
    return table


def _console() -> Console:
    """Stdout, at its own width in a terminal and wide enough for every line when piped."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)


def _print_json(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value, indent=2))
