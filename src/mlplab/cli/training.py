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
from mlplab.urls import without_password

if TYPE_CHECKING:
    from mlplab.compare import Comparison
    from mlplab.data import Dataset
    from mlplab.recipes import Recipe
    from mlplab.study import Study


def train_into(
    path: Path,
    recipes: Sequence[Recipe],
    dataset: Dataset,
    seeds: int | str | Sequence[int],
    *,
    quiet: bool,
    verbose: bool,
    **options: Any,
) -> tuple[Study, Comparison | None]:
    """Run what a study file lacks, with progress; when stopped early, say how to go on.

    Returns:
        The study; with the seeds ``"auto"``, the comparison that was decided by them as well.
    """
    from mlplab.cli.progress import choose_progress
    from mlplab.study import run, run_until_decided

    options |= {"path": path, "command": command_line()}
    options["progress"] = choose_progress(quiet, verbose)
    try:
        if isinstance(seeds, str):
            return run_until_decided(recipes, dataset, **options)
        return run(recipes, dataset, seeds, **options), None
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"Interrupted. The runs that ended are in {path}; the same command goes on."
        ) from None


def command_line() -> str:
    """Return the command that is running, as a reader would type it; passwords are left out."""
    return shlex.join(["mlplab", *map(without_password, sys.argv[1:])])


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
            "name": summary.record.name,
            "label": summary.record.label,
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


def show(study: Study, found: Comparison | None, vary: str, *, as_json: bool) -> None:
    """Print what a command trained: scores, or sources of variation; and what was decided."""
    if vary != "all":
        print_variation(study, vary, as_json)
        return
    print_results(study, as_json, [found] if found else [])
    check_some_done(study)


def print_results(
    study: Study, as_json: bool, found: Sequence[Comparison], about: str = "", **more: Any
) -> None:
    """Print a study's results to stdout, the claim first: one JSON object, or tables for readers.

    Args:
        study: what was trained.
        as_json: which of the two.
        found: comparisons of its recipes, if there are any: families of pairs under one claim.
        about: what a reader is told before the scores.
        more: what goes into the JSON object besides.
    """
    from mlplab.cli.verdicts import as_data, print_comparison

    terms = [study.terms([recipe.name for recipe in one.recipes]) for one in found]
    if as_json:
        data = [as_data(one, costs) for one, costs in zip(found, terms, strict=True)]
        claim = {"question": found[0].question} if found else {}
        compared = {"comparison": data[0], "further": data[1:]} if data else {}
        typer.echo(json.dumps(claim | results(study) | compared | more, indent=2))
        return
    from rich.console import Console

    from mlplab.report.text import results_table

    if found:
        typer.echo(found[0].question + "\n")
    if about:
        typer.echo(about)
    Console().print(results_table(study))
    for one, costs in zip(found, terms, strict=True):
        typer.echo()
        print_comparison(one, costs, as_json=False)


def print_variation(study: Study, vary: str, as_json: bool) -> None:
    """Print to stdout how much of the spread each random stream causes alone."""
    frame = study.variation()
    if not (frame["vary"] == vary).any():
        raise AllDivergedError(
            f"all runs that vary {vary} diverged: their losses became no finite numbers; "
            "lower the learning rate"
        )
    if as_json:
        about = {"study": str(study.path), "dataset": study.dataset["name"]}
        rows = json.loads(frame.to_json(orient="records"))
        typer.echo(
            json.dumps(about | {"validation": study.validation, "variation": rows}, indent=2)
        )
        return
    from mlplab.report.text import variation_text

    typer.echo(variation_text(study, frame))


def check_some_done(study: Study) -> None:
    """Raise AllDivergedError when every run of a study diverged."""
    frame = study.frame()
    if len(frame) and not (frame["status"] == "done").any():
        raise AllDivergedError(
            f"all {len(frame)} runs diverged: their losses became no finite numbers; "
            f"lower the learning rate, or look at the history in {study.path}"
        )
