"""``mlplab report`` on real study files."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

import mlplab
from mlplab import CompareError, Dataset, Recipe, Study, StudyError, UsageError
from mlplab.cli.report import report
from tests.report.test_page import text_of

app = typer.Typer()
app.command()(report)


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def copied_study(lone_file: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(lone_file, tmp_path / "mine.study"))


def test_page_goes_beside_the_study_and_its_path_to_stdout(copied_study: Path) -> None:
    result = call(copied_study)
    page = copied_study.with_name("mine-report") / "report.html"
    assert (result.exit_code, result.stdout) == (0, f"{page}\n")
    assert result.stderr == "Writing the report ...\n"
    assert (page.parent / "figures" / "small-misread.png").exists()  # so the dataset was loaded


@pytest.fixture
def two_networks(study_file: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(study_file, tmp_path / "two.study"))


def test_the_report_asks_what_it_is_told_to(two_networks: Path, tmp_path: Path) -> None:
    asked = ("--claim", "recipes-this-test", "--margin", 2.5, "--level", 0.8)
    assert call(two_networks, *asked, "--out", tmp_path / "asked").exit_code == 0
    with Study(two_networks) as study:
        found = study.compare("recipes-this-test", margin=2.5, level=0.8)
    text = text_of(tmp_path / "asked" / "report.html")
    section = text[text.rindex("Which differences are real") :]
    assert section.startswith(f"Which differences are real {found.question}")
    assert "The interval holds in 80% of experiments. Differences below 2.5 points" in section
    assert found.pairs[0].sentence() in section

    assert call(two_networks, "--metric", "loss", "--out", tmp_path / "loss").exit_code == 0
    with Study(two_networks) as study:
        losses = study.compare(metric="loss")
    shown = text_of(tmp_path / "loss" / "report.html")
    assert losses.pairs[0].sentence() in shown


def test_one_model_of_each_can_be_asked_about_where_there_are_more(
    two_networks: Path, tmp_path: Path
) -> None:
    assert call(two_networks, "--claim", "models", "--out", tmp_path / "models").exit_code == 0
    text = text_of(tmp_path / "models" / "report.html")
    assert "Claim models: which of these trained models is right more often" in text
    assert "Of each recipe, the model of seed 0." in text
    assert "With one run of a network" not in text


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (("--claim", "recipes"), "comparing takes at least two recipes, got only 'small'"),
        (("--claim", "recipe"), "did you mean 'recipes'?"),
    ],
)
def test_a_claim_that_the_runs_cannot_carry_is_refused(
    copied_study: Path, asked: tuple[str, ...], problem: str
) -> None:
    refused = call(copied_study, *asked)
    assert isinstance(refused.exception, CompareError)
    assert problem in str(refused.exception)
    assert not copied_study.with_name("mine-report").exists()


def test_out_names_the_folder_and_force_overwrites(copied_study: Path, tmp_path: Path) -> None:
    out = tmp_path / "elsewhere"
    out.mkdir()
    (out / "report.html").write_text("mine")
    refused = call(copied_study, "--out", out)
    assert isinstance(refused.exception, UsageError)
    assert (out / "report.html").read_text() == "mine"
    assert call(copied_study, "--out", out, "--force").exit_code == 0
    assert (out / "report.html").read_text() != "mine"


def test_dataset_that_is_no_longer_the_same_is_left_out(copied_study: Path) -> None:
    with closing(sqlite3.connect(copied_study)) as connection, connection:
        connection.execute(
            "UPDATE study SET dataset = json_set(dataset, '$.fingerprint', ?)", ("0" * 64,)
        )
    result = call(copied_study)
    assert result.exit_code == 0
    assert "note: pictures of examples are left out: digits is not what" in result.stderr
    assert not list(copied_study.parent.rglob("*misread.png"))


def test_dataset_that_cannot_be_loaded_is_left_out(copied_study: Path) -> None:
    with closing(sqlite3.connect(copied_study)) as connection, connection:
        connection.execute("UPDATE study SET dataset = json_set(dataset, '$.source', 'gone.npz')")
    result = call(copied_study)
    assert result.exit_code == 0
    assert "note: pictures of examples are left out: " in result.stderr
    assert "gone.npz" in result.stderr


def test_dataset_made_in_memory_is_left_out(digits: Dataset, small: Recipe, tmp_path: Path) -> None:
    made = Dataset("made", digits.train, digits.test, digits.class_names)
    path = tmp_path / "made.study"
    mlplab.run(small.replace(epochs=1), made, 1, path=path).close()
    result = call(path)
    assert (
        "note: pictures of examples are left out: the dataset was made in memory" in result.stderr
    )


def test_what_is_no_study_is_an_error(tmp_path: Path) -> None:
    result = call(tmp_path / "none.study")
    assert isinstance(result.exception, StudyError)
    assert "found nothing at" in str(result.exception)
