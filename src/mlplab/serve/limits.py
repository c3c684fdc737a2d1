"""What one caller, and all of them together, may ask of the service."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """The limits of a service, a line each.

    Attributes:
        body: bytes of one request's body.
        held: bytes of all bodies that are held at once.
        batch: examples in one batch.
        pixels: pixels of an uploaded picture, told by its header before anything is decoded.
        requests: requests answered at once; whoever comes then is told to come again.
        head: bytes of a request's line and headers.
        head_seconds: until the headers are there, counted from the connection.
        connections: that are open at once; fewer than the files a process may have open.
        request_seconds: until there is an answer, counted from the headers; and as long again for
            the caller to read it.
        idle_seconds: for which a connection without a request is kept.
        linger_seconds: for which the rest of a refused body is read and dropped, so that the
            caller gets to read why.
        retry_seconds: after which a page that could not be made is tried again.
        threads: in which pictures and batches are read.
    """

    body: int = 8 * MIB
    held: int = 64 * MIB
    batch: int = 1024
    pixels: int = 25_000_000
    requests: int = 512
    connections: int = 800
    head: int = 32 * 1024
    head_seconds: float = 10.0
    request_seconds: float = 30.0
    idle_seconds: int = 5
    linger_seconds: float = 2.0
    retry_seconds: float = 60.0
    threads: int = 2
