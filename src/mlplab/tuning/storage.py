"""Optuna's storages by their URLs, and what can go wrong with them."""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from filelock import FileLock

from mlplab.errors import StorageError, UsageError
from mlplab.extras import needed
from mlplab.urls import without_password

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

PATIENCE = 60.0
"""Seconds to wait for another process that writes to the same file."""

ANSWER_WITHIN = 10
"""Seconds within which a server must answer."""

_SCHEMES = ("sqlite", "journal", "grpc", "postgresql", "mysql")
_WITH_TIMEOUT = (
    "postgresql",
    "postgresql+psycopg2",
    "postgresql+psycopg",
    "mysql",
    "mysql+pymysql",
)
"""Databases whose drivers take ``connect_timeout``; others are asked as long as they like."""

_SQLITE = b"SQLite format 3\0"
_OF_STORAGE = {"sqlalchemy", "grpc", "filelock"}


@dataclass(frozen=True)
class Store:
    """A storage that is open.

    Attributes:
        url: how it was named, but for a password.
        storage: what Optuna makes of it.
        file: the file it is kept in, or None where a server keeps it.
    """

    url: str
    storage: BaseStorage
    file: Path | None

    @cached_property
    def lock(self) -> AbstractContextManager[object]:
        """The lock under which processes that share a file take turns; it may be taken twice.

        A server has none; there a race may cost one trial more than was asked for.
        """
        return nullcontext() if self.file is None else lock_of(self.file)

    def close(self) -> None:
        """Close the connections to it."""
        from optuna.storages import RDBStorage

        if isinstance(self.storage, RDBStorage):
            self.storage.remove_session()
            self.storage.engine.dispose()
        elif close := getattr(self.storage, "close", None):  # of a server; the oldest have none
            close()


def lock_of(file: Path) -> FileLock:
    """Return the lock beside a file.

    It stays there: to remove it would let two processes hold two locks of one name.
    """
    return FileLock(file.with_name(f".{file.name}.lock"), timeout=PATIENCE)


def sqlite_url(path: Path) -> str:
    """Return the URL of an SQLite file.

    Examples:
        >>> sqlite_url(Path("net.tune.db"))
        'sqlite:///net.tune.db'
    """
    return f"sqlite:///{path}"


def open_store(url: str) -> Store:
    """Open the storage that a URL names, making its file where there is none.

    Args:
        url: of an SQLite file (``sqlite:///net.tune.db``), a journal (``journal:///net.log``), a
            server of Optuna's (``grpc://127.0.0.1:13000``), or a database that SQLAlchemy knows.

    Raises:
        UsageError: no such storage, a file of another kind, a server that does not answer.
    """
    scheme, _, rest = url.partition("://")
    kind = scheme.partition("+")[0]
    if not rest or kind not in _SCHEMES:
        known = ", ".join(f"{name}://" for name in _SCHEMES)
        raise UsageError(
            "expected an Optuna storage URL that begins with one of "
            f"{known}, got {without_password(url)!r}; "
            "an SQLite file is sqlite:///NAME.db"
        )
    with needed("tune"), opening(url), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what Optuna calls experimental
        shown = without_password(url)
        if kind == "grpc":
            return Store(shown, _proxy(url), None)
        if kind not in ("sqlite", "journal"):
            limit = {"connect_timeout": ANSWER_WITHIN} if scheme in _WITH_TIMEOUT else {}
            return Store(shown, _database(url, limit), None)
        file = _file(url, rest)
        check_file(file, sqlite=kind == "sqlite")
        with lock_of(file):  # two processes that make the tables at once trip over each other
            made = _journal(file) if kind == "journal" else _database(url, {"timeout": PATIENCE})
        return Store(shown, made, file)


def for_dashboard(url: str) -> str | None:
    """Return what ``optuna-dashboard`` is given to open a storage; None where that is not known.

    Args:
        url: as ``Store.url``, without a password.

    Examples:
        >>> for_dashboard("sqlite:///a.db"), for_dashboard("journal:///a.log")
        ('sqlite:///a.db', 'a.log')
        >>> print(for_dashboard("grpc://127.0.0.1:13000"), for_dashboard("mysql://me:***@host/a"))
        None None
    """
    if url.startswith("journal://"):
        return str(_file(url, url.removeprefix("journal://")))
    return None if url.startswith("grpc://") or ":***@" in url else url


