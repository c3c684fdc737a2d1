"""The process: a socket, a server on it, and an end that lets no one down."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import logging
import math
import os
import signal
import socket
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import uvicorn

from mlplab.errors import UsageError
from mlplab.serve.app import make_app
from mlplab.serve.limits import Limits
from mlplab.serve.protocol import protocol_with
from mlplab.serve.reader import read

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


def serve(
    path: Path,
    host: str,
    port: int,
    ready: Callable[[str], None],
    warn: Callable[[str], None],
    limits: Limits | None = None,
) -> None:
    """Serve the network in a file until a signal ends it.

    SIGTERM and SIGINT (Ctrl-C) let it finish what it has begun; a second SIGINT does not.

    Args:
        path: a ``.keras``, ``.npz`` or ``.onnx`` file.
        host: a name or an address of this machine.
        port: 0 takes any that is free.
        ready: is told the service's address once it answers.
        warn: is told what to mind.
        limits: what may be asked.

    Raises:
        UsageError: the host or the port cannot be had.
        ModelError: the file cannot be served.
        KeyboardInterrupt: SIGINT has ended it; says what became of the requests.
    """
    limits = limits or Limits()
    # What is broken in a form or a picture is for its caller; else anyone could fill the log.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module="PIL")
    with _bound(host, port) as listener:
        address, number = listener.getsockname()[:2]
        shown = f"[{address}]" if ":" in address else address
        local = ipaddress.ip_address(address).is_loopback
        names = LOOPBACK_NAMES | {shown, host.lower()}
        app = make_app(read(path), limits, names if local else None)
        config = uvicorn.Config(
            app,
            http=protocol_with(limits),
            ws="none",
            loop="asyncio",  # fair to all callers; uvloop lets a few of a hundred wait for seconds
            log_level="error",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=limits.idle_seconds,
            # Longer than any request takes: the guard ends each one before.
            timeout_graceful_shutdown=math.ceil(limits.request_seconds) + 5,
        )
        if not local:
            warn(
                f"note: {host} is no loopback address: whoever reaches it may use the service, "
                "which asks for no password and hides nothing on the way"
            )
        server = _Server(config, lambda: ready(f"http://{shown}:{number}"))
        server.run(sockets=[listener])
    if server.ended_by == signal.SIGINT:
        raise KeyboardInterrupt(server.last_words())
    if server.unanswered:
        warn(server.last_words())


class _Server(uvicorn.Server):
    """uvicorn's server; a signal ends it, and does not end the process as well."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self.ended_by: int | None = None
        self.unanswered = 0

    def last_words(self) -> str:
        """Say what became of the requests that had begun."""
        if not self.unanswered:
            return "Ended; every request that had begun is answered."
        return f"Ended; requests that had begun and got no answer: {self.unanswered}."

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self.force_exit:
            await self.lifespan.shutdown()

    async def _wait_tasks_to_complete(self) -> None:
        try:
            await super()._wait_tasks_to_complete()
        finally:
            self.unanswered = len(self.server_state.tasks)
            for connection in list(self.server_state.connections):
                connection.transport.abort()
            await asyncio.sleep(0)  # until the connections know

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.ended_by = self.ended_by or sig
        super().handle_exit(sig, frame)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket at an address; it listens once the server does."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError):
        raise UsageError(
            f"expected a host of this machine, got {host!r}, whose address cannot be found"
        ) from None
    # With its protocol named, asyncio sends each reply at once (TCP_NODELAY), not 40 ms later.
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen()  # two may bind a port on which none listens; two cannot listen
    except OSError as error:
        listener.close()
        raise UsageError(_why_not(error, host, port)) from None
    return listener


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"expected a free port, got {port}, on which another program listens; "
            "choose another with --port, or 0 for any"
        )
    if error.errno == errno.EACCES:
        return f"expected a port that this user may open, got {port}; choose one above 1023"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"expected a host of this machine, got {host!r}, which is another's address"
    return f"expected to listen at {host}:{port}, got: {os.strerror(error.errno or 0)}"
