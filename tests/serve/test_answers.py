"""Answers over HTTP are those of Python."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlplab import Dataset
from mlplab.data.framing import decode, frame
from mlplab.engine import load_model, predict_probabilities
from mlplab.export import npz_file
from mlplab.export.ensemble import Ensemble
from mlplab.export.network import Activation, Dense, Network, Scale
from tests.serve.pictures import picture
from tests.serve.running import ROOT, Running, running

PNG, JPEG = "image/png", "image/jpeg"


def test_one_example(service: Running, files: dict[str, Path], mnist: Dataset) -> None:
    expected = npz_file.read(files["npz"]).probabilities(mnist.test.x[:20])
    for x, row in zip(mnist.test.x[:20], expected, strict=True):
        got = service.client.post("/predict", json={"x": x.tolist()}).json()
        shares = list(got["probabilities"].values())
        assert np.abs(np.array(shares) - row).max() < 1e-5
        assert list(got["probabilities"]) == [str(i) for i in range(10)]
        assert got["answer"] == str(row.argmax())
        assert got["probability"] == max(shares)
        assert got["runner_up"] == str(row.argsort()[-2])
        assert got["runner_up_probability"] == sorted(shares)[-2]
        assert set(got) == {
            *("answer", "probability", "runner_up", "runner_up_probability", "probabilities")
        }


def test_numbers_between_whole_ones_are_taken(service: Running) -> None:
    x = np.full((28, 28), 12.5)
    assert service.client.post("/predict", json={"x": x.tolist()}).status_code == 200


@pytest.mark.parametrize("kind", ["npz", "onnx", "keras", "both", "keras-both"])
def test_batches_of_every_kind_of_file(
    kind: str, files: dict[str, Path], mnist: Dataset, tmp_path: Path
) -> None:
    x = mnist.test.x[:300]
    expected = predict_probabilities(
        load_model(files["keras-both" if "both" in kind else "keras"]), x
    )
    with running(files[kind], log=tmp_path / "log") as service:
        got = service.client.post("/predict/batch", json={"x": x.tolist()}).json()
        one = service.client.post("/predict", json={"x": x[0].tolist()}).json()
        about = service.client.get("/model").json()
        again = service.client.post("/predict/batch", json={"x": x.tolist()}).json()
    assert np.abs(np.array(got["probabilities"]) - expected).max() < 1e-5
    assert got["answers"] == [str(i) for i in expected.argmax(axis=1)]
    assert got["classes"] == [str(i) for i in range(10)]
    assert again == got
    assert one["probability"] == pytest.approx(expected[0].max(), abs=1e-5)
    assert about["facts"]["parity"]["labels_that_differ"] == 0
    assert about["runtime"].split()[0] == {
        "onnx": "ONNX", "keras-both": "Keras"
    }.get(kind, "mlplab's")  # fmt: skip


@pytest.mark.parametrize(("kind", "type_"), [("PNG", PNG), ("JPEG", JPEG)])
def test_pictures_are_framed_as_predict_frames_them(
    service: Running, files: dict[str, Path], mnist: Dataset, kind: str, type_: str
) -> None:
    network = npz_file.read(files["npz"])
    for digit in mnist.test.x[:5]:
        content = picture(digit, kind)
        got = service.client.post("/predict", content=content, headers={"content-type": type_})
        seen = frame(decode(content, "picture", 10**6))
        assert got.json()["seen"] == seen.tolist()
        row = network.probabilities(seen[np.newaxis])[0]
        assert got.json()["probability"] == pytest.approx(row.max(), abs=1e-5)
        form = service.client.post("/predict", files={"file": ("seven", content, type_)})
        assert form.json() == got.json()


@pytest.mark.parametrize(
    ("low", "high", "told"), [(0, 1, "0 to 1"), (-0.4242129, 2.8214867, "-0.424213 to 2.82149")]
)
def test_pictures_of_other_numbers(
    low: float,
    high: float,
    told: str,
    service: Running,
    files: dict[str, Path],
    mnist: Dataset,
    tmp_path: Path,
) -> None:
    """A network that was trained on pictures of other numbers gets an upload in these."""
    bytes_ = npz_file.read(files["npz"])
    unscaled = np.array([255 / (high - low)], np.float32)
    steps = (Scale(unscaled, -low * unscaled), *bytes_.networks[0].steps)
    facts = {"input": {"shape": [28, 28], "dtype": "float32", "range": [low, high]}}
    other = Ensemble((Network((28, 28), steps),), bytes_.class_names, facts)
    npz_file.write(other, tmp_path / "a.npz")
    ask: dict[str, Any] = {"content": picture(mnist.test.x[0]), "headers": {"content-type": PNG}}
    x = low + mnist.test.x[0] * ((high - low) / 255)
    with running(tmp_path / "a.npz", log=tmp_path / "log") as asked:
        uploaded = asked.client.post("/predict", **ask).json()
        sent = asked.client.post("/predict", json={"x": x.tolist()}).json()
        white = asked.client.post("/predict", json={"x": [[255] * 28] * 28})
    assert uploaded == approximately(service.client.post("/predict", **ask).json())
    assert sent == approximately(
        service.client.post("/predict", json={"x": mnist.test.x[0].tolist()}).json()
    )
    assert white.status_code == 422
    assert f"28 x 28 numbers from {told}, got " in white.json()["error"]


def approximately(told: dict[str, Any]) -> dict[str, Any]:
    """An answer, its probabilities to four digits."""
    shares = pytest.approx(told["probabilities"], abs=1e-4)
    near = {key: pytest.approx(told[key], abs=1e-4) for key in told if key.endswith("probability")}
    return told | near | {"probabilities": shares}


def test_answers_that_are_equal_or_no_numbers(tmp_path: Path) -> None:
    """Of two that are equal the first is the answer, as in Keras; one that overflows is refused."""
    kernel = np.eye(2, dtype=np.float32) * 1e30
    steps = (Dense(kernel, np.zeros(2, np.float32)), Activation("softmax"))
    npz_file.write(Ensemble((Network((2,), steps),), ("a", "b")), tmp_path / "pair.npz")
    with running(tmp_path / "pair.npz", log=tmp_path / "log") as service:
        equal = service.client.post("/predict", json={"x": [0, 0]}).json()
        batch = service.client.post("/predict/batch", json={"x": [[0, 0], [0, 1]]}).json()
        assert (equal["answer"], equal["runner_up"]) == ("a", "b")
        assert batch["answers"] == ["a", "b"]
        for path, x in (("/predict", [1e15, 1e15]), ("/predict/batch", [[1e15, 1e15]])):
            reply = service.client.post(path, json={"x": x})
            assert reply.status_code == 422
            assert reply.json()["error"].startswith("expected numbers that the network can compute")
        assert service.errors == ""


def test_what_is_served(service: Running, files: dict[str, Path]) -> None:
    import hashlib

    about = service.client.get("/model").json()
    assert about["file"] == "digits.npz"
    assert about["fingerprint"] == hashlib.sha256(files["npz"].read_bytes()).hexdigest()
    assert about["input_shape"] == [28, 28]
    facts = about["facts"]
    assert facts["input"]["range"] == [0, 255]
    assert facts == npz_file.read(files["npz"]).facts
    low, high = facts["scores"]["interval"]
    assert 0.9 < low < facts["scores"]["test_accuracy"] < high < 1
    assert str(files["npz"].parent) not in service.client.get("/model").text
    assert service.client.get("/health").json()["status"] == "ok"


def test_counts(files: dict[str, Path], mnist: Dataset, tmp_path: Path) -> None:
    with running(files["npz"], log=tmp_path / "log") as service:
        told = service.client.post("/predict/batch", json={"x": mnist.test.x[:50].tolist()}).json()
        one = service.client.post("/predict", json={"x": mnist.test.x[0].tolist()}).json()
        service.client.get("/no/such/path")
        service.client.get("/nor/this")
        answers = [*told["answers"], one["answer"]]
        for name in set(answers):
            assert service.metric(f'mlplab_predictions_total{{answer="{name}"}}') == answers.count(
                name
            )
        assert service.metric('mlplab_requests_total{path="/predict",status="200"}') == 1
        assert service.metric('mlplab_requests_total{path="other",status="404"}') == 2
        assert service.metric('mlplab_request_seconds_count{path="/predict/batch"}') == 1
        assert service.metric("mlplab_requests_in_flight") == 1  # the one that asks
        assert service.metric("process_resident_memory_bytes") > 1e6


@pytest.mark.parametrize("kind", ["npz", "onnx"])
def test_exported_files_need_neither_keras_nor_jax(
    kind: str, files: dict[str, Path], mnist: Dataset
) -> None:
    # A picture is read too, and the page is made: they need more than an example does.
    program = """