def _file(url: str, rest: str) -> Path:
    """The file of a URL: ``sqlite:///a.db`` is relative, ``sqlite:////tmp/a.db`` is not."""
    host, slash, path = rest.partition("/")
    if host or not slash or not path or path.startswith(":memory:"):
        raise UsageError(
            "expected a file after three slashes, such as sqlite:///a.db, "
            f"got {without_password(url)!r}"
        )
    return Path(path.partition("?")[0])


def check_file(file: Path, *, sqlite: bool) -> None:
    """Raise UsageError unless a file is one of Optuna's, or is still to be made.

    Args:
        file: where the storage is.
        sqlite: whether it is an SQLite database, or else a journal.
    """
    if file.is_dir():
        raise UsageError(f"expected a file for the search, got a folder: {file}")
    if not file.exists():
        if not file.absolute().parent.is_dir():
            raise UsageError(f"cannot write {file}: its folder does not exist; make it first")
        return
    try:
        with file.open("rb") as stream:
            begins = stream.read(len(_SQLITE))
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    wrong = "something else" if sqlite and begins not in (b"", _SQLITE) else ""
    wrong = "something else" if not sqlite and begins[:1] not in (b"", b"{") else wrong
    if not wrong and sqlite and begins and not _is_optunas(file):
        wrong = "an SQLite database of another kind"
    if wrong:
        kind = "SQLite database" if sqlite else "journal"
        raise UsageError(
            f"expected an Optuna {kind}, got {wrong}: {file}; give the search another storage"
        )


def _is_optunas(file: Path) -> bool:
    """Whether an SQLite file holds Optuna's tables, or none yet."""
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            tables = {name for (name,) in rows}
    except sqlite3.DatabaseError as error:
        raise UsageError(f"cannot read {file}: {error}") from error
    return not tables or "studies" in tables


def _database(url: str, options: dict[str, Any]) -> BaseStorage:
    from optuna.storages import RDBStorage

    return RDBStorage(url, engine_kwargs={"connect_args": options})


def _journal(file: Path) -> BaseStorage:
    from optuna.storages import JournalStorage

    from mlplab.tuning.journal import Journal

    return JournalStorage(Journal(str(file)))


def _proxy(url: str) -> BaseStorage:
    import grpc
    from optuna.storages import GrpcStorageProxy

    try:
        host, port = urlsplit(url).hostname, urlsplit(url).port
    except ValueError:
        host = port = None
    if not host or not port:
        raise UsageError(f"expected grpc://HOST:PORT, got {without_password(url)!r}")
    with grpc.insecure_channel(f"{host}:{port}") as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=ANSWER_WITHIN)
        except grpc.FutureTimeoutError:
            raise UsageError(
                f"expected a storage server at {url}, got no answer in {ANSWER_WITHIN} s; "
                "start optuna.storages.run_grpc_proxy_server there, or give another storage"
            ) from None
    return GrpcStorageProxy(host=host, port=port)


@contextmanager
def opening(url: str) -> Iterator[None]:
    """Turn what databases say while one is opened into an error that names it."""
    try:
        with answering(url):
            yield
    except StorageError as error:
        raise UsageError(str(error)) from error.__cause__
    except (ImportError, OSError) as error:
        told = f"cannot open the storage {without_password(url)}: {first_line(error)}"
        raise UsageError(told) from error


@contextmanager
def answering(url: str) -> Iterator[None]:
    """Turn what a storage cannot do into a StorageError that names it."""
    try:
        yield
    except Exception as error:
        if not _is_of_storage(error):
            raise
        raise StorageError(
            f"the storage {without_password(url)} does not answer: {first_line(error)}; the "
            "trials that ended are safe in it, the same command goes on once it answers"
        ) from error


def _is_of_storage(error: BaseException) -> bool:
    """Whether an error is one that Optuna's storages raise."""
    from optuna.exceptions import StorageInternalError

    homes = {base.__module__.partition(".")[0] for base in type(error).__mro__}
    return isinstance(error, StorageInternalError) or not homes.isdisjoint(_OF_STORAGE)


def first_line(error: BaseException) -> str:
    """Return the first line of what an error, or what it came from, says."""
    cause = error.__cause__ or error
    lines = str(getattr(cause, "orig", None) or cause).strip().splitlines()
    return lines[0] if lines else type(cause).__name__
