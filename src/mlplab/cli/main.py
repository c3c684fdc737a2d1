"""The program ``mlplab``: its commands, and how errors leave it.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import _thread
import os
import sys
import threading
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from mlplab import __version__
from mlplab.cli import compare, data, export, info, predict, report, reproduce, run, serve, tune
from mlplab.errors import MlplabError

INTERRUPTED = 130


class Commands(TyperGroup):
    """Commands whose errors leave as one short message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except MlplabError as error:
            if ctx.params.get("debug"):
                raise
            typer.echo(f"mlplab: error: {error}", err=True)
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as interrupt:
            typer.echo(str(interrupt) or "Interrupted.", err=True)
            raise typer.Exit(INTERRUPTED) from interrupt
        except BrokenPipeError as error:  # the reader of our output has gone, as with `| head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from error


app = typer.Typer(
    cls=Commands,
    name="mlplab",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Train Keras multilayer perceptrons many times and see what comes out.",
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.",
)
app.command()(reproduce.reproduce)
app.command()(run.run)
app.command()(tune.tune)
app.command()(compare.compare)
app.command()(report.report)
app.command()(export.export)
app.add_typer(data.app, name="data")
app.command()(predict.predict)
app.command()(serve.serve)
app.command()(info.info)


def show_version(asked: bool) -> None:
    """Print the version and end."""
    if asked:
        typer.echo(f"mlplab {__version__}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=show_version, is_eager=True),
    ] = False,
) -> None:
    """Train Keras multilayer perceptrons many times and see what comes out."""


def interrupt_again(ignored: sys.UnraisableHookArgs) -> None:
    """Repeat a Ctrl-C that came while a finalizer ran, where Python can only ignore it."""
    if issubclass(ignored.exc_type, KeyboardInterrupt):
        threading.Timer(0.01, _thread.interrupt_main).start()
    else:
        sys.__unraisablehook__(ignored)


def main() -> None:
    """Run the program."""
    sys.unraisablehook = interrupt_again
    app()


if __name__ == "__main__":
    main()
