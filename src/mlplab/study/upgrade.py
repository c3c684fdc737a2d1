"""Older study files, brought to the tables of today."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from mlplab.study.schema import SCHEMA_VERSION, TABLES

_COLUMNS_1 = (
    "id, recipe_id, seed, status, engine, environment_id, started, seconds, test_loss, "
    "test_accuracy, outcome, probabilities, model_file"
)


def upgrade(connection: sqlite3.Connection) -> None:
    """Bring a file of version 1 to version 2, in one transaction.

    Version 2 has the table ``look``, ``run.vary`` and ``recipe.operations``. All runs of version 1
    varied everything; operations are filled in when a recipe is run again; looks at the test set
    that were made before were not counted. SQLite cannot change a UNIQUE of a table, so ``run`` is
    made anew.

    Args:
        connection: open for writing, in autocommit mode.
    """
    connection.execute("PRAGMA foreign_keys = OFF")  # else dropping ``run`` takes the epochs along
    connection.execute("BEGIN IMMEDIATE")
    try:
        if connection.execute("PRAGMA user_version").fetchone()[0] == 1:  # no one was faster
            _from_1_to_2(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _from_1_to_2(connection: sqlite3.Connection) -> None:
    statements = {name: text for text in TABLES.split(";\n") for name in _named(text)}
    run = statements["run"].replace("CREATE TABLE run ", "CREATE TABLE run_2 ", 1)
    connection.execute("ALTER TABLE recipe ADD COLUMN operations INTEGER")
    connection.execute(run)
    connection.execute(f"INSERT INTO run_2 ({_COLUMNS_1}) SELECT {_COLUMNS_1} FROM run")  # noqa: S608
    connection.execute("DROP TABLE run")
    connection.execute("ALTER TABLE run_2 RENAME TO run")
    connection.execute(statements["look"])
    with closing(connection.execute("PRAGMA foreign_key_check")) as broken:
        if broken.fetchone() is not None:
            raise sqlite3.DatabaseError("epochs without their run")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _named(statement: str) -> list[str]:
    """Return the name of the table that a statement makes, if it makes one."""
    words = statement.split(maxsplit=3)
    return words[2:3] if words[:2] == ["CREATE", "TABLE"] else []