import sys, threading, httpx
from pathlib import Path
from mlplab.serve.server import serve
import os, signal

def ask(url):
    content = Path(sys.argv[2]).read_bytes()
    reply = httpx.post(url + "/predict", content=content, headers={"content-type": "image/png"})
    page = httpx.get(url, timeout=60)
    print(reply.status_code, len(page.content), *sorted(sys.modules))
    os.kill(os.getpid(), signal.SIGTERM)

ready = lambda url: threading.Thread(target=ask, args=[url]).start()
serve(Path(sys.argv[1]), "127.0.0.1", 0, ready, print)
"""
    seven = files[kind].with_name("seven.png")
    seven.write_bytes(picture(mnist.test.x[0]))
    command = [sys.executable, "-c", program, str(files[kind]), str(seven)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    status, size, *modules = done.stdout.split()
    assert status == "200"
    assert int(size) > 100_000
    assert "mlplab.data.framing" in modules
    heavy = {"keras", "jax", "jaxlib", "tensorflow", "torch", "pandas", "matplotlib", "h5py"}
    assert heavy & {name.partition(".")[0] for name in modules} == set()


def test_the_openapi_is_told_in_words(service: Running) -> None:
    text = service.client.get("/docs").text
    for path in json.loads(service.client.get("/openapi.json").text)["paths"]:
        assert f"<code>{path}</code>" in text
    assert "<code>x</code>: 28 x 28 numbers from 0 to 255</td>" in text
    assert "<code>x</code>: 1 to 1024 x 28 x 28 numbers from 0 to 255</td>" in text
