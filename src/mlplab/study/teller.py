"""One tracker's thread: what it is told, in turn, and what it lacks, from the study file."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Queue

from mlplab.study.recorded import keys, recorded
from mlplab.trackers import Epoch, Key, Outcome, Run, Sink, StudyName

_log = logging.getLogger(__name__)

MOST_EVENTS = 10_000
"""How many events wait for a tracker that is slower than the training, before runs are dropped."""

Event = Callable[["Teller"], None]
Events = Queue[Event | None]
"""What is to be told; None where nothing follows."""


class Teller:
    """Tells one sink of one study, each run once.

    Args:
        sink: who is told.
        study: the study.
        path: its file.
        on_look: called before runs of the file, and so test scores, are told.
    """

    def __init__(
        self, sink: Sink, study: StudyName, path: Path, on_look: Callable[[], None]
    ) -> None:
        self.sink, self.study, self.path, self.on_look = sink, study, path, on_look
        self.told = sink.open(study)
        self.begun: set[Key] = set()

    def begin(self, run: Run) -> None:
        """Tell that a run begins, unless it has been told already."""
        if run.key not in self.told:
            self.sink.begin(run)
            self.begun.add(run.key)

    def epochs(self, run: Run, epochs: Sequence[Epoch]) -> None:
        """Tell epochs of a run that was begun."""
        if run.key in self.begun:
            self.sink.epochs(run, epochs)

    def end(self, run: Run, outcome: Outcome) -> None:
        """Tell the end of a run that was begun."""
        if run.key in self.begun:
            self.sink.end(run, outcome)
            self.begun.remove(run.key)
            self.told.add(run.key)

    def report(self, written: Sequence[Path]) -> None:
        """Tell that the study's report has been written."""
        self.sink.report(self.study, written)

    def catch_up(self, going_on: Callable[[], bool]) -> None:
        """Tell the runs that the file holds and the tracker does not, each whole."""
        missing = [(key, row) for key, row in keys(self.path).items() if key not in self.told]
        if missing:
            self.on_look()
        for _, row in missing:
            found = recorded(self.path, row) if going_on() else None
            if found:
                run, epochs, outcome = found
                self.begin(run)
                self.epochs(run, epochs)
                self.end(run, outcome)


class TellerThread:
    """A sink and the thread that tells it; a slow one is not waited for, and a bad one is left.

    Args:
        name: the tracker's.
        sink: who is told.
        warn: called once, with one line, when the tracker fails.
    """

    def __init__(self, name: str, sink: Sink, warn: Callable[[str], None]) -> None:
        self.name, self.sink, self.warn = name, sink, warn
        self.events: Events = Queue(MOST_EVENTS)
        self.thread: threading.Thread | None = None
        self.dropped: set[Key] = set()
        self.failed = self.hurried = False
        self.moved = time.monotonic()  # when the tracker last answered
        self.lock = threading.Lock()

    def start(self, make: Callable[[Sink], Teller]) -> None:
        """Start the thread; ``make`` is called in it."""
        self.thread = threading.Thread(
            target=self._work, args=(self.events, make), name=f"mlplab-{self.name}", daemon=True
        )
        self.thread.start()

    def tell(self, key: Key | None, event: Event) -> None:
        """Put an event of a run into the queue, or drop the rest of the run if that is full."""
        with self.lock:
            if self.failed or key in self.dropped:
                return
            try:
                self.events.put_nowait(event)
            except queue.Full:
                if key is not None:
                    self.dropped.add(key)

    def finish(self, hurried: bool) -> None:
        """Say that nothing follows; where it is hurried, what is missing is not told either."""
        self.hurried = hurried
        threading.Thread(target=self.events.put, args=(None,), daemon=True).start()

    def wait(self, patience: float) -> None:
        """Wait for the thread to end, but not longer than ``patience`` seconds for one answer."""
        began = time.monotonic()
        while self.thread and self.thread.is_alive() and not self.failed:
            left = max(self.moved, began) + patience - time.monotonic()
            if left <= 0:
                self.fail(f"no answer for {patience:g} seconds")
            self.thread.join(min(left, 0.2) if left > 0 else 0)

    def fail(self, why: str) -> None:
        """Leave the tracker for good, and say so once."""
        with self.lock:
            first, self.failed = not self.failed, True
        if first and not self.hurried:
            self.warn(
                f"warning: {self.name} ({self.sink.place}) failed: {why}; "
                "the runs are in the study file, and the same command tells them again"
            )

    def _work(self, events: Events, make: Callable[[Sink], Teller]) -> None:
        try:
            teller = make(self.sink)
            self._catch_up(teller)
            while (event := events.get()) is not None and not self.failed:
                event(teller)
                self.moved = time.monotonic()
            self._catch_up(teller)
        except Exception as error:  # whatever a tracker raises is its own affair
            _log.info("%s failed", self.name, exc_info=error)
            self.fail(said(error))
        finally:
            with suppress(Exception):
                self.sink.close()

    def _catch_up(self, teller: Teller) -> None:
        def going_on() -> bool:
            self.moved = time.monotonic()
            return not (self.failed or self.hurried)

        if going_on():
            teller.catch_up(going_on)


def said(error: BaseException) -> str:
    """Return in one short line what an error says at its root.

    Examples:
        >>> said(PermissionError(13, "Permission denied", "runs.csv"))
        'Permission denied: runs.csv'
    """
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    line = next(iter(str(error).splitlines()), "") or type(error).__name__
    return line if len(line) <= 200 else line[:197] + "..."
