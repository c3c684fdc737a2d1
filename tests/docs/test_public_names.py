"""The public names are exactly those we mean, and each says what it is."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

import mlplab
from tests.docs.pages import ROOT

ERRORS = {
    *(
        "AllDivergedError",
        "CompareError",
        "DataError",
        "EngineError",
        "FailedError",
        "FetchError",
        "MlplabError",
        "ModelError",
    ),
    *("ParityError", "RecipeError", "StorageError", "StudyError", "UsageError"),
}
MEANT = {
    *(
        "Dataset",
        "Recipe",
        "Split",
        "Study",
        "evaluate",
        "fit",
        "fit_many",
        "load",
        "notebook_recipes",
    ),
    *(
        "Comparison",
        "compare_scores",
        "convert",
        "predict",
        "read_scores",
        "run",
        "run_until_decided",
    ),
    "tune",
}
ROOMS = ("data", "recipes", "engine", "study", "compare", "tuning", "report", "trackers")
HEAVY = {"jax", "keras", "matplotlib", "optuna", "pandas", "scipy", "seaborn", "sklearn"}


def room(name: str) -> ModuleType:
    return importlib.import_module(f"mlplab.{name}")


ROOM_NAMES = [(name, public) for name in ROOMS for public in room(name).__all__]


def test_the_package_exports_what_we_mean():
    assert set(mlplab.__all__) == MEANT | ERRORS | {"__version__"}
    assert dir(mlplab) == sorted(mlplab.__all__)


@pytest.mark.parametrize("name", sorted(MEANT))
def test_names_for_users_show_an_example_that_runs(name: str):
    docstring = inspect.getdoc(getattr(mlplab, name)) or ""
    assert "Examples:\n" in docstring
    assert ">>> " in docstring


@pytest.mark.parametrize("unwanted", ["doctest: +SKIP", " Example:\n"])
def test_examples_run_and_have_the_heading_that_the_reference_knows(unwanted: str):
    sources = (ROOT / "src/mlplab").rglob("*.py")
    assert [source.name for source in sources if unwanted in source.read_text()] == []


@pytest.mark.parametrize("name", sorted(MEANT | ERRORS))
def test_names_of_the_package_live_where_they_say(name: str):
    value = getattr(mlplab, name)
    home = room(mlplab._HOMES[name].removeprefix("mlplab."))
    assert getattr(home, name) is value


@pytest.mark.parametrize(
    ("name", "public"), ROOM_NAMES, ids=[".".join(pair) for pair in ROOM_NAMES]
)
def test_names_of_rooms_exist_and_say_what_they_are(name: str, public: str):
    value: Any = getattr(room(name), public)
    if inspect.isclass(value) or inspect.isfunction(value):
        assert value.__doc__


@pytest.mark.parametrize("name", ROOMS)
def test_rooms_list_their_names_once(name: str):
    names = room(name).__all__
    assert len(set(names)) == len(names)


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="module 'mlplab' has no attribute 'compare_all'"):
        _ = mlplab.compare_all  # type: ignore[attr-defined]


def test_import_and_help_load_nothing_heavy():
    script = (
        "import sys, mlplab\n"
        "from mlplab.cli.main import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "reproduce" in done.stdout
    assert HEAVY & set(done.stderr.split()) == set()
