"""The parent's side: a worker's process, what it is told, and what it answers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from types import TracebackType
from typing import Any, Self

from benchmarks.machine import n_cores
from benchmarks.peers import Peer


class WorkerFailedError(Exception):
    """A worker ended before its time; the text is the last line it wrote on stderr."""


class Worker:
    """A peer's process. It waits for ``start`` once it has told that its imports are done.

    Attributes:
        peer: who trains.
        seconds_to_import: from the start of the process to the end of its imports.
        imported: bytes it held then.
    """

    def __init__(self, peer: Peer, cores: int | None = None, core: str | None = None) -> None:
        self.peer = peer
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"}
        if peer.backend:
            environment["KERAS_BACKEND"] = peer.backend
        command = [sys.executable, "-m", "benchmarks.worker", peer.name]
        if cores or core:
            command.append(str(cores or n_cores()))
        if core:
            command.append(core)
        self._started = time.perf_counter()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=environment,
        )
        try:
            self.imported = int(self.read()["imported"])
        except BaseException:
            self.close()
            raise
        self.seconds_to_import = self.age

    @property
    def age(self) -> float:
        """Seconds since the process was started."""
        return time.perf_counter() - self._started

    def start(self, job: dict[str, Any]) -> dict[str, Any]:
        """Begin a job and return what is told of its first epoch."""
        self._send(json.dumps(job))
        told: dict[str, Any] = {}
        while "seconds" not in told:
            told |= self.read()
        return told

    def epoch(self) -> dict[str, Any]:
        """Train one more epoch and return what is told of it."""
        self._send("epoch")
        return self.read()

    def stop(self) -> dict[str, Any]:
        """End the job, evaluation included, and return its outcome."""
        self._send("stop")
        outcome = self.read()
        if outcome["foreign"]:
            raise WorkerFailedError(f"its process loaded {', '.join(outcome['foreign'])} as well")
        return outcome

    def pause(self) -> None:
        """Stop the process, so that no thread of it spins beside others."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let the process go on."""
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def read(self) -> dict[str, Any]:
        """Wait for the next thing it tells.

        Raises:
            WorkerFailedError: it ended instead.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line:
            return dict(json.loads(line))
        self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().split("\n")
        raise WorkerFailedError(
            next((line for line in reversed(lines) if line.strip()), "it ended")
        )

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self.read()
