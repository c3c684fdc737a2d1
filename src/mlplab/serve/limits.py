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
        request_seconds: until the answer has left, counted from the headers.
        linger_seconds: for which the rest of a refused body is read and dropped, so that the
            caller gets to read why.
        stop_seconds: for which a service that was told to stop finishes what it has begun.
        threads: in which pictures and batches are read.
    """

    body: int = 8 * MIB
    held: int = 64 * MIB
    batch: int = 1024
    pixels: int = 25_000_000
    requests: int = 512
    head: int = 32 * 1024
    head_seconds: float = 10.0
    request_seconds: float = 30.0
    linger_seconds: float = 2.0
    stop_seconds: float = 10.0
    threads: int = 2
