"""The thread of one tracker, and the queue before it: nobody waits for a tracker that is slow.

When the queue is full, the rest of a run is dropped, its end with it. So a tracker holds a run
whole, or knows that it does not; what was dropped is told from the study file at the end.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Queue

from mlplab.study.teller import Teller
from mlplab.trackers import Key, Sink

_log = logging.getLogger(__name__)

MOST_EVENTS = 10_000
"""How many events may wait for a tracker that is slower than the training."""

Event = Callable[[Teller], None]
Events = Queue[Event | None]
"""What is to be told; None wakes the thread for the end."""


class TellerThread:
    """Tells a sink, in a thread of its own. The first error of the sink is the end of it.

    Args:
        name: the tracker's.
        sink: who is told.
        warn: called once, with one line, if the sink fails.
    """

    def __init__(self, name: str, sink: Sink, warn: Callable[[str], None]) -> None:
        self.name, self.sink, self.warn = name, sink, warn
        self.events: Events = Queue(MOST_EVENTS)
        self.last: list[Event] = []
        self.dropped: set[Key] = set()
        self.thread: threading.Thread | None = None
        self.moved = 0.0  # when the sink last answered
        self.loaded = self.failed = self.finished = self.hurried = self.waits = False
        self.lock = threading.Lock()

    def start(self, make: Callable[[Sink], Teller], ready: Callable[[], bool]) -> None:
        """Start the thread; ``make`` is called in it, as soon as ``ready`` says so."""
        # the queue goes along: a thread that hangs in a call reads no queue but its own
        self.thread = threading.Thread(
            target=self._work,
            args=(self.events, make, ready),
            name=f"mlplab-{self.name}",
            daemon=True,
        )
        self.thread.start()

    def tell(self, key: Key, event: Event) -> None:
        """Hand over an event of a run, or drop the rest of the run if the queue is full."""
        with self.lock:
            if self.failed or key in self.dropped:
                return
            try:
                self.events.put_nowait(event)
            except queue.Full:
                self.dropped.add(key)

    def tell_last(self, event: Event) -> None:
        """Hand over what is told after all runs."""
        self.last.append(event)

    def finish(self, hurried: bool) -> None:
        """Say that nothing follows; where it is hurried, what is missing is not told either."""
        self.hurried, self.finished = hurried, True
        with suppress(queue.Full):  # then there is no need to wake the thread
            self.events.put_nowait(None)

    def ends_by(self, until: float) -> bool:
        """Wait until the thread has ended or failed, or that time has come; say whether it has."""
        while self.thread and self.thread.is_alive() and not self.failed:
            left = until - time.monotonic()
            if left <= 0:
                return False
            self.thread.join(min(left, 0.05))
        return True

    def wait(self, began: float, patience: float, most: float) -> None:
        """Wait until the thread has ended.

        Args:
            began: when the wait for all trackers began, by ``time.monotonic``.
            patience: seconds to wait for one answer of the sink; loading may take four times that.
            most: seconds to wait for all of them.
        """
        until = began
        while not self.ends_by(until):
            silent = max(self.moved, began) + patience * (1 if self.loaded else 4)
            until = min(silent, began + most)
            if until <= time.monotonic():
                self.fail(self._why(patience if silent < began + most else None, most))

    def _why(self, patience: float | None, most: float) -> str:
        if self.waits:
            return "another command is telling it of this study"
        if patience is not None:
            return f"no answer for {patience:g} seconds"
        return f"not ready {most:g} seconds after the last run"

    def fail(self, why: str) -> None:
        """Leave the tracker for good, and say so once: before anyone sees that it was left."""
        with self.lock:
            if not (self.failed or self.hurried):
                self.warn(
                    f"warning: {self.name} ({self.sink.shown}) failed: {why}; the runs are in the "
                    "study file, and the next command tells what is missing"
                )
            self.failed = True

    def _work(
        self, events: Events, make: Callable[[Sink], Teller], ready: Callable[[], bool]
    ) -> None:
        try:
            self.sink.load()
            self.loaded = True
            if not self._wait_until(ready):
                return
            teller = make(self.sink)
            teller.catch_up(self._going_on)
            self._tell_events(events, teller)
            if self._going_on() and not self.hurried:
                teller.catch_up(self._going_on)
                for event in self.last:
                    event(teller)
        except Exception as error:  # whatever a tracker raises is its own affair
            _log.info("%s failed", self.name, exc_info=error)
            self.fail(said(error))
        finally:
            with suppress(Exception):
                self.sink.close()

    def _wait_until(self, ready: Callable[[], bool]) -> bool:
        """Wait for another command; say whether it was worth it."""
        while not ready():
            if self.failed or self.hurried:
                return False
            self.waits = True
            time.sleep(0.1)  # what happens meanwhile is in the queue
        self.waits = False
        return self._going_on()

    def _tell_events(self, events: Events, teller: Teller) -> None:
        while self._going_on() and not (self.finished and events.empty()):
            event = events.get()
            if event:
                event(teller)

    def _going_on(self) -> bool:
        self.moved = time.monotonic()
        return not self.failed


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
