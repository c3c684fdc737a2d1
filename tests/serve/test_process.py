"""The process: how it begins, and how it ends."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.serve.running import PROGRAM, ROOT, read_all, running

ONE = json.dumps({"x": [[0] * 28] * 28}).encode()


def refused(*arguments: object) -> str:
    """What the program says where it cannot serve."""
    command = [*PROGRAM, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    return done.stderr


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_what_has_begun_is_finished(
    how: signal.Signals, files: dict[str, Path], tmp_path: Path
) -> None:
    head = b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    with (
        running(files["npz"], log=tmp_path / "log") as service,
        service.connection() as busy,
        service.connection() as idle,
    ):
        busy.sendall(head + f"content-length: {len(ONE)}\r\n\r\n".encode() + ONE[:100])
        assert service.client.get("/health").status_code == 200
        service.client.close()
        service.process.send_signal(how)
        assert read_all(idle) == b""  # whoever asks nothing is let go at once
        with pytest.raises(OSError):  # noqa: PT011 - refused: nobody listens any more
            service.connection(1).recv(1)
        time.sleep(0.3)
        assert service.process.poll() is None
        busy.sendall(ONE[100:])
        reply = read_all(busy)
        assert reply.startswith(b"HTTP/1.1 200 OK")
        assert b'"answer"' in reply
        assert service.process.wait(30) == (130 if how == signal.SIGINT else 0)
        ended = "Ended; every request that had begun is answered.\n"
        assert service.errors == (ended if how == signal.SIGINT else "")


def test_who_does_not_wait_is_told_what_was_not_finished(
    files: dict[str, Path], tmp_path: Path
) -> None:
    head = b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    with running(files["npz"], log=tmp_path / "log") as service, service.connection() as busy:
        busy.sendall(head + b"content-length: 9\r\n\r\nx")
        assert service.client.get("/health").status_code == 200
        service.client.close()
        for _ in range(2):
            service.process.send_signal(signal.SIGINT)
            time.sleep(0.5)
        assert service.process.wait(30) == 130
        ended = "Ended; requests that had begun and got no answer: 1.\n"
        assert service.errors == ended


@pytest.mark.parametrize("host", ["127.0.0.2", "LOCALHOST"])
def test_addresses_of_this_machine(host: str, files: dict[str, Path], tmp_path: Path) -> None:
    with running(files["npz"], "--host", host, log=tmp_path / "log") as service:
        assert service.client.get("/health").status_code == 200
        assert service.client.get("/health", headers={"host": host}).status_code == 200
        assert service.client.get("/health", headers={"host": "127.0.0.9"}).status_code == 421


def test_a_port_that_is_taken(files: dict[str, Path]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert refused(files["npz"], "--port", port) == (
            f"mlplab: error: expected a free port, got {port}, on which another program listens; "
            "choose another with --port, or 0 for any\n"
        )


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("192.0.2.1", "expected a host of this machine, got '192.0.2.1', which is another's"),
        ("no such host", "expected a host of this machine, got 'no such host', whose address"),
    ],
)
def test_other_hosts(files: dict[str, Path], host: str, told: str) -> None:
    assert told in refused(files["npz"], "--host", host, "--port", 0)


def test_a_host_that_others_reach(files: dict[str, Path], tmp_path: Path) -> None:
    with running(files["npz"], "--host", "0.0.0.0", log=tmp_path / "log") as service:  # noqa: S104
        assert service.errors == (
            "note: 0.0.0.0 is no loopback address: whoever reaches it may use the service, "
            "which asks for no password and hides nothing on the way\n"
        )
        url = service.url.replace("0.0.0.0", "127.0.0.1")  # noqa: S104
        reply = service.client.get(f"{url}/health", headers={"host": "digits.example"})
        assert reply.status_code == 200


def test_files_that_cannot_be_served(files: dict[str, Path], tmp_path: Path) -> None:
    kinds = ".npz, .onnx, .keras"
    note = tmp_path / "note.txt"
    note.write_text("hello")
    assert f"expected a file that ends in {kinds}, got a .txt file" in refused(note)
    assert "expected a trained network, got no such file" in refused(tmp_path / "no.npz")
    assert "expected a trained network, got a folder" in refused(folder(tmp_path / "a.onnx"))
    for suffix in kinds.split(", "):
        broken = note.rename(note.with_suffix(suffix))
        assert "Traceback" not in refused(broken)
        broken.rename(note)


def folder(path: Path) -> Path:
    """Make a folder."""
    path.mkdir()
    return path


def test_packages_that_are_missing(files: dict[str, Path], tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['fastapi'] = None\n"
        "sys.argv[1:] = ['serve', 'digits.npz']\n"
        "from mlplab.cli.main import main; main()"
    )
    command = [PROGRAM[0], "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        2,
        "mlplab: error: expected the package fastapi, which is not installed; "
        "run: pip install 'mlplab[serve]'\n",
    )
