"""Help, versions, errors and exit codes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

import mlplab
from mlplab.extras import EXTRAS

from .conftest import EXAMPLES, Program


def test_help_names_every_command(mlplab_: Program) -> None:
    text = mlplab_("--help").stdout
    for command in ("reproduce", "run", "report", "data", "predict", "info"):
        assert command in text
    assert "130 interrupted" in text
    assert (
        mlplab_(code=2).stdout.strip() == text.strip()
    )  # no command at all: the help, and wrong usage


def test_help_waits_for_no_heavy_package() -> None:
    program = "import sys, mlplab.cli.main; print(*sys.modules)"
    command = [sys.executable, "-c", program]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert not {"keras", "jax", "pandas", "matplotlib"} & set(loaded)


def test_version(mlplab_: Program) -> None:
    assert mlplab_("--version").stdout == f"mlplab {mlplab.__version__}\n"


def test_info(mlplab_: Program, mlplab_home: Path) -> None:
    facts = json.loads(mlplab_("info", "--json").stdout)
    assert facts["versions"]["mlplab"] == mlplab.__version__
    assert facts["backend"] == "jax"
    assert facts["cache"] == str(mlplab_home)
    assert "keras" in facts["engines"]
    assert facts["extras"]["ray"] == version("ray")
    text = mlplab_("info").stdout
    assert f"tune ({version('optuna')})" in " ".join(text.split())
    assert str(mlplab_home) in text.replace("\n", "")


def test_extras_are_those_of_the_package() -> None:
    project = tomllib.loads((EXAMPLES.parent / "pyproject.toml").read_text())["project"]
    declared = project["optional-dependencies"]
    ours = {name: found for name, found in declared.items() if name in EXTRAS}
    assert set(declared) - set(ours) == {"backends", "bench", "dev", "docs"}
    for name, package in EXTRAS.items():
        assert any(re.match(rf"{package}\W", one) for one in ours[name])


def test_schema_is_json_schema(mlplab_: Program) -> None:
    import jsonschema

    schema = json.loads(mlplab_("run", "--schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["data", "info", "mnits"], "did you mean 'mnist'?"),
        (["reproduce", "relu2"], "got 'relu2'; did you mean 'relu-2'?"),
        (["reproduce", "--seeds", "0"], "expected a number of seeds above 0"),
        (["reproduce", "--epochs", "-1"], "epochs"),
        (["run", "missing.toml"], "missing.toml"),
        (["run"], "expected a study spec"),
        (["run", EXAMPLES / "digits.toml", "--engine", "turbo"], "expected an engine out of"),
        (["run", EXAMPLES / "digits.toml", "--keep", "all"], 'expected keep="models" or None'),
        (["report", "missing.study"], "expected a study file, found nothing at missing.study"),
        (["predict", "missing.keras", "digit.png"], "missing.keras"),
        (["runn"], "No such command"),
    ],
)
def test_wrong_usage_is_one_short_message(
    mlplab_: Program, tmp_path: Path, arguments: list[str], message: str
) -> None:
    result = mlplab_(*arguments, code=2)
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert not list(tmp_path.iterdir())


def test_debug_shows_the_traceback(mlplab_: Program) -> None:
    result = mlplab_("--debug", "report", "missing.study", code=1)
    assert "Traceback" in result.stderr
    assert "StudyError: expected a study file" in result.stderr


def test_a_file_that_is_no_study_is_left_alone(mlplab_: Program, tmp_path: Path) -> None:
    precious = tmp_path / "digits.study"
    precious.write_text("my thesis")
    result = mlplab_("run", EXAMPLES / "digits.toml", code=2)
    expected = "expected a study file (an SQLite database), got something else: digits.study"
    assert expected in result.stderr
    assert precious.read_text() == "my thesis"


def test_a_reader_that_goes_away_is_no_crash(tmp_path: Path) -> None:
    command = f"{sys.executable} -m mlplab.cli.main run --schema | head -1"
    shell = ["bash", "-c", command]
    result = subprocess.run(shell, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.stdout == "{\n"
    assert "Traceback" not in result.stderr
