"""Limits: each reached in a real process, and what the next caller gets."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from mlplab.serve.guard import SAFE
from tests.serve.running import Running, limited, read_all

PNG = {"content-type": "image/png"}
HOST = b"host: localhost\r\n"
POST = b"POST /predict HTTP/1.1\r\ncontent-type: image/png\r\n" + HOST


@pytest.fixture(scope="module")
def strict(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with little patience and little room."""
    log = tmp_path_factory.mktemp("log") / "log"
    room = {"body": 100_000, "held": 150_000, "requests": 4, "connections": 20, "head": 4000}
    patience = {"head_seconds": 0.5, "request_seconds": 2, "idle_seconds": 1, "linger_seconds": 0.5}
    with limited(files["npz"], log, **room, **patience) as service:
        yield service
        assert service.errors == ""


@pytest.fixture(autouse=True)
def still_answers(strict: Running) -> Iterator[None]:
    """After every test the service answers, and holds nothing of what was refused."""
    yield
    assert strict.client.get("/health").status_code == 200
    assert strict.metric("mlplab_requests_in_flight") == 1
    assert strict.metric("mlplab_held_bytes") == 0


def told(reply: bytes) -> tuple[int, str]:
    """Status and error of a raw reply."""
    head, _, content = reply.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(content)["error"]


def test_a_body_that_announces_too_much_is_not_read(strict: Running) -> None:
    reply = strict.raw(POST + b"content-length: 100001\r\n\r\n")
    assert told(reply) == (413, "expected at most 100,000 bytes of body, got 100,001; send less")


def test_a_body_in_pieces_is_counted(strict: Running) -> None:
    pieces = (b"x" * 10_000 for _ in range(30))
    reply = strict.client.post("/predict", content=pieces, headers=PNG)
    assert reply.status_code == 413
    assert reply.json()["error"] == "expected at most 100,000 bytes of body, got more; send less"


def test_a_piece_that_announces_a_terabyte(strict: Running) -> None:
    head = POST + b"transfer-encoding: chunked\r\n\r\nffffffffff\r\n"
    assert told(strict.raw(head + b"x" * 200_000))[0] == 413


def test_a_body_that_goes_on_after_the_refusal_is_cut_off(strict: Running) -> None:
    with strict.connection() as connection:
        connection.sendall(POST + b"content-length: 200000\r\n\r\n")
        with pytest.raises(OSError):  # noqa: PT011 - reset or broken pipe, by the system's choice
            drip(connection)


def drip(connection: socket.socket) -> None:
    """Send a byte every now and then, for longer than the service should wait."""
    for _ in range(100):
        connection.sendall(b"x")
        time.sleep(0.05)


def test_the_connection_goes_on_where_a_refused_body_ends(strict: Running) -> None:
    body = b"content-length: 100001\r\n\r\n" + b"x" * 100_001
    last = b"GET /health HTTP/1.1\r\nconnection: close\r\n" + HOST + b"\r\n"
    reply = strict.raw(POST + body, last)
    assert reply.startswith(b"HTTP/1.1 413")
    assert b'"status":"ok"' in reply


def test_a_connection_is_not_kept_after_a_refused_body(strict: Running) -> None:
    reply = strict.raw(POST + b"content-length: 100001\r\n\r\n" + b"x" * 100_001)
    assert told(reply)[0] == 413


def test_a_slow_body(strict: Running) -> None:
    reply = strict.raw(POST + b"content-length: 50000\r\n\r\nabc")
    expected = "expected the whole body within 2 seconds, got 3 bytes of it"
    assert told(reply) == (408, expected)


@pytest.mark.parametrize(
    "head", [b"", b"\r\n\r\n", b"GET /health HTTP/1.1\r\n", b"GET /health HTTP/1.1\r\nho"]
)
def test_a_head_that_does_not_end_is_hung_up_on(strict: Running, head: bytes) -> None:
    assert strict.raw(head) == b""


