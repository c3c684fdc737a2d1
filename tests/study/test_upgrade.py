"""Study files of older versions, written by the tables of their time, are brought to today's."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import mlplab
from mlplab import Dataset, Recipe, StorageError, Study
from mlplab.study.schema import APPLICATION_ID, SCHEMA_VERSION

from .strangers import read_only

HERE = Path(__file__).parent


def tables_of(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table that version 1 has, without the columns that came later."""
    with closing(sqlite3.connect(path)) as database:
        columns = {
            name: [row[1] for row in database.execute(f"PRAGMA table_info({name})")]
            for name in ("study", "recipe", "environment", "run", "epoch")
        }
        return {
            name: database.execute(
                f"SELECT {', '.join(c for c in known if c not in ('vary', 'operations'))} "  # noqa: S608
                f"FROM {name}"
            ).fetchall()
            for name, known in columns.items()
        }


def older(path: Path, version: int, tables: dict[str, list[tuple[object, ...]]]) -> Path:
    """Write a file as an older mlplab would."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript((HERE / f"version_{version}.sql").read_text())
        for name, rows in tables.items():
            marks = ", ".join("?" * len(rows[0]))
            database.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)  # noqa: S608
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {version}")
        database.commit()
    return path


@pytest.fixture
def now(tmp_path: Path, digits: Dataset, small: Recipe) -> Path:
    """A file of today with two real runs."""
    mlplab.run(small, digits, 2, path=tmp_path / "now.study").close()
    return tmp_path / "now.study"


@pytest.fixture
def old(now: Path) -> Path:
    """The same as a file of version 1."""
    return older(now.with_name("old.study"), 1, tables_of(now))


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as database:
        return int(database.execute("PRAGMA user_version").fetchone()[0])


def test_a_reader_brings_it_up_and_loses_nothing(old: Path, now: Path) -> None:
    before = tables_of(old)
    assert version(old) == 1
    with Study(old) as study, Study(now) as today:
        assert study.frame().equals(today.frame())
        assert study.history().equals(today.history())
        assert (study.outcomes("small") == today.outcomes("small")).all()
        assert study.variation()["vary"].tolist() == ["all"]
        assert study.recipe("small").operations is None
        assert study.looks()["seen"].tolist()[0] == "test scores"
    assert version(old) == SCHEMA_VERSION
    assert tables_of(old) == before


def shape(path: Path) -> dict[str, set[tuple[object, ...]]]:
    """Return the columns, foreign keys and indices of every table."""
    with closing(sqlite3.connect(path)) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master")]
        return {
            name: {row[1:] for row in database.execute(f"PRAGMA table_info({name})")}
            | {row[2:] for row in database.execute(f"PRAGMA foreign_key_list({name})")}
            | {
                tuple(r[2] for r in database.execute(f"PRAGMA index_info({row[1]})"))
                for row in database.execute(f"PRAGMA index_list({name})")
            }
            for name in names
            if not name.startswith("sqlite_")
        }


def test_the_tables_are_those_of_a_new_file(old: Path, now: Path) -> None:
    Study(old).close()
    assert shape(old) == shape(now)


def test_version_2_said_in_words_which_looks_were_planned(now: Path) -> None:
    seen = {
        "test scores": False,
        "comparison: recipes, accuracy": False,
        "comparison: recipes, accuracy, look 1 of 2 planned, at 3 seeds": True,
        "comparison: recipes-this-test, loss, look 2 of 2 planned, at 5 seeds": True,
    }
    with closing(sqlite3.connect(now)) as database:
        run = database.execute("SELECT * FROM run").fetchall()
        recipe = database.execute("SELECT * FROM recipe").fetchall()
    looks = [("2026-01-01T00:00:00+00:00", "mlplab run a.toml --seeds auto", what) for what in seen]
    tables = tables_of(now) | {"run": run, "recipe": recipe, "look": looks}
    path = older(now.with_name("two.study"), 2, tables)
    with Study(path) as study:
        found = study.looks()
    assert dict(zip(found["seen"], found["planned"], strict=True)) == seen
    assert version(path) == SCHEMA_VERSION
    assert shape(path) == shape(now)


def test_a_writer_goes_on_in_it(old: Path, digits: Dataset, small: Recipe) -> None:
    started = tables_of(old)["run"]
    with mlplab.run(small, digits, 3, path=old) as study:
        assert study.seeds("small") == [0, 1, 2]
        assert study.recipe("small").operations == 64 * 16 + 16 * 10
    assert tables_of(old)["run"][:2] == started
    mlplab.run(small, digits, 2, path=old, vary="init").close()
    with closing(sqlite3.connect(old)) as database:  # epochs still go with their run
        database.execute("PRAGMA foreign_keys = ON")
        database.execute("DELETE FROM run")
        assert database.execute("SELECT count(*) FROM epoch").fetchone() == (0,)


def test_a_file_that_cannot_be_written_says_what_to_do(old: Path) -> None:
    before = old.read_bytes()
    with read_only(old) as copy:
        with pytest.raises(StorageError) as caught:
            Study(copy)
        assert copy.read_bytes() == before
    assert str(caught.value).startswith(
        "expected a study file of version 3, got an older one that cannot be brought up to date: "
    )
    assert str(caught.value).endswith("copy it to a folder that can be written, and open the copy")


def test_a_broken_file_stays_as_it_is(old: Path) -> None:
    with closing(sqlite3.connect(old)) as database:
        database.execute("PRAGMA foreign_keys = OFF")
        database.execute("DELETE FROM run WHERE seed = 1")
        database.commit()
    before = old.read_bytes()
    with pytest.raises(mlplab.StudyError, match="epochs without their run"):
        Study(old)
    assert old.read_bytes() == before
