"""A service in a process of its own, as users start it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

PROGRAM = [sys.executable, "-m", "mlplab.cli.main", "serve"]
LIMITED = [sys.executable, "-m", "tests.serve.limited"]
ROOT = Path(__file__).parents[2]


class Running:
    """A service that answers.

    Attributes:
        url: where it is.
        client: asks it.
    """

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self.log = log
        with log.open("w") as errors:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://"), log.read_text()
        self.client = httpx.Client(base_url=self.url, timeout=60, trust_env=False)

    @property
    def errors(self) -> str:
        """What it has written on stderr."""
        return self.log.read_text()

    def raw(self, *pieces: bytes, seconds: float = 30) -> bytes:
        """Send bytes over a connection of their own; return all that comes until it is closed."""
        with self.connection(seconds) as connection:
            for piece in pieces:
                connection.sendall(piece)
            return read_all(connection)

    def connection(self, seconds: float = 30) -> socket.socket:
        """Return a new connection."""
        at = urlsplit(self.url)
        return socket.create_connection((at.hostname, at.port), timeout=seconds)

    def metric(self, line: str) -> float:
        """Return a count, by its name and labels."""
        lines = dict(text.rsplit(" ", 1) for text in self.client.get("/metrics").text.splitlines())
        return float(lines[line])

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to end, and return its exit code."""
        self.client.close()
        self.process.send_signal(how)
        return self.process.wait(60)


def read_all(connection: socket.socket) -> bytes:
    """Return all that comes until the other side closes."""
    content = b""
    while piece := connection.recv(65536):
        content += piece
    return content


@contextmanager
def running(file: Path, *arguments: str, log: Path) -> Iterator[Running]:
    """Serve a file at a free port, and see that the service ends in order."""
    with _started([*PROGRAM, str(file), "--port", "0", *arguments], log) as service:
        yield service


@contextmanager
def limited(file: Path, log: Path, **limits: Any) -> Iterator[Running]:
    """Serve a file under other limits than those of the program."""
    with _started([*LIMITED, str(file), json.dumps(limits)], log) as service:
        yield service


@contextmanager
def _started(command: Sequence[str], log: Path) -> Iterator[Running]:
    service = Running(command, log)
    try:
        yield service
        if service.process.poll() is None:
            assert service.end() == 0, service.errors
    finally:
        service.process.kill()
        service.process.communicate()
