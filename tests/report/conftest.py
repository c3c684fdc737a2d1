"""Real small studies to report on, and a real browser to read the reports with."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

import mlplab
from mlplab import Dataset, Recipe, Study
from mlplab.report import write_report

HOSTILE = '<script>document.title = "broken"</script>'


@pytest.fixture(scope="session")
def study_file(digits: Dataset, small: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two networks, three seeds, kept models, the test set as validation."""
    path = tmp_path_factory.mktemp("study") / "digits.study"
    recipes = [small, small.replace(name="longer", epochs=4)]
    mlplab.run(recipes, digits, 3, path=path, validation="test", keep="models").close()
    return path


@pytest.fixture(scope="session")
def lone_file(digits: Dataset, small: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run, no kept model, examples held out for validation."""
    path = tmp_path_factory.mktemp("lone") / "lone.study"
    mlplab.run(small, digits, 1, path=path, validation=200).close()
    return path


@pytest.fixture(scope="session")
def diverged_file(digits: Dataset, small: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One network that learns, and one that diverges under every seed."""
    path = tmp_path_factory.mktemp("diverged") / "diverged.study"
    wild = small.replace(
        name="wild", optimizer={"class": "SGD", "learning_rate": 1e30}, epochs=3, loss="mse"
    )
    mlplab.run([small, wild], digits, 2, path=path).close()
    return path


@pytest.fixture(scope="session")
def hostile_file(
    digits: Dataset, small: Recipe, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Dataset]:
    """A study whose recipe and classes have names that are HTML and mathematics."""
    path = tmp_path_factory.mktemp("hostile") / "hostile.study"
    names = (HOSTILE, r"$\frac", "a & b", *digits.class_names[3:])
    dataset = replace(digits, name=HOSTILE, class_names=names)
    mlplab.run(small, dataset, 2, path=path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE recipe SET label = ?, name = ?", (HOSTILE, HOSTILE))
    return path, dataset


@pytest.fixture
def study(study_file: Path) -> Iterator[Study]:
    with Study(study_file) as study:
        yield study


@pytest.fixture(scope="session")
def report_folder(
    study_file: Path, digits: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The report of ``study_file``, with everything in it."""
    folder = tmp_path_factory.mktemp("report")
    with Study(study_file) as study:
        write_report(study, folder, dataset=digits, command="mlplab run digits.toml")
    return folder


@pytest.fixture
def copied_report(report_folder: Path, tmp_path: Path) -> Path:
    """A copy of that report, to write over."""
    return Path(shutil.copytree(report_folder, tmp_path / "report"))
