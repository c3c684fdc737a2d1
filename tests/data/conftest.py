"""A small dataset of the catalog's kind, and a server on loopback that has its files."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from mlplab.data import NamedDataset, idx
from mlplab.data.catalog import MNIST, PARTS, DataFile, Mirror
from tests.ports import free_port


@dataclass
class Server:
    """An HTTP server: what it has, what it was asked for, and how badly it behaves."""

    url: str
    files: dict[str, bytes]
    asked: Counter[str] = field(default_factory=Counter)
    cut_short: set[str] = field(default_factory=set)
    delay_s: float = 0.0


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.removeprefix("/")
            state.asked[name] += 1
            time.sleep(state.delay_s)
            if name not in state.files:
                self.send_error(404)
                return
            body = state.files[name]
            with contextlib.suppress(ConnectionError):  # a client that a test has killed
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if name in state.cut_short else body)

        def log_message(self, *_: object) -> None:
            pass

    class JoiningServer(ThreadingHTTPServer):
        daemon_threads = False  # so that closing waits for the last answer

    with JoiningServer(("127.0.0.1", 0), Handler) as http:
        state = Server(f"http://127.0.0.1:{http.server_port}/", {})
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        yield state
        http.shutdown()
        thread.join()


@pytest.fixture
def closed_port() -> str:
    """The address of a port on loopback where nothing listens."""
    return f"http://127.0.0.1:{free_port()}/"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of this test's own, and an empty one of Keras's."""
    monkeypatch.setenv("MLPLAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "home"


@pytest.fixture
def no_package_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pip find nothing."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    """Twelve and six images of 4 x 3, in three classes."""
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (12, 4, 3), dtype=np.uint8),
        "y_train": np.arange(12, dtype=np.uint8) % 3,
        "x_test": rng.integers(0, 256, (6, 4, 3), dtype=np.uint8),
        "y_test": np.arange(6, dtype=np.uint8) % 3,
    }


@pytest.fixture
def packed(arrays: dict[str, np.ndarray]) -> dict[str, bytes]:
    """The files a mirror serves, by name."""
    names = (file.name for file in MNIST.files)
    return {
        f"{name}.gz": gzip.compress(idx.dump(arrays[part]), mtime=0)
        for part, name in zip(PARTS, names, strict=True)
    }


@pytest.fixture
def tiny(server: Server, packed: dict[str, bytes]) -> NamedDataset:
    """A dataset like MNIST in the catalog, served on loopback."""
    server.files.update(packed)
    return replace(
        MNIST,
        name="tiny",
        class_names=("a", "b", "c"),
        files=checked_files(packed, "sha256"),
        mirrors=(Mirror(server.url),),
        keras_cache=None,
        wheel=None,
        disputed=(),
    )


@pytest.fixture
def gz_checked(packed: dict[str, bytes]) -> Callable[[NamedDataset], NamedDataset]:
    """Make a dataset one whose published checksums are those of the gzip files."""
    return lambda spec: replace(spec, files=checked_files(packed, "gz_sha256"))


def checked_files(packed: dict[str, bytes], kind: str) -> tuple[DataFile, ...]:
    def digest(data: bytes) -> str:
        return hashlib.sha256(gzip.decompress(data) if kind == "sha256" else data).hexdigest()

    return tuple(
        DataFile(part, name.removesuffix(".gz"), **{kind: digest(data)})
        for part, (name, data) in zip(PARTS, packed.items(), strict=True)
    )
