"""Optuna's journal, which says as a storage what the system says of its file."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

from optuna.exceptions import StorageInternalError
from optuna.storages.journal import JournalFileBackend


class Journal(JournalFileBackend):
    """A journal in a file.

    Args:
        file_path: the file.
    """

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        """Yield what was written from a line on.

        Raises:
            StorageInternalError: the file cannot be read.
        """
        with _as_storage():
            yield from super().read_logs(log_number_from)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write lines.

        Raises:
            StorageInternalError: the file cannot be written.
        """
        with _as_storage():
            super().append_logs(logs)


@contextmanager
def _as_storage() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageInternalError(str(error)) from error
