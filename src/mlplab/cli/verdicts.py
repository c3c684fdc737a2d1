"""A comparison, printed: verdicts, and on what terms the recipes competed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    import pandas as pd

    from mlplab.compare import Comparison


def print_comparison(found: Comparison, terms: pd.DataFrame | None, *, as_json: bool) -> None:
    """Print a comparison to stdout, the claim first: one JSON object, or tables and sentences.

    Args:
        found: the comparison.
        terms: as ``Study.terms`` returns them; None where they are not known.
        as_json: which of the two.
    """
    if as_json:
        typer.echo(json.dumps(as_data(found, terms), indent=2))
        return
    typer.echo(str(found))
    if terms is not None:
        typer.echo("\n" + terms_text(terms))


def as_data(found: Comparison, terms: pd.DataFrame | None) -> dict[str, Any]:
    """Return a comparison as plain data, with the terms."""
    from mlplab.study.terms import unequal

    if terms is None:
        return found.to_dict()
    rows = json.loads(terms.to_json(orient="records"))
    return found.to_dict() | {"terms": rows, "unequal": list(unequal(terms))}


def terms_text(terms: pd.DataFrame) -> str:
    """Return a table of what each recipe costs, and a warning where one costs much more."""
    from mlplab.plain_text import bullets, table
    from mlplab.report.numbers import seconds, whole
    from mlplab.study.terms import unequal

    rows = [
        [
            row["recipe"],
            whole(row["parameters"]),
            whole(row["operations"]),
            seconds(row["seconds"]),
        ]
        for row in terms.to_dict("records")
    ]
    lines = table(["recipe", "parameters", "multiply-adds an example", "seconds a run"], rows)
    return "\n".join([*lines, *([""] if rows else []), *bullets(unequal(terms))]).rstrip()
