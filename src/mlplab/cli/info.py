"""``mlplab info``: versions, engines, threads, and where things are."""

from __future__ import annotations

import json as json_module
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

import mlplab
from mlplab.cli.options import Json


def info(json: Json = False) -> None:
    """Show versions, engines, threads, and where things are."""
    from mlplab.data.cache import cache_folder
    from mlplab.engine import ENGINES
    from mlplab.extras import EXTRAS, installing
    from mlplab.study.environment import environment, installed_version

    facts = environment()
    extras = {name: installed_version(package) for name, package in EXTRAS.items()}
    lacking = [name for name, found in extras.items() if found is None]
    content = {
        **facts,
        "extras": extras,
        "engines": list(ENGINES),
        "cache": str(cache_folder()),
        "package": str(Path(mlplab.__file__).parent),
    }
    if json:
        typer.echo(json_module.dumps(content, indent=2))
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    rows = {
        "python": facts["python"],
        **facts["versions"],
        "Keras backend": facts["backend"],
        "system": facts["machine"]["system"],
        "processor": facts["machine"]["processor"],
        "threads": facts["machine"]["threads"],
        "extras": ", ".join(f"{name} ({v})" for name, v in extras.items() if v) or "none",
        **({"not installed": f"{', '.join(lacking)}; {installing('NAME')}"} if lacking else {}),
        "engines": ", ".join(ENGINES),
        "cache": f"{cache_folder()} (MLPLAB_HOME moves it)",
        "package": content["package"],
    }
    for name, value in rows.items():
        table.add_row(name, str(value))
    Console(soft_wrap=True).print(table)
