"""``mlplab run``: train the recipes of a study spec (TOML) over many seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlplab.cli.options import Engine, Epochs, Json, Quiet, Seeds, Verbose


def run(
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
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON schema of FILE.toml, for editors.")
    ] = False,
) -> None:
    """Train every recipe of FILE.toml under every seed, into a study file.

    The same command again runs only what is missing. Results go to stdout, progress to stderr.
    """
    if schema:
        from mlplab.cli.schema import print_schema

        print_schema()
        return
    if spec is None:
        raise typer.BadParameter(
            "expected a study spec, for instance examples/digits.toml", param_hint="FILE.toml"
        )

    from mlplab.cli.training import check_some_done, override, print_results, train_into
    from mlplab.data import load
    from mlplab.recipes import check, load_spec

    plan = load_spec(spec)
    dataset = load(plan.dataset, **plan.load_options)
    check(plan, dataset)
    study = train_into(
        out or Path(f"{plan.name}.study"),
        override(plan.recipes, epochs=epochs),
        dataset,
        plan.seeds if seeds is None else seeds,
        quiet=quiet,
        verbose=verbose,
        validation=plan.validation,
        keep=keep or plan.keep,
        engine=engine,
    )
    with study:
        print_results(study, json)
        check_some_done(study)
    if not (json or quiet):
        typer.echo(f"\nNext: mlplab report {study.path}", err=True)
