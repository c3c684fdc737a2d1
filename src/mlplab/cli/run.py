"""``mlplab run``: train the recipes of a study spec (TOML) over many seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mlplab.cli.options import (
    Claim,
    Csv,
    Engine,
    Epochs,
    Json,
    Jsonl,
    Level,
    Margin,
    MaxMinutes,
    MaxSeeds,
    Metric,
    Mlflow,
    On,
    Quiet,
    Seeds,
    TensorBoard,
    Vary,
    Verbose,
    seeds_or_auto,
    tracked,
)
from mlplab.errors import UsageError

_OF_AUTO = ("claim", "margin", "level", "metric", "max_seeds", "max_minutes")


def check_left_alone(context: typer.Context, *names: str) -> None:
    """Raise UsageError where an option was given that goes with --seeds auto."""
    sources = {name: context.get_parameter_source(name) for name in names}
    given = [name for name, source in sources.items() if source and source.name != "DEFAULT"]
    if given:
        option = f"--{given[0].replace('_', '-')}"
        raise UsageError(
            f"{option} goes with --seeds auto, got a number of seeds; for runs that are there: "
            "mlplab compare"
        )


def run(
    context: typer.Context,
    spec: Annotated[
        Path | None,
        typer.Argument(metavar="FILE.toml", help="The study to run.", show_default=False),
    ] = None,
    seeds: Seeds = None,
    epochs: Epochs = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="The study file. [default: NAME.study here]", show_default=False
        ),
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option("--keep", help="models: keep each trained model as a .keras file."),
    ] = None,
    engine: Engine = "auto",
    vary: Vary = None,
    on: On = None,
    max_seeds: MaxSeeds = 30,
    max_minutes: MaxMinutes = None,
    claim: Claim = "recipes",
    margin: Margin = None,
    level: Level = 0.95,
    metric: Metric = "accuracy",
    mlflow: Mlflow = None,
    tensorboard: TensorBoard = None,
    csv: Csv = None,
    jsonl: Jsonl = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON schema of FILE.toml, for editors.")
    ] = False,
) -> None:
    """Train every recipe of FILE.toml under every seed, into a study file.

    The same command again runs only what is missing. Results go to stdout, progress to stderr. With
    --seeds auto, recipes get seeds until it is decided which are better (--claim, --margin, --level
    and --metric say what is asked), or cannot be.
    """
    if schema:
        from mlplab.cli.schema import print_schema

        print_schema()
        return
    if spec is None:
        raise typer.BadParameter(
            "expected a study spec, for instance examples/digits.toml", param_hint="FILE.toml"
        )

    from mlplab.cli.training import override, show, train_into
    from mlplab.data import load
    from mlplab.recipes import check, load_spec

    wanted = None if seeds is None else seeds_or_auto(seeds)
    plan = load_spec(spec)
    vary = vary or plan.vary
    how: dict[str, Any] = {"vary": vary}
    if wanted == "auto":
        if vary != "all":
            raise UsageError(f"expected a number of seeds with --vary {vary}, got auto")
        how = {"claim": claim, "margin": margin, "level": level, "metric": metric}
        how |= {"max_seeds": max_seeds, "max_minutes": max_minutes}
    else:
        check_left_alone(context, *_OF_AUTO)
    places = {"mlflow": mlflow, "tensorboard": tensorboard, "csv": csv, "jsonl": jsonl}
    tracking = tracked(plan.track, quiet, **places)
    dataset = load(plan.dataset, **plan.load_options)
    check(plan, dataset)
    with tracking:
        study, found = train_into(
            out or Path(f"{plan.name}.study"),
            override(plan.recipes, epochs=epochs),
            dataset,
            plan.seeds if wanted is None else wanted,
            quiet=quiet,
            verbose=verbose,
            validation=plan.validation,
            keep=keep or plan.keep,
            engine=engine,
            on=on,
            track=tracking,
            **how,
        )
        with study:
            show(study, found, vary, as_json=json)
    if not (json or quiet):
        compare = "" if vary != "all" or found else f"mlplab compare {study.path}, "
        typer.echo(f"\nNext: {compare}mlplab report {study.path}", err=True)
