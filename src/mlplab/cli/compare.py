"""``mlplab compare``: which differences between recipes are real."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlplab.cli.options import Claim, Force, Json, Level, Margin, Metric, check_free
from mlplab.errors import CompareError, StorageError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from mlplab.compare import Comparison


def compare(
    studies: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="STUDY",
            help="Study files, all on the same data.",
            show_default=False,
        ),
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Compare the scores in a .npz, .csv or .parquet file instead.",
            show_default=False,
        ),
    ] = None,
    claim: Claim = "recipes",
    margin: Margin = None,
    level: Level = 0.95,
    metric: Metric = "accuracy",
    recipes: Annotated[
        list[str] | None,
        typer.Option(
            "--recipes",
            metavar="NAME",
            help="Compare this one; give the option once for each.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", help="Write a row a pair into this file.", show_default=False),
    ] = None,
    force: Force = False,
) -> None:
    """Say of each pair of recipes which is better, or that it cannot be told yet.

    The claim decides the test. models: of two trained models, which is better on new examples?
    recipes-this-test: which recipe is better on this test set, whatever the seed? recipes: which
    recipe is better on new examples, whatever the seed?
    """
    from mlplab.cli.verdicts import print_comparison

    if bool(studies) == bool(scores):
        got = "both" if scores else "neither"
        raise CompareError(f"expected study files, or --from with a file of scores, got {got}")
    check_free([csv] if csv else [], force)
    how: dict[str, Any] = {"claim": claim, "margin": margin, "level": level, "metric": metric}
    if scores:
        found, terms = compare_file(scores, recipes, **how), None
    else:
        found, terms = compare_files(studies or [], recipes, **how)
    if csv:
        write_csv(found, csv)
    print_comparison(found, terms, as_json=json)


def compare_files(
    paths: list[Path], recipes: list[str] | None, **how: Any
) -> tuple[Comparison, pd.DataFrame]:
    """Compare the recipes of study files; return on what terms they compete as well."""
    from mlplab.cli.training import command_line
    from mlplab.study import Study, compare_studies
    from mlplab.study.comparing import terms_of

    once: dict[Path, Path] = {}
    for path in paths:
        once.setdefault(path.resolve(), path)
    with ExitStack() as stack:
        studies = [stack.enter_context(Study(path, command_line())) for path in once.values()]
        found = compare_studies(studies, recipes=recipes, **how)
        return found, terms_of(studies, [recipe.name for recipe in found.recipes])


def compare_file(path: Path, recipes: list[str] | None, **how: Any) -> Comparison:
    """Compare the scores in a file."""
    from mlplab.compare import DEFAULT_MARGIN, METRICS, compare_scores, read_scores
    from mlplab.compare.scores import check_word

    check_word("metric", how["metric"], METRICS)
    if how["margin"] is None:
        how["margin"] = DEFAULT_MARGIN[how["metric"]]
    scores = read_scores(path)
    if unknown := [name for name in recipes or [] if name not in scores]:
        got = ", ".join(f"{name!r}{did_you_mean(name, scores)}" for name in unknown)
        raise CompareError(f"expected recipes out of {', '.join(scores)}, got {got}")
    return compare_scores({name: scores[name] for name in recipes or scores}, **how)


def write_csv(found: Comparison, path: Path) -> None:
    """Write a row a pair."""
    try:
        found.frame().to_csv(path, index=False)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror or error}") from error
