"""What is sent to Ray by value: it stands on Python alone and runs where mlplab may be missing.

Sent by name, each of these would make the process at the other end import mlplab and Keras first:
also the one that serves a Ray Client, which only passes things on.
"""

from __future__ import annotations

import asyncio
import collections
import importlib
import importlib.metadata
import os
import platform
import sys
from collections.abc import Sequence
from typing import Any

MOST_LETTERS = 10_000
"""Letters kept for a driver that does not read; what is lost is told when its run ends."""

Letter = tuple[int, tuple[Any, ...] | None]
"""The place of a run among those to do, and an epoch's figures; None where the run begins."""


class Mailbox:
    """Takes letters from the workers and gives them to the driver: an actor of Ray."""

    def __init__(self) -> None:
        self.letters: collections.deque[Letter] = collections.deque(maxlen=MOST_LETTERS)
        self.arrived = asyncio.Event()

    async def put(self, letters: Sequence[Letter]) -> None:
        """Take letters in."""
        self.letters.extend(letters)
        self.arrived.set()

    async def take(self) -> list[Letter]:
        """Wait until there is a letter, and give all there are."""
        await self.arrived.wait()
        self.arrived.clear()
        letters = list(self.letters)
        self.letters.clear()
        return letters


def do_run(*arguments: Any) -> bytes:
    """Do a run; see ``ray_task.do_run``."""
    task = importlib.import_module("mlplab.study.ray_task")
    done: bytes = task.do_run(*arguments)
    return done


def versions_here(names: Sequence[str]) -> dict[str, str | None]:
    """Return the versions that have these names; None stands for what is missing."""
    return {name: _OTHER.get(name, installed)(name) for name in names}


def installed(package: str) -> str | None:
    """Return the version of a package as it is installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def python_version(name: str) -> str:
    """Return the version of Python."""
    return platform.python_version()


def mlplab_version(name: str) -> str | None:
    """Return the version of mlplab, also where it is imported from a folder of its source."""
    try:
        version: str = importlib.import_module(name).__version__
        return version
    except ModuleNotFoundError:
        return None


def keras_backend(name: str) -> str | None:
    """Return the backend that Keras has, or will have when mlplab imports it."""
    mlplab_version("mlplab")  # chooses it where nothing has
    keras = sys.modules.get("keras")
    return keras.backend.backend() if keras else os.environ.get("KERAS_BACKEND")


BACKEND = "Keras backend"
_OTHER = {"python": python_version, "mlplab": mlplab_version, BACKEND: keras_backend}
