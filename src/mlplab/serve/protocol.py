"""Connections, watched where uvicorn does not: heads without an end, callers that do not read."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mlplab.serve.guard import CALLER, SAFE
from mlplab.serve.limits import Limits
from mlplab.serve.refused import Refused, busy


def protocol_with(limits: Limits) -> type[asyncio.Protocol]:
    """Return uvicorn's protocol of one connection, with limits it does not know.

    Args:
        limits: ``connections``, ``head``, ``head_seconds``, ``linger_seconds``, and for answers
            that are not read ``request_seconds``, are seen to here.
    """

    class Watched(HttpToolsProtocol):
        _head_timer: asyncio.TimerHandle | None = None
        _linger_timer: asyncio.TimerHandle | None = None
        _unread_timer: asyncio.TimerHandle | None = None
        _head_bytes = 0  # of line and headers that the parser has handed on
        _waiting_bytes = 0  # that it keeps to itself, since it last handed something on
        _progress = False
        _refused: Refused | None = None  # what comes after the answers that are due

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if len(self.connections) > limits.connections:
                self._refused = busy(
                    f"expected at most {limits.connections:,} connections at once, got more"
                )
                transport.write(_reply(self._refused))
                transport.close()
            else:
                self._await_head()

        def connection_lost(self, exc: Exception | None) -> None:
            for timer in (self._head_timer, self._linger_timer, self._unread_timer):
                _cancel(timer)
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self._refused is not None:
                return
            if self._idle():
                self._await_head()
            self._progress = False
            super().data_received(data)
            self._waiting_bytes = 0 if self._progress else self._waiting_bytes + len(data)
            if self._waiting_bytes > limits.head and self._refused is None:
                self._refuse(_long_head(limits))

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
            self._unset_keepalive_if_required()
            super().on_headers_complete()
            # For the guard: uvicorn does not say whether what it was given to send was sent.
            self.scope["extensions"] = {CALLER: {"has_left": self.transport.is_closing}}

        def on_body(self, body: bytes) -> None:
            self._progress = True
            super().on_body(body)

        def on_message_complete(self) -> None:
            self._progress = True
            _cancel(self._linger_timer)
            super().on_message_complete()
            self.cycle.more_body = False
            if self.cycle.response_complete:  # a refused body has ended: the next head is awaited
                self._unset_keepalive_if_required()
                self.timeout_keep_alive_task = self.loop.call_later(
                    self.timeout_keep_alive, self.timeout_keep_alive_handler
                )

        def on_response_complete(self) -> None:
            last = not self.pipeline
            super().on_response_complete()
            self._await_reader()
            if self._refused is not None and last:
                self._send_refusal()
            # A reply that came before the end of the body: the rest is read and dropped.
            elif self.cycle.response_complete and self.cycle.more_body:
                self._unset_keepalive_if_required()
                self._linger()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._await_reader()

        def send_400_response(self, msg: str) -> None:
            if self._head_bytes > limits.head:
                self._refuse(_long_head(limits))
            else:
                text = "expected a request of HTTP/1.1, got something else"
                self._refuse(Refused(HTTPStatus.BAD_REQUEST, text))

        def _count(self, size: int) -> None:
            self._head_bytes += size
            if self._head_bytes > limits.head:
                raise OverflowError("a head that is too long")  # the parser stops at any error

        def _refuse(self, refused: Refused) -> None:
            """Refuse what cannot be read, once the requests before it are answered."""
            self._refused = refused
            cycle = self.cycle
            if cycle is not None and cycle.more_body:  # it broke within the body of this request
                if self.pipeline:
                    self.pipeline.popleft()
                    return
                cycle.disconnected = True
                cycle.message_event.set()
                if cycle.response_started:
                    self._close()
                    return
            elif cycle is not None and not cycle.response_complete:
                return
            self._send_refusal()

        def _send_refusal(self) -> None:
            assert self._refused is not None
            self._unset_keepalive_if_required()
            if self.transport.is_closing():
                return
            self.transport.write(_reply(self._refused))
            self.transport.write_eof()
            self._await_reader()
            # Closed at once, what still comes would let the system throw the reply away.
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

        def _await_reader(self) -> None:
            """Measure the time of a caller who has not yet read all that was written."""
            _cancel(self._unread_timer)
            if self.transport.get_write_buffer_size():
                self._unread_timer = self.loop.call_later(limits.request_seconds, self._hang_up)

        def _hang_up(self) -> None:
            """Give up a caller who does not read; closing would wait for that."""
            if self.transport.get_write_buffer_size():
                self.cycle.disconnected = True
                self.transport.abort()

        def _close(self) -> None:
            self.transport.close()

    return Watched


def _long_head(limits: Limits) -> Refused:
    return Refused(
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        f"expected at most {limits.head:,} bytes of headers, got more",
    )


def _reply(refused: Refused) -> bytes:
    """Return the bytes of a reply after which the connection is closed."""
    reply = refused.response()
    head = [f"HTTP/1.1 {refused.status} {refused.status.phrase}".encode()]
    headers = [*reply.raw_headers, *SAFE.items(), (b"connection", b"close")]
    head += [name + b": " + value for name, value in headers]
    return b"\r\n".join([*head, b"", bytes(reply.body)])


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    """Cancel a timer that may be there."""
    if timer is not None:
        timer.cancel()
