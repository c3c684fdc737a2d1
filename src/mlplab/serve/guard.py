"""The guard: what stands between the network and the application.

Each request passes here first: it is refused at the door where too many are there, where it
announces a body that is too large, or where it asks for a host that this is not. Then its body is
counted while it arrives, and its time is measured. Every reply gets the headers of safety.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mlplab.serve.limits import Limits
from mlplab.serve.metrics import Metrics
from mlplab.serve.refused import Refused, busy, too_large

Headers = list[tuple[bytes, bytes]]

NOTHING_LOADS = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The content policy of replies that are no page."""

SAFE: dict[bytes, bytes] = {
    b"content-security-policy": NOTHING_LOADS.encode(),
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"permissions-policy": b"camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"cache-control": b"no-store",
}
"""Headers of every reply that does not set them itself."""

CALLER = "mlplab.caller"
"""The extension in a request's scope whose ``has_left()`` tells that nobody reads any more."""

GONE = 499
"""In the metrics: the caller left before the answer; other servers count it so, too."""


class Guard:
    """An ASGI application around another.

    Args:
        app: what answers.
        limits: what may be asked.
        metrics: where requests are counted.
        hosts: the names by which this service may be called; None admits all. A page of someone
            else's whose own name leads to this machine's address is kept out by it.
    """

    def __init__(
        self, app: ASGIApp, limits: Limits, metrics: Metrics, hosts: Collection[str] | None = None
    ) -> None:
        self._app, self._limits, self._metrics, self._hosts = app, limits, metrics, hosts
        self._in_flight = self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        caller = scope.get("extensions", {}).get(CALLER)
        exchange = Exchange(self._hold, self._limits, receive, send, caller and caller["has_left"])
        self._in_flight += 1
        self._metrics.in_flight.inc()
        try:
            await self._answer(scope, exchange)
        except asyncio.CancelledError:
            # The server ends, has hung up on all callers, and says how many got no answer.
            exchange.status = GONE
        finally:
            self._in_flight -= 1
            self._hold(-exchange.received)
            self._metrics.in_flight.dec()
            self._metrics.answered(scope["path"], exchange.status, time.perf_counter() - began)

    def _hold(self, size: int) -> int:
        """Count bytes of bodies that are held, or given up, and return how many are."""
        self._held += size
        self._metrics.held.set(self._held)
        return self._held

    async def _answer(self, scope: Scope, exchange: Exchange) -> None:
        refused: Refused | None = None
        try:
            async with asyncio.timeout(self._limits.request_seconds) as clock:
                self._check(scope)
                await self._app(scope, exchange.receive, exchange.send)
        except Refused as error:
            refused = error
        except TimeoutError:
            if not clock.expired():
                raise
            refused = self._late(exchange)
        if refused is not None and exchange.status == GONE:
            await refused.response()(scope, exchange.receive, exchange.send)

    def _check(self, scope: Scope) -> None:
        """Refuse a request for what its headers say."""
        if self._in_flight > self._limits.requests:
            raise busy(f"expected at most {self._limits.requests} requests at once, got more")
        headers: dict[bytes, bytes] = dict(scope["headers"])
        host = _name(headers.get(b"host", b""))
        if self._hosts is not None and host and host not in self._hosts:
            raise Refused(
                HTTPStatus.MISDIRECTED_REQUEST,
                f"expected a request to {' or '.join(sorted(self._hosts))}, got another host",
            )
        announced = int(headers.get(b"content-length", b"0"))
        if announced > self._limits.body:
            raise too_large("body", f"{announced:,}", self._limits.body)

    def _late(self, exchange: Exchange) -> Refused:
        seconds = f"{self._limits.request_seconds:g} seconds"
        if exchange.whole:
            return busy(f"expected to answer within {seconds}, did not")
        return Refused(
            HTTPStatus.REQUEST_TIMEOUT,
            f"expected the whole body within {seconds}, got {exchange.received:,} bytes of it",
        )


class Exchange:
    """One request and its reply, watched.

    Attributes:
        received: bytes of the body so far.
        whole: whether that is all of it.
        status: of the reply; 499 as long as none was sent.
    """

    def __init__(
        self,
        hold: Callable[[int], int],
        limits: Limits,
        receive: Receive,
        send: Send,
        has_left: Callable[[], bool] | None,
    ) -> None:
        self._hold, self._limits = hold, limits
        self._receive, self._send, self._has_left = receive, send, has_left
        self.received, self.whole, self.status = 0, False, GONE

    async def receive(self) -> Message:
        """Return the next piece of the body, counted."""
        message = await self._receive()
        if message["type"] == "http.request":
            size = len(message.get("body", b""))
            self.received += size
            held = self._hold(size)
            self.whole = not message.get("more_body", False)
            if self.received > self._limits.body:
                raise too_large("body", "more", self._limits.body)
            if held > self._limits.held:
                raise busy(f"expected bodies of {self._limits.held:,} bytes at once, got more")
        return message

    async def send(self, message: Message) -> None:
        """Send a piece of the reply, its headers made safe."""
        starts = message["type"] == "http.response.start"
        if starts:
            own: Headers = message["headers"]
            names = {name for name, _ in own}
            added = [(name, value) for name, value in SAFE.items() if name not in names]
            message = {**message, "headers": [*own, *added]}
        await self._send(message)
        if starts and not (self._has_left and self._has_left()):
            self.status = message["status"]


def _name(host: bytes) -> str:
    """Return the name in a Host header, without its port.

    Examples:
        >>> _name(b"LocalHost:8000"), _name(b"[::1]:8000"), _name(b"[::1]")
        ('localhost', '[::1]', '[::1]')
    """
    text = host.decode("latin-1").lower()
    head, colon, port = text.rpartition(":")
    return head if colon and (port.isdigit() or not port) and not head.endswith(":") else text
