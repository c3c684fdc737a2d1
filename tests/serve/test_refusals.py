"""What is not expected is refused, and told why."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.serve.running import Running

ROW = [0] * 28
ONE = [ROW] * 28
JSON = {"content-type": "application/json"}
EXPECTED = 'expected {"x": ...} with 28 x 28 numbers from 0 to 255, got '


def with_one(value: Any) -> list[list[Any]]:
    """An example with one other value, at its end."""
    return [*ONE[:-1], [*ROW[:-1], value]]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"x": [[1]]}, "x[0]: List should have at least 28 items after validation, not 1"),
        ({"x": ONE[:-1]}, "x: List should have at least 28 items after validation, not 27"),
        ({"x": [*ONE, ROW]}, "x: List should have at most 28 items after validation, not 29"),
        ({"x": [0] * 784}, "x[0]: Input should be a valid array"),
        ({"x": [ONE]}, "x[0][0]: Input should be a valid number"),
        ({"x": with_one(-1)}, "x[27][27]: Input should be greater than or equal to 0"),
        ({"x": with_one(256)}, "x[27][27]: Input should be less than or equal to 255"),
        ({"x": with_one(1e39)}, "x[27][27]: Input should be less than or equal to 255"),
        ({"x": with_one(float("nan"))}, "x[27][27]: Input should be a finite number"),
        ({"x": with_one(float("inf"))}, "x[27][27]: Input should be a finite number"),
        ({"x": with_one("1")}, "x[27][27]: Input should be a valid number"),
        ({"x": with_one(True)}, "x[27][27]: Input should be a valid number"),
        ({"x": with_one(None)}, "x[27][27]: Input should be a valid number"),
        ({"x": with_one([0])}, "x[27][27]: Input should be a valid number"),
        ({"x": None}, "x: Input should be a valid array"),
        ({"y": ONE}, "x: Field required"),
        ({"x": ONE, "y": 1}, "y: Extra inputs are not permitted"),
        (None, "Input should be an object"),
        (ONE, "Input should be an object"),
    ],
)
def test_examples_that_are_none(service: Running, body: Any, told: str) -> None:
    reply = service.client.post("/predict", content=json.dumps(body), headers=JSON)
    assert (reply.status_code, reply.json()) == (422, {"error": EXPECTED + told})


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[" * 20_000, b'{"x":[[' + b"9" * 5000 + b"]]}", b'{"\\ud800":1}'],
)
def test_what_is_no_json(service: Running, content: bytes) -> None:
    reply = service.client.post("/predict", content=content, headers=JSON)
    assert reply.status_code == 422
    assert reply.json()["error"].startswith(EXPECTED + "Invalid JSON: ")


def test_batches(service: Running) -> None:
    def told(body: Any) -> str:
        reply = service.client.post("/predict/batch", json=body)
        assert reply.status_code == 422
        return str(reply.json()["error"])

    expected = 'expected {"x": ...} with 1 to 1,024 examples, each 28 x 28 numbers from 0 to 255, '
    least = "x: List should have at least 1 item after validation, not 0"
    most = "x: List should have at most 1024 items after validation, not 1025"
    assert told({"x": []}) == f"{expected}got {least}"
    assert told({"x": [ONE] * 1025}) == f"{expected}got {most}"
    assert told({"x": [ONE, with_one(-1)]}).endswith(
        "x[1][27][27]: Input should be greater than or equal to 0"
    )


def test_a_key_of_the_callers_own_is_cut(service: Running) -> None:
    reply = service.client.post("/predict", json={"x": ONE, "y" * 10_000: 1})
    told = f"{'y' * 80}: Extra inputs are not permitted"
    assert (reply.status_code, reply.json()) == (422, {"error": EXPECTED + told})


@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
def test_many_keys_are_told_of_at_once(service: Running, path: str) -> None:
    reply = service.client.post(path, json={"x": [ONE]} | {str(key): 1 for key in range(1000)})
    assert reply.status_code == 422
    assert reply.json()["error"].endswith(", got many texts or keys")


def test_many_keys_take_no_memory(service: Running) -> None:
    content = b"{" + b",".join(b'"%d":1' % key for key in range(700_000)) + b"}"
    memory = "process_resident_memory_bytes"
    before = service.metric(memory)
    reply = service.client.post("/predict/batch", content=content, headers=JSON)
    assert reply.status_code == 422
    assert service.metric(memory) - before < 100e6


def test_rows_have_finite_numbers(rows: Running) -> None:
    def told(value: float) -> tuple[int, str]:
        reply = rows.client.post("/predict", json={"x": [value] * 64})
        return reply.status_code, reply.json().get("error", "")

    expected = 'expected {"x": ...} with 64 numbers from -1e+15 to 1e+15, got x[0]: Input should be'
    assert told(1e14) == (200, "")
    assert told(-1e14) == (200, "")
    assert told(3e38) == (422, f"{expected} less than or equal to 1000000000000000")


def test_a_long_text_for_one_example(service: Running) -> None:
    content = json.dumps({"x": ONE}) + " " * 30_000
    reply = service.client.post("/predict", content=content, headers=JSON)
    assert reply.status_code == 413
    size = f"{len(content):,}"
    assert reply.json()["error"] == (
        f"expected at most 26,112 bytes of JSON for one example, got {size}; send less"
    )


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "told"),
    [
        ("GET", "/predict", {}, 405, "expected the method POST, got another"),
        ("DELETE", "/model", {}, 405, "expected the method GET, got another"),
        ("GET", "/predict/", {}, 404, "expected a path out of /, /predict, /predict/batch, "),
        ("GET", "/../../etc/passwd", {}, 404, "expected a path out of"),
        ("POST", "/predict", {}, 415, "expected a body of the type application/json or image/png"),
        ("POST", "/predict", {"content-type": "text/plain"}, 415, ", got text/plain"),
        (
            *("POST", "/predict/batch", {"content-type": "image/png"}, 415),
            "expected a body of the type application/json, got image/png",
        ),
        ("GET", "/health", {"host": "evil.example"}, 421, ", got another host"),
    ],
)
def test_other_requests(
    service: Running, method: str, path: str, headers: dict[str, str], status: int, told: str
) -> None:
    reply = service.client.request(method, path, headers=headers)
    assert reply.status_code == status
    assert told in reply.json()["error"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:9", "[::1]", "[::1]:80"])
def test_names_of_this_machine(service: Running, host: str) -> None:
    assert service.client.get("/health", headers={"host": host}).status_code == 200


def test_forms(service: Running) -> None:
    def told(**request: Any) -> tuple[int, str]:
        reply = service.client.post("/predict", **request)
        return reply.status_code, reply.json()["error"]

    none = (422, "expected a form with one picture in its field file, got none")
    assert told(files={"photo": b"png"}) == none
    assert told(files=[("file", b"a"), ("file", b"b")])[0] == 400
    assert told(files={"file": b"a"}, data={"more": "b"})[0] == 400
    boundless = {"content-type": "multipart/form-data"}
    assert told(content=b"x", headers=boundless) == (
        400,
        "expected a form with one picture in its field file, got another: "
        "Missing boundary in multipart.",
    )
    assert told(content=b"x", headers={"content-type": "multipart/form-data; boundary=y"})[0] == 400


PATHS = [("GET", path) for path in ("/", "/docs", "/openapi.json", "/health", "/model", "/metrics")]


@pytest.mark.parametrize(
    ("method", "path"), [*PATHS, ("POST", "/predict"), ("PUT", "/predict"), ("GET", "/nothing")]
)
def test_headers_of_safety(service: Running, method: str, path: str) -> None:
    headers = service.client.request(method, path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "camera=()" in headers["permissions-policy"]
    assert headers["cache-control"] == "no-store"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "server" not in headers
    assert "access-control-allow-origin" not in headers
