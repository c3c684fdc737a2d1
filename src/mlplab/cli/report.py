"""``mlplab report``: a study file as a page with figures and tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlplab.cli.options import Force, Level, Margin, Metric, Mlflow, StudyPath, tracked

if TYPE_CHECKING:
    from mlplab.data import Dataset
    from mlplab.study import Study


def report(
    study_path: StudyPath,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FOLDER",
            help="Where to write. [default: NAME-report beside the study file]",
            show_default=False,
        ),
    ] = None,
    claim: Annotated[
        str | None,
        typer.Option(
            "--claim",
            help="What is asked: models, recipes-this-test or recipes. [default: what the runs "
            "can carry]",
            show_default=False,
        ),
    ] = None,
    margin: Margin = None,
    level: Level = 0.95,
    metric: Metric = "accuracy",
    mlflow: Mlflow = None,
    force: Force = False,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Write a study's report: one self-contained page, its figures and its tables.

    The folder gets report.html, figures (PNG, SVG) and tables (CSV). A report of the same study is
    written over; anything else only with --force. The path of the page goes to stdout.
    """
    from mlplab.cli.training import command_line
    from mlplab.report import write_report
    from mlplab.report.folder import check_folder, written
    from mlplab.study import Study
    from mlplab.study.looks import shown_by_runs

    how: dict[str, Any] = {"claim": claim, "margin": margin, "level": level, "metric": metric}
    folder = out or study_path.with_name(f"{study_path.stem}-report")
    with Study(study_path, command_line()) as study, tracked({}, mlflow=mlflow) as tracking:
        check_folder(folder, study.id, force)  # before any dataset is fetched
        shown = shown_by_runs(study.validation)
        tracking.begin(study_path, study.count_look, shown, report_only=True)
        typer.echo("Writing the report ...", err=True)
        page = write_report(study, folder, dataset=dataset_of(study), force=force, **how)
        tracking.report(written(folder))
    typer.echo(page)
    if open_page:
        typer.launch(page.absolute().as_uri())


def dataset_of(study: Study) -> Dataset | None:
    """Load a study's dataset, or say on stderr why its pictures are left out."""
    from mlplab.errors import MlplabError
    from mlplab.study.dataset import load_dataset

    try:
        return load_dataset(study)
    except MlplabError as error:
        typer.echo(f"note: pictures of examples are left out: {error}", err=True)
        return None
