"""``mlplab reproduce``: the notebook's four networks on MNIST, many seeds, and a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlplab.cli.options import Engine, Epochs, Json, Quiet, Verbose


def reproduce(
    recipes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RECIPE]...",
            help="Some of the four networks. [default: all]",
            show_default=False,
        ),
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", help="Number of runs of each network.")] = 3,
    epochs: Epochs = None,
    out: Annotated[
        Path, typer.Option("--out", help="Folder for the study, models and report.")
    ] = Path("reproduce"),
    engine: Engine = "auto",
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    force: Annotated[
        bool, typer.Option("--force", help="Write the report over files that are not its own.")
    ] = False,
) -> None:
    """Train the notebook's networks (softmax, relu-2, bn-dropout-3, bn-dropout-5) on MNIST.

    As in the notebook: 20 epochs, batches of 156, and the test set watched as validation data.
    Unlike it, each network is trained under several seeds. The folder then holds the study file,
    the trained models, and a report. The same command again runs only what is missing.
    """
    from mlplab.cli.training import (
        check_some_done,
        command_line,
        override,
        print_results,
        train_into,
    )
    from mlplab.data import load
    from mlplab.recipes import choose_notebook_recipes
    from mlplab.report import write_report
    from mlplab.report.text import data_facts, network_facts
    from mlplab.study.runs import check_seeds

    check_seeds(seeds)
    chosen = override(choose_notebook_recipes(recipes or []), epochs=epochs)
    dataset = load("mnist", progress=not quiet)
    if not (json or quiet):
        typer.echo(data_facts(dataset))
    study = train_into(
        out / "reproduce.study",
        chosen,
        dataset,
        seeds,
        quiet=quiet,
        verbose=verbose,
        validation="test",
        keep="models",
        engine=engine,
    )
    with study:
        if not (json or quiet):
            typer.echo(network_facts(study))
        print_results(study, json)
        check_some_done(study)
        page = write_report(study, out, dataset=dataset, command=command_line(), force=force)
    typer.echo(f"\nReport: {page}", err=json)
