"""Connections, watched where uvicorn does not: heads that do not end, callers that do not speak."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mlplab.serve.limits import Limits

_REPLY = (
    "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nx-content-type-options: nosniff\r\n"
    "content-length: {length}\r\nconnection: close\r\n\r\n{content}"
)


def protocol_with(limits: Limits) -> type[asyncio.Protocol]:
    """Return uvicorn's protocol of one connection, with limits it does not know.

    Args:
        limits: ``head``, ``head_seconds`` and ``linger_seconds`` are seen to here.
    """

    class Watched(HttpToolsProtocol):
        _head_timer: asyncio.TimerHandle | None = None
        _linger_timer: asyncio.TimerHandle | None = None
        _head_bytes = 0  # of line and headers that the parser has handed on
        _waiting_bytes = 0  # that it keeps to itself, since it last handed something on
        _progress = False
        _refused = False

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._await_head()

        def connection_lost(self, exc: Exception | None) -> None:
            _cancel(self._head_timer)
            _cancel(self._linger_timer)
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self._refused:
                return
            if self._idle():
                self._await_head()
            self._progress = False
            super().data_received(data)
            self._waiting_bytes = 0 if self._progress else self._waiting_bytes + len(data)
            if self._waiting_bytes > limits.head and not self._refused:
                self._refuse_head()

        def on_message_begin(self) -> None:
            self._head_bytes = 0
            super().on_message_begin()

        def on_url(self, url: bytes) -> None:
            self._count(len(url))
            super().on_url(url)

        def on_header(self, name: bytes, value: bytes) -> None:
            self._count(len(name) + len(value))
            super().on_header(name, value)

        def on_headers_complete(self) -> None:
            self._progress = True
            _cancel(self._head_timer)
            self._head_timer = None
            super().on_headers_complete()

        def on_body(self, body: bytes) -> None:
            self._progress = True
            super().on_body(body)

        def on_message_complete(self) -> None:
            self._progress = True
            _cancel(self._linger_timer)
            super().on_message_complete()
            self.cycle.more_body = False

        def on_response_complete(self) -> None:
            super().on_response_complete()
            # A reply that came before the end of the body: the rest is read and dropped.
            if self.cycle.response_complete and self.cycle.more_body:
                self._unset_keepalive_if_required()
                self._linger()

        def send_400_response(self, msg: str) -> None:
            if self._head_bytes > limits.head:
                self._refuse_head()
            else:
                self._reply("400 Bad Request", "expected a request of HTTP/1.1, got something else")

        def _count(self, size: int) -> None:
            self._head_bytes += size
            if self._head_bytes > limits.head:
                raise OverflowError("a head that is too long")  # the parser stops at any error

        def _refuse_head(self) -> None:
            text = f"expected at most {limits.head:,} bytes of headers, got more"
            self._reply("431 Request Header Fields Too Large", text)

        def _reply(self, status: str, text: str) -> None:
            content = f'{{"error":"{text}"}}'
            reply = _REPLY.format(status=status, length=len(content), content=content)
            self.transport.write(reply.encode())
            self.transport.write_eof()
            # Closed at once, what still comes would let the system throw the reply away.
            self._refused = True
            self._linger()

        def _idle(self) -> bool:
            """Whether what comes next is the head of a request."""
            cycle: Any = self.cycle
            return cycle is None or (cycle.response_complete and not cycle.more_body)

        def _await_head(self) -> None:
            if self._head_timer is None:
                self._head_timer = self.loop.call_later(limits.head_seconds, self._close)

        def _linger(self) -> None:
            self._linger_timer = self.loop.call_later(limits.linger_seconds, self._close)

        def _close(self) -> None:
            self.transport.close()

    return Watched


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    """Cancel a timer that may be there."""
    if timer is not None:
        timer.cancel()
