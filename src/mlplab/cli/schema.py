"""The JSON schema of study specs, for editors that complete and check TOML."""

from __future__ import annotations

import json

import typer


def print_schema() -> None:
    """Print the schema to stdout."""
    from mlplab.recipes import spec_schema

    typer.echo(json.dumps(spec_schema(), indent=2))
