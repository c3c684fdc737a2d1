"""Where MLflow keeps runs: a folder, a database, or a server, as users write it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from mlplab.urls import without_password

_SQLITE = "sqlite:///"
_SERVERS = ("http", "https")
_OTHERS = ("postgresql", "mysql", "mssql")
_EXPECTED = "expected a folder, sqlite:///FILE or http://HOST:PORT"


def problem(place: str) -> str:
    """Return why MLflow cannot keep runs there, or nothing; asks no one.

    Examples:
        >>> problem("http://127.0.0.1:5000"), problem("sqlite:///runs.db"), problem("mlruns")
        ('', '', '')
        >>> problem("http://127.0.0.1:port")
        "expected a folder, sqlite:///FILE or http://HOST:PORT, got 'http://127.0.0.1:port'"
    """
    return "" if _is_place(place) else f"{_EXPECTED}, got {without_password(place)!r}"


def _is_place(place: str) -> bool:
    try:
        parts = urlsplit(place)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme in _SERVERS:
        return bool(parts.hostname) and port != 0
    if parts.scheme == "sqlite":
        return place.startswith(_SQLITE) and len(place) > len(_SQLITE)
    if parts.scheme.partition("+")[0] in _OTHERS:
        return bool(parts.hostname)
    if parts.scheme == "file":
        return parts.path.startswith("/") and not Path(unquote(parts.path)).is_file()
    return bool(place) and "://" not in place and not Path(place).is_file()


def beside(place: str, folder: Path) -> str:
    """Return a place as it is seen from here, where it was written beside files of a folder.

    Examples:
        >>> beside("sqlite:///runs.db", Path("studies")), beside("mlruns", Path("studies"))
        ('sqlite:///studies/runs.db', 'studies/mlruns')
        >>> beside("http://127.0.0.1:5000", Path("studies"))
        'http://127.0.0.1:5000'
    """
    if place.startswith(_SQLITE):
        return f"{_SQLITE}{folder / place.removeprefix(_SQLITE)}"
    return place if "://" in place or place.startswith("file:") else str(folder / place)


def uri(place: str) -> str:
    """Return what MLflow calls the place: paths absolute, whatever folder we are in later."""
    if place.startswith(_SQLITE):
        return f"{_SQLITE}{Path(place.removeprefix(_SQLITE)).absolute()}"
    return place if "://" in place or place.startswith("file:") else Path(place).absolute().as_uri()


def artefacts(uri: str, experiment: str) -> str | None:
    """Return where the files of a new experiment go; None where that is for MLflow to say.

    Beside a database file, and not in whatever folder we are in.
    """
    if not uri.startswith(_SQLITE):
        return None
    file = Path(uri.removeprefix(_SQLITE))
    return (file.parent / f"{file.stem}-files" / experiment).as_uri()
