"""``mlplab reproduce``: the notebook's four networks on MNIST, many seeds, and a report."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlplab.cli.options import (
    Csv,
    Engine,
    Epochs,
    Json,
    Jsonl,
    Mlflow,
    On,
    Quiet,
    TensorBoard,
    Verbose,
    tracked,
)
from mlplab.errors import UsageError

if TYPE_CHECKING:
    from mlplab.compare import Comparison
    from mlplab.study import Study


def reproduce(
    recipes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RECIPE",
            help="Some of the four networks. [default: all]",
            show_default=False,
        ),
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", help="Number of runs of each network.")] = 3,
    epochs: Epochs = None,
    out: Annotated[
        Path, typer.Option("--out", help="Folder for the study, models and report.")
    ] = Path("reproduce"),
    engine: Engine = "auto",
    on: On = None,
    ask: Annotated[
        str | None,
        typer.Option(
            "--ask",
            help="init: whether the notebook's slip in its initial deviations matters, by two more "
            "networks, relu-2-fan-in and bn-dropout-3-fan-in.",
            show_default=False,
        ),
    ] = None,
    mlflow: Mlflow = None,
    tensorboard: TensorBoard = None,
    csv: Csv = None,
    jsonl: Jsonl = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    force: Annotated[
        bool, typer.Option("--force", help="Write the report over files that are not its own.")
    ] = False,
) -> None:
    """Train the notebook's networks (softmax, relu-2, bn-dropout-3, bn-dropout-5) on MNIST.

    As in the notebook: 20 epochs, batches of 156, and the test set watched as validation data.
    Unlike it, each network is trained under several seeds. It ends with the verdicts: which
    differences are real. The folder then holds the study file, the trained models, and a report.
    The same command again runs only what is missing.
    """
    from mlplab.cli.training import (
        check_some_done,
        command_line,
        override,
        print_results,
        train_into,
    )
    from mlplab.data import load
    from mlplab.recipes import choose_notebook_recipes, fan_in_recipes
    from mlplab.report import write_report
    from mlplab.report.answers import answers
    from mlplab.report.folder import written
    from mlplab.report.text import data_facts, network_facts
    from mlplab.study.runs import check_seeds

    check_seeds(seeds)
    if ask not in (None, "init"):
        raise UsageError(f"expected --ask init, got {ask!r}")
    networks = choose_notebook_recipes(recipes or [])
    chosen = override(networks + (fan_in_recipes(recipes or []) if ask else []), epochs=epochs)
    places = {"mlflow": mlflow, "tensorboard": tensorboard, "csv": csv, "jsonl": jsonl}
    tracking = tracked({}, quiet, **places)
    dataset = load("mnist", progress=not quiet)
    with tracking:
        study, _ = train_into(
            out / "reproduce.study",
            chosen,
            dataset,
            seeds,
            quiet=quiet,
            verbose=verbose,
            validation="test",
            keep="models",
            engine=engine,
            on=on,
            track=tracking,
        )
        with study:
            found = verdicts(study)
            told = {question: a for one in found for question, a in answers(one).items()}
            about = "" if quiet else data_facts(dataset) + "\n" + network_facts(study)
            print_results(study, json, found, about, answers=told)
            check_some_done(study)
            if not json:
                print_answers(told)
            if not quiet:
                typer.echo("\nWriting the report ...", err=True)
            page = write_report(
                study,
                out,
                dataset=dataset,
                comparison=found[0] if found else None,
                further=found[1:],
                command=command_line(),
                force=force,
            )
            tracking.report(written(out))
            shown = suggested(study)
    typer.echo(f"\nReport: {page}", err=json)
    typer.echo(f"Next: {shown}", err=json)


# In this order, whatever the scores: a network chosen by them would look better than it is.
_SHOWN = ("bn-dropout-3", "bn-dropout-5", "relu-2", "softmax")


def suggested(study: Study) -> str:
    """Return the command that makes a page of a network of a study, to be drawn on."""
    recipe = next(name for name in _SHOWN if study.kept.seeds(name))
    return shlex.join(["mlplab", "export", f"{study.path}:{recipe}", "--to", "html"])


def verdicts(study: Study) -> list[Comparison]:
    """Return the comparisons that the report shows; say what the runs cannot carry."""
    from mlplab.report.answers import families
    from mlplab.report.compared import Compared

    if len(study.recipes) < 2:
        return []
    found = families(Compared(study))
    first = found[0] if found else None
    for limit in Compared(study, given_comparison=first, further=found[1:]).limits:
        typer.echo(f"note: {limit}", err=True)
    return found


def print_answers(answers: dict[str, str]) -> None:
    """Print the notebook's questions with their answers."""
    from mlplab.plain_text import wrapped

    for question, answer in answers.items():
        typer.echo("\n".join(["", *wrapped(question), *wrapped(answer, "  ")]))
