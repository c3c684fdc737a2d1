"""What ``run`` and ``reproduce`` share: train into a study file, and say how to go on."""

from __future__ import annotations

import dataclasses
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mlplab.errors import AllDivergedError

if TYPE_CHECKING:
    from mlplab.data import Dataset
    from mlplab.recipes import Recipe
    from mlplab.study import Study


def train_into(
    path: Path,
    recipes: Sequence[Recipe],
    dataset: Dataset,
    seeds: int | Sequence[int],
    *,
    quiet: bool,
    verbose: bool,
    **options: Any,
) -> Study:
    """Run what a study file lacks, with progress; when stopped early, say how to go on."""
    from mlplab.cli.progress import choose_progress
    from mlplab.study import run

    try:
        progress = choose_progress(quiet, verbose)
        return run(recipes, dataset, seeds, path=path, progress=progress, **options)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"Interrupted. The runs that ended are in {path}; the same command goes on."
        ) from None


def command_line() -> str:
    """Return the command that is running, as a reader would type it."""
    return shlex.join(["mlplab", *sys.argv[1:]])


def override(recipes: Sequence[Recipe], **changes: Any) -> list[Recipe]:
    """Return the recipes with the changes that are not None."""
    given = {name: value for name, value in changes.items() if value is not None}
    return [recipe.replace(**given) for recipe in recipes]


def results(study: Study) -> dict[str, Any]:
    """Return the results of a study as plain data, for ``--json``."""
    from mlplab.study.summary import summarize

    recipes = []
    for summary in summarize(study):
        content: dict[str, Any] = {
            "name": summary.record.label,
            "parameters": summary.record.parameters,
            "seeds": summary.seeds,
            "diverged": summary.diverged,
            "test_accuracy": dataclasses.asdict(summary.test_accuracy),
            "test_loss": dataclasses.asdict(summary.test_loss),
            "seconds_per_epoch": summary.seconds_per_epoch,
        }
        if summary.published is not None:
            content["published"] = dataclasses.asdict(summary.published)
        recipes.append(content)
    return {
        "study": str(study.path),
        "dataset": study.dataset["name"],
        "validation": study.validation,
        "recipes": recipes,
    }


def print_results(study: Study, as_json: bool) -> None:
    """Print a study's results to stdout: one JSON object, or a table for readers."""
    if as_json:
        typer.echo(json.dumps(results(study), indent=2))
        return
    from rich.console import Console

    from mlplab.report.text import results_table

    Console().print(results_table(study))


def check_some_done(study: Study) -> None:
    """Raise AllDivergedError when every run of a study diverged."""
    frame = study.frame()
    if len(frame) and not (frame["status"] == "done").any():
        raise AllDivergedError(
            f"all {len(frame)} runs diverged: their losses became no finite numbers; "
            f"lower the learning rate, or look at the history in {study.path}"
        )
