"""Signals while something is cleared away, and after others have set what they do."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ignore Ctrl-C inside: a second one would leave what the first is clearing away."""
    with handled_as_before(signal.SIGINT):
        if in_main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        yield


def terminated_as_before() -> AbstractContextManager[None]:
    """Undo what is set inside for SIGTERM: Ray would make an exit code of it."""
    return handled_as_before(signal.SIGTERM)


@contextmanager
def handled_as_before(number: signal.Signals) -> Iterator[None]:
    """Have a signal handled after as before; only the main thread can change it."""
    before = signal.getsignal(number)
    try:
        yield
    finally:
        if in_main_thread() and before is not None:
            signal.signal(number, before)


def in_main_thread() -> bool:
    """Say whether this is the thread that signals come to."""
    return threading.current_thread() is threading.main_thread()
