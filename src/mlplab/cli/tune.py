"""``mlplab tune``: search for a better recipe, and say what the one that is found is worth."""

from __future__ import annotations

import json as json_module
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlplab.cli.options import (
    Csv,
    Engine,
    Json,
    Jsonl,
    Mlflow,
    Quiet,
    TensorBoard,
    Verbose,
    tracked,
)
from mlplab.errors import AllDivergedError

if TYPE_CHECKING:
    from mlplab.tuning import Tuned


def tune(
    spec: Annotated[
        Path,
        typer.Argument(metavar="FILE.toml", help="A study spec with ranges.", show_default=False),
    ],
    trials: Annotated[
        int | None,
        typer.Option("--trials", help="How many recipes to try. [default: 50]", show_default=False),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option("--seeds", help="Runs of each. [default: 3]", show_default=False),
    ] = None,
    sampler: Annotated[
        str | None,
        typer.Option(
            "--sampler",
            help="tpe, random, grid, qmc or cmaes. [default: tpe]",
            show_default=False,
        ),
    ] = None,
    pruner: Annotated[
        str | None,
        typer.Option(
            "--pruner",
            help="median, hyperband, halving or none. [default: median]",
            show_default=False,
        ),
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(
            "--storage",
            metavar="URL",
            help="An Optuna storage. [default: sqlite:///NAME.tune.db beside the study file]",
            show_default=False,
        ),
    ] = None,
    fresh_seeds: Annotated[
        int | None,
        typer.Option(
            "--fresh-seeds",
            help="Runs of the winner and of the start at the end. [default: 10]",
            show_default=False,
        ),
    ] = None,
    max_minutes: Annotated[
        float | None,
        typer.Option("--max-minutes", help="Begin no trial after so many.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="The study file of the runs at the end. [default: NAME.study here]",
            show_default=False,
        ),
    ] = None,
    engine: Engine = "auto",
    mlflow: Mlflow = None,
    tensorboard: TensorBoard = None,
    csv: Csv = None,
    jsonl: Jsonl = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Search the ranges of FILE.toml for a better recipe, by validation scores alone.

    At the end the winner and the starting recipe are trained on fresh seeds and compared. The same
    command again goes on with the search; processes that share a storage share it. Options come
    before what the table [tune] of FILE.toml says.
    """
    from mlplab.cli.progress import choose_progress
    from mlplab.cli.training import command_line
    from mlplab.cli.tune_progress import choose_tune_progress
    from mlplab.recipes import load_search
    from mlplab.tuning import tune as tune_
    from mlplab.tuning.storage import for_dashboard

    asked = load_search(spec)
    places = {"mlflow": mlflow, "tensorboard": tensorboard, "csv": csv, "jsonl": jsonl}
    try:
        with tracked(asked.study.track, quiet, **places) as tracking:
            tuned = tune_(
                asked,
                trials=trials,
                seeds=seeds,
                sampler=sampler,
                pruner=pruner,
                storage=storage,
                fresh_seeds=fresh_seeds,
                max_minutes=max_minutes,
                path=out,
                engine=engine,
                track=tracking,
                progress=choose_tune_progress(quiet, verbose),
                run_progress=choose_progress(quiet, verbose),
                command=command_line(),
            )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            "Interrupted. The trials and runs that ended are kept; the same command goes on."
        ) from None
    show(tuned, as_json=json)
    if not (json or quiet):
        shown = for_dashboard(tuned.found.storage)
        dashboard = f", optuna-dashboard {shown}" if shown else ""
        typer.echo(f"\nNext: mlplab report {tuned.path}{dashboard}", err=True)


def show(tuned: Tuned, *, as_json: bool) -> None:
    """Print to stdout what came out: one JSON object, or tables and sentences."""
    from mlplab.cli.verdicts import as_data, print_comparison
    from mlplab.study import Study

    terms = None
    if tuned.comparison:
        with closing(Study(tuned.path)) as study:
            terms = study.terms([recipe.name for recipe in tuned.comparison.recipes])
    if as_json:
        compared = as_data(tuned.comparison, terms) if tuned.comparison else None
        typer.echo(json_module.dumps(tuned.to_dict() | {"comparison": compared}, indent=2))
    else:
        typer.echo("\n".join(tuned.search_lines()))
        if tuned.comparison:
            typer.echo()
            print_comparison(tuned.comparison, terms, as_json=False)
    if not tuned.fresh:
        raise AllDivergedError(
            f"all fresh runs of {tuned.recipe.name} diverged: their losses became no finite "
            "numbers; narrow the range of the learning rate, or search with more seeds a trial"
        )
