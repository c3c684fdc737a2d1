"""Whose turn it is to tell trackers of a study: one command at a time.

A run that is in the study file may still wait in the queue of the command that trained it. Another
command cannot know, and would tell it once more.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from filelock import FileLock, Timeout

_log = logging.getLogger(__name__)


class Turn:
    """A command's turn; all of its threads have it, or none.

    Args:
        path: the study file.

    Examples:
        >>> one, other = Turn(Path("a.study")), Turn(Path("a.study"))
        >>> one.taken(), other.taken()
        (True, False)
        >>> one.end()
        >>> other.taken()
        True
        >>> other.end()
    """

    def __init__(self, path: Path) -> None:
        file = path.absolute().with_name(f".{path.name}.trackers.lock")
        self._lock = FileLock(file, timeout=0, thread_local=False)
        self._mutex = threading.Lock()
        self._taken = self._ended = False

    def taken(self) -> bool:
        """Take the turn if no other command has it; say whether this one has it now."""
        with self._mutex:
            if not (self._taken or self._ended):
                self._taken = self._take()
            return self._taken

    def _take(self) -> bool:
        try:
            self._lock.acquire()
        except Timeout:
            return False
        except OSError as error:  # a folder that cannot be written: no one trains there either
            _log.info("no lock beside the study: %s", error)
        return True

    def end(self) -> None:
        """Let others have it; this command takes it no more."""
        with self._mutex:
            if self._lock.is_locked:
                Path(self._lock.lock_file).unlink(missing_ok=True)  # while no one else has it
                self._lock.release()
            self._taken, self._ended = False, True
