"""The study file: SQLite statements, and what can go wrong with a file. No training in here."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlplab.errors import StorageError, StudyError
from mlplab.study.schema import APPLICATION_ID, SCHEMA_VERSION, TABLES
from mlplab.study.upgrade import upgrade

Row = sqlite3.Row

_HEADER = b"SQLite format 3\0"
_NO_SPACE = ("database or disk is full", "disk I/O error")
_NO_ACCESS = ("attempt to write a readonly database", "unable to open database file")


def now() -> str:
    """Return the time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class StudyFile:
    """A study file that is open.

    Args:
        path: the file; it must exist (see ``create``).
        writable: whether runs will be added. Reading works in a folder that cannot be written.

    Raises:
        StudyError: the file is missing, is no study, is damaged, or has another version.
    """

    def __init__(self, path: Path, *, writable: bool = False) -> None:
        self.path, self.writable = path, writable
        check_header(path)
        with storage_errors(path):
            self.connection = connect(path, writable=writable)
        try:
            if self.check_content() < SCHEMA_VERSION:
                bring_up_to_date(path)
            if writable:
                self.connection.execute("PRAGMA journal_mode = WAL")
        except BaseException:
            self.connection.close()
            raise

    @classmethod
    def create(
        cls, path: Path, dataset: dict[str, Any], validation: Any, labels: bytes
    ) -> StudyFile:
        """Make a new study file and open it for writing.

        The tables and the one row of ``study`` are written in one transaction; a file that a killed
        process left without them is completed.
        """
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path, isolation_level=None)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("BEGIN IMMEDIATE")
                for statement in TABLES.split(";\n"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
                connection.execute(
                    "INSERT INTO study VALUES (?, ?, ?, ?, ?)",
                    (uuid.uuid4().hex, now(), json.dumps(dataset), json.dumps(validation), labels),
                )
                connection.execute("COMMIT")
            finally:
                connection.close()
        return cls(path, writable=True)

    def check_content(self) -> int:
        """Return its version; raise StudyError unless it is a whole study that can be read."""
        problem = ""
        try:
            identity = self.connection.execute("PRAGMA application_id").fetchone()[0]
            version = self.connection.execute("PRAGMA user_version").fetchone()[0]
            checked = self.connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.DatabaseError as error:
            raise StudyError(damaged(self.path, str(error))) from error
        if identity != APPLICATION_ID:
            problem = f"expected a study file, got an SQLite database of another kind: {self.path}"
        elif not 1 <= version <= SCHEMA_VERSION:
            problem = (
                f"expected a study file of version {SCHEMA_VERSION}, got version {version}: "
                f"{self.path}; use the mlplab that wrote it, or start a new file"
            )
        elif checked != "ok":
            problem = damaged(self.path, checked)
        if problem:
            raise StudyError(problem)
        return int(version)

    def close(self) -> None:
        """Close the file; the last writer leaves it as one file, without a log beside it."""
        try:
            if self.writable and not self.connection.in_transaction:
                # refused while someone reads it: the log stays, and is read with it
                with suppress(sqlite3.OperationalError):
                    self.connection.execute("PRAGMA journal_mode = DELETE")
        finally:
            self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of a block's statements, or none of them."""
        with storage_errors(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise

    def rows(self, statement: str, *values: Any) -> list[Row]:
        """Return the rows of a query."""
        with storage_errors(self.path):
            return self.connection.execute(statement, values).fetchall()

    def insert(self, connection: sqlite3.Connection, table: str, **values: Any) -> int:
        """Insert one row inside a transaction and return its id."""
        marks = ", ".join("?" * len(values))
        statement = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})"  # noqa: S608
        return connection.execute(statement, tuple(values.values())).lastrowid or 0


def bring_up_to_date(path: Path) -> None:
    """Rewrite the tables of an older study file.

    Raises:
        StorageError: the file cannot be written.
    """
    try:
        with storage_errors(path), closing(connect(path, writable=True)) as connection:
            upgrade(connection)
    except StorageError as error:
        raise StorageError(
            f"expected a study file of version {SCHEMA_VERSION}, got an older one that cannot be "
            f"brought up to date: {path} ({error.__cause__}); copy it to a folder that can be "
            "written, and open the copy"
        ) from error


def is_unfinished(path: Path) -> bool:
    """Say whether a file is one that ``StudyFile.create`` began and a crash interrupted.

    Such a file holds no table yet; it is empty, or an SQLite header and nothing else.
    """
    if path.stat().st_size == 0:
        return True
    with path.open("rb") as stream:
        if stream.read(len(_HEADER)) != _HEADER:
            return False
    with storage_errors(path):
        connection = sqlite3.connect(path)
        try:
            n_tables: int = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            return n_tables == 0
        finally:
            connection.close()


def check_header(path: Path) -> None:
    """Raise StudyError unless the path is a file that begins as an SQLite database does."""
    if not path.exists():
        raise StudyError(f"expected a study file, found nothing at {path}")
    if path.is_dir():
        raise StudyError(f"expected a study file, got a folder: {path}")
    try:
        with path.open("rb") as stream:
            begins = stream.read(len(_HEADER))
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}") from error
    if begins != _HEADER:
        raise StudyError(
            f"expected a study file (an SQLite database), got something else: {path}; "
            f"choose another path, or move that file away"
        )


def connect(path: Path, *, writable: bool) -> sqlite3.Connection:
    """Open an existing database; for reading also where no file can be made beside it."""
    mode = "rw" if writable else "ro"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None
    )
    try:
        connection.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.OperationalError:
        connection.close()
        if writable or path.with_name(path.name + "-wal").exists():
            raise
        uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def damaged(path: Path, detail: str) -> str:
    """Return the message for a file that is a study no longer."""
    return (
        f"expected a whole study file, got a damaged or truncated one: {path} ({detail}); "
        f"take a copy of it from elsewhere, or start a new file"
    )


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Raise what SQLite and the system say of a disk as StorageError, of a file as StudyError."""
    try:
        yield
    except sqlite3.IntegrityError:  # a statement of ours that contradicts the tables, not the file
        raise
    except sqlite3.DatabaseError as error:
        text = str(error)
        if text in _NO_SPACE:
            raise StorageError(
                f"cannot write {path}: the disk is full or failing ({text}); "
                "the runs already in it are safe, the same command goes on once there is room"
            ) from error
        if text in _NO_ACCESS:
            raise StorageError(
                f"cannot write {path}: the file or its folder is read-only or cannot be reached "
                f"({text}); choose another place"
            ) from error
        if "locked" in text:
            raise StorageError(f"cannot write {path}: another program holds it ({text})") from error
        raise StudyError(damaged(path, text)) from error
    except OSError as error:
        raise StorageError(
            f"cannot write {path}: {error.strerror or error}; choose another place"
        ) from error