def test_a_second_head_that_does_not_end(strict: Running) -> None:
    reply = strict.raw(b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n", b"GET /hea")
    assert reply.count(b"HTTP/1.1 200 OK") == 1


@pytest.mark.parametrize(
    "head",
    [
        b"GET /health HTTP/1.1\r\n" + HOST + b"x: " + b"y" * 5000 + b"\r\n\r\n",
        b"GET /health HTTP/1.1\r\n" + HOST + b"x: y\r\n" * 5000 + b"\r\n",
        b"GET /health HTTP/1.1\r\n" + HOST + b"x: " + b"y" * 300_000,
        b"GET /" + b"y" * 5000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /" + b"y" * 300_000,
    ],
)
def test_a_long_head(strict: Running, head: bytes) -> None:
    reply = strict.raw(head)
    assert told(reply) == (431, "expected at most 4,000 bytes of headers, got more")


def test_replies_to_what_is_no_http_are_safe(strict: Running) -> None:
    for sent in (b"hello\r\n\r\n", b"GET /" + b"y" * 5000 + b" HTTP/1.1\r\n\r\n"):
        head = strict.raw(sent).partition(b"\r\n\r\n")[0]
        assert set(SAFE.items()) <= {
            tuple(line.split(b": ", 1)) for line in head.split(b"\r\n")[1:]
        }


@pytest.mark.parametrize("path", [b"/health", b"/docs"])
def test_what_is_no_http_comes_after_the_answers_that_are_due(strict: Running, path: bytes) -> None:
    request = b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n"
    for n_requests in (1, 3):
        reply = strict.raw(request * n_requests + b"hello\r\n\r\n")
        assert reply.startswith(b"HTTP/1.1 200 OK")
        assert reply.count(b"HTTP/1.1 200 OK") == n_requests
        assert told(reply[reply.rindex(b"HTTP/1.1 4") :])[0] == 400


def test_a_body_that_breaks(strict: Running) -> None:
    request = b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n"
    broken = POST + b"transfer-encoding: chunked\r\n\r\n1\r\nx\r\nno size\r\n"
    assert told(strict.raw(broken))[0] == 400
    reply = strict.raw(request + broken)
    assert reply.startswith(b"HTTP/1.1 200 OK")
    assert told(reply[reply.rindex(b"HTTP/1.1 4") :])[0] == 400


def test_answers_that_nobody_reads(strict: Running) -> None:
    """Whoever asks and does not read is hung up on, and is counted as gone."""
    size = len(the_page(strict))
    gone = 'mlplab_requests_total{path="/",status="499"}'
    before = counted(strict, gone)
    with strict.connection() as connection:
        connection.sendall((b"GET / HTTP/1.1\r\n" + HOST + b"\r\n") * 20)
        for _ in range(200):
            if counted(strict, gone) > before:
                break
            time.sleep(0.05)
        assert counted(strict, gone) > before
        time.sleep(0.5)
        received = bytearray()
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                received += piece
    assert len(received) < 19 * size


def the_page(service: Running) -> bytes:
    """The page that is drawn on, once it is made; that takes longer than a request may."""
    for _ in range(100):
        reply = service.client.get("/")
        if reply.status_code == 200:
            return reply.content
        time.sleep(0.1)
    raise AssertionError(reply.text)


def counted(service: Running, line: str) -> float:
    """A count that may not have begun."""
    return service.metric(line) if line in service.client.get("/metrics").text else 0


def test_connections_at_once(strict: Running) -> None:
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(strict.connection()) for _ in range(21)]
        status, error = told(read_all(connections[-1]))
    expected = "expected at most 20 connections at once, got more; come again in a second"
    assert (status, error) == (503, expected)
    time.sleep(0.6)  # until the others are let go


def test_a_long_end_of_a_body_in_pieces(strict: Running) -> None:
    body = b"transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n" + b"x: y\r\n" * 5000
    assert told(strict.raw(POST + body))[0] == 431


@pytest.mark.parametrize("content", [b"hello\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n"])
def test_what_is_no_http(strict: Running, content: bytes) -> None:
    assert told(strict.raw(content))[0] == 400


def test_bodies_of_all_together(strict: Running) -> None:
    half = POST + b"content-length: 99999\r\n\r\n" + b"x" * 80_000
    with strict.connection() as first:
        first.sendall(half)
        wait_for(strict, in_flight=2)
        reply = strict.raw(half)
        status, error = told(reply)
        assert status == 503
        assert error == (
            "expected bodies of 150,000 bytes at once, got more; come again in a second"
        )
        assert b"retry-after: 1\r\n" in reply
        assert told(read_all(first))[0] == 408


def test_requests_at_once(strict: Running) -> None:
    slow = POST + b"content-length: 9\r\n\r\nx"
    connections = [strict.connection() for _ in range(4)]
    for connection in connections:
        connection.sendall(slow)
    time.sleep(0.3)
    reply = httpx.get(f"{strict.url}/health", trust_env=False)
    assert reply.status_code == 503
    assert reply.headers["retry-after"] == "1"
    expected = "expected at most 4 requests at once, got more; come again in a second"
    assert reply.json()["error"] == expected
    for connection in connections:
        assert told(read_all(connection))[0] == 408
        connection.close()


def test_a_caller_who_leaves(strict: Running) -> None:
    line = 'mlplab_requests_total{path="/predict",status="499"}'
    with strict.connection() as connection:
        connection.sendall(POST + b"content-length: 9\r\n\r\nx")
        wait_for(strict, in_flight=2)
    wait_for(strict, in_flight=1)
    assert strict.metric(line) >= 1


def test_many_callers_at_once(files: dict[str, Path], tmp_path: Path) -> None:
    """Everyone is answered, and rightly, whichever thread answers."""
    batch = {"x": [[[value] * 28] * 28 for value in range(0, 250, 10)]}
    with limited(files["both"], tmp_path / "log") as service:
        expected = service.client.post("/predict/batch", json=batch).json()

        def ask(place: int) -> bool:
            if place % 4 == 0:
                return bool(service.client.post("/predict/batch", json=batch).json() == expected)
            row = place % 25
            got = service.client.post("/predict", json={"x": batch["x"][row]}).json()
            shares = list(got["probabilities"].values())
            return shares == pytest.approx(expected["probabilities"][row], abs=1e-6)

        with ThreadPoolExecutor(16) as pool:
            assert all(pool.map(ask, range(200)))


def wait_for(service: Running, in_flight: int) -> None:
    """Wait until so many requests are being answered, that which asks among them."""
    for _ in range(100):
        if service.metric("mlplab_requests_in_flight") == in_flight:
            return
        time.sleep(0.02)
    raise AssertionError(f"expected {in_flight} requests in flight")
