"""Older study files, brought to the tables of today."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from mlplab.study.schema import SCHEMA_VERSION, TABLES

_COLUMNS_1 = (
    "id, recipe_id, seed, status, engine, environment_id, started, seconds, test_loss, "
    "test_accuracy, outcome, probabilities, model_file"
)
_LOOK_2 = "CREATE TABLE look (time TEXT NOT NULL, command TEXT NOT NULL, seen TEXT NOT NULL)"


def upgrade(connection: sqlite3.Connection) -> None:
    """Bring a file of an older version to today's, step by step, in one transaction.

    Args:
        connection: open for writing, in autocommit mode.
    """
    connection.execute("PRAGMA foreign_keys = OFF")  # else dropping ``run`` takes the epochs along
    connection.execute("BEGIN IMMEDIATE")
    try:
        # asked anew: another process may have been faster
        there = connection.execute("PRAGMA user_version").fetchone()[0]
        for version in range(there, SCHEMA_VERSION):
            STEPS[version](connection)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _from_1_to_2(connection: sqlite3.Connection) -> None:
    """Add the table ``look``, ``run.vary`` and ``recipe.operations``.

    All runs of version 1 varied everything; operations are filled in when a recipe is run again;
    looks at the test set that were made before were not counted. SQLite cannot change a UNIQUE of a
    table, so ``run`` is made anew.
    """
    run = next(text for text in TABLES.split(";\n") if "CREATE TABLE run " in text)
    connection.execute("ALTER TABLE recipe ADD COLUMN operations INTEGER")
    connection.execute(run.replace("CREATE TABLE run ", "CREATE TABLE run_2 ", 1))
    connection.execute(f"INSERT INTO run_2 ({_COLUMNS_1}) SELECT {_COLUMNS_1} FROM run")  # noqa: S608
    connection.execute("DROP TABLE run")
    connection.execute("ALTER TABLE run_2 RENAME TO run")
    connection.execute(_LOOK_2)
    with closing(connection.execute("PRAGMA foreign_key_check")) as broken:
        if broken.fetchone() is not None:
            raise sqlite3.DatabaseError("epochs without their run")


def _from_2_to_3(connection: sqlite3.Connection) -> None:
    """Add ``look.planned``, which version 2 said in the words of ``seen`` alone."""
    connection.execute("ALTER TABLE look ADD COLUMN planned INTEGER NOT NULL DEFAULT 0")
    connection.execute(
        "UPDATE look SET planned = 1 WHERE seen LIKE 'comparison: %, look % planned, at % seeds'"
    )


STEPS = {1: _from_1_to_2, 2: _from_2_to_3}
"""By version, what brings a file to the next."""
