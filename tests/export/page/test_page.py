"""What is written into a page, and what it refuses."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mlplab import Dataset
from mlplab.data.dataset import Split
from mlplab.errors import ModelError, ParityError, StorageError, UsageError
from mlplab.export import page_runner
from mlplab.export.ensemble import Ensemble
from mlplab.export.network import ACTIVATIONS, Activation, Dense, LayerNorm, Network, Scale
from mlplab.export.page import page_html, reading_code, showing_code, write_page
from mlplab.export.page_file import page_parts, read
from mlplab.export.page_runner import read_by_page
from mlplab.export.parity import Parity
from mlplab.export.policy import content_policy
from mlplab.export.quantize import fewest_bits, pack, quantize
from tests.browser import find_browser
from tests.export.networks import program

HOSTILE = '</script><script>document.title = "broken"</script>'
TOLERANCE = 1e-5  # of a probability: float32 sums in another order


def data_of(page: Path) -> dict:
    return json.loads(page_parts(page)[0])


def test_one_network_of_690_255_parameters_fits_in_a_megabyte_and_a_half(
    lone: Ensemble, lone_page: Path
):
    sizes = [step.kernel.size for step in lone.networks[0].steps if isinstance(step, Dense)]
    assert sum(sizes) == 784 * 580 + 580 * 325 + 325 * 125 + 125 * 10
    assert lone_page.stat().st_size < 1_500_000


def test_the_page_names_nothing_outside_itself(pair_page: Path):
    text = pair_page.read_text()
    assert set(re.findall(r"https?://[^\s'\"]*", text)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\son[a-z]+=|\sstyle=|javascript:|eval\(|import\(|fetch\(", text)


def test_its_cost_is_measured_and_kept(pair: Ensemble, mnist: Dataset, pair_page: Path):
    cost = data_of(pair_page)["facts"]["weights"]
    exact, rounded = (each.probabilities(mnist.test.x) for each in (pair, quantize(pair, "int8")))
    assert cost == {
        "kind": "int8",
        "n_examples": 10_000,
        "accuracy": (exact.argmax(axis=1) == mnist.test.y).mean(),
        "accuracy_rounded": (rounded.argmax(axis=1) == mnist.test.y).mean(),
        "labels_changed": (exact.argmax(axis=1) != rounded.argmax(axis=1)).sum(),
        "largest_difference": pytest.approx(float(np.abs(exact - rounded).max())),
    }
    shown = f"{100 * cost['accuracy_rounded']:.2f} % of the 10,000 test pictures of mnist"
    assert shown in pair_page.read_text()


def test_samples_are_real_test_pictures_the_misread_ones_truly_misread(
    pair: Ensemble, mnist: Dataset, pair_page: Path
):
    samples = data_of(pair_page)["samples"]
    chosen = np.array(samples["index"])
    answers = quantize(pair, "int8").probabilities(mnist.test.x[chosen]).argmax(axis=1)
    assert samples["label"] == mnist.test.y[chosen].tolist()
    assert samples["answer"] == answers.tolist()
    misread = answers != mnist.test.y[chosen]
    assert misread.sum() == 16
    assert np.bincount(mnist.test.y[chosen][~misread]).tolist() == [2] * 10


@pytest.mark.parametrize("kind", ["int8", "float16"])
def test_rounded_weights_are_the_nearest_there_are(pair: Ensemble, kind: str):
    kernel = pair.networks[0].steps[1].kernel
    packed = pack(kernel, kind)
    error = np.abs(packed.unpacked() - kernel)
    if kind == "int8":
        assert (error <= 0.5001 * packed.scale).all()
        assert (np.abs(packed.values).max(axis=0) == 127).all()
    else:
        assert (error <= np.abs(kernel) * 2.0**-11 + 2.0**-25).all()


def test_weights_that_cannot_be_rounded_are_refused():
    """Two units that differ in the fourth digit, of which float16 keeps three."""
    kernel = np.array([[1, 1.0001], [0, 100]], np.float32)
    ensemble = Ensemble((Network((2,), (Dense(kernel, np.zeros(2, np.float32)),)),), ("a", "b"))
    x, labels = np.tile([[1, 0]], (1000, 1)), np.ones(1000)
    expected = (
        r"expected weights that lose 0\.2 points of accuracy at most when they are rounded, got "
        r"weights as int8: 0\.00 % instead of 100\.00 % .*; weights as float16: 0\.00 % instead"
    )
    with pytest.raises(ParityError, match=expected):
        fewest_bits(ensemble, x, labels)
    cost, refused = fewest_bits(ensemble, x[:1], labels[:1])  # one answer is no measure
    assert (cost.kind, refused) == ("int8", [])


def test_whose_check_a_page_tells_of_is_named(lone: Ensemble, mnist: Dataset):
    """A page made of another file's networks tells of that file's check as such."""
    parity = Parity("npz_reader.py on NumPy", "Keras's predict", 10_000, 1e-7, 0, 0.9)
    text = page_html(replace(lone, facts={**lone.facts, "parity": parity.as_facts()}), mnist)
    assert "This page&#39;s own code" not in text
    assert "<dt>Checked</dt>" in text
    assert "run by npz_reader.py on NumPy over 10,000 test examples and compared with Keras" in text


def test_a_column_of_zeros_and_huge_weights_stay_finite():
    kernel = np.array([[0, 1e30], [0, -1e-30]], np.float32)
    for kind in ("int8", "float16"):
        unpacked = pack(kernel, kind).unpacked()
        assert np.isfinite(unpacked).all()
        assert (unpacked[:, 0] == 0).all()


def test_half_floats_are_read_as_they_are(pair: Ensemble, mnist: Dataset, tmp_path: Path):
    page = write_page(pair, mnist, tmp_path / "half.html", "float16")
    reading = read_by_page(page, mnist.test.x[:500])
    expected = quantize(pair, "float16").probabilities(mnist.test.x[:500])
    assert np.abs(reading.probabilities - expected).max() < TOLERANCE


def test_a_browser_without_a_window_reads_as_node_does(
    lone: Ensemble, mnist: Dataset, lone_page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "chromium").symlink_to(find_browser())
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("mlplab.export.page_runner.NODE", "no-such-node")
    reading = read_by_page(lone_page, mnist.test.x[:300])
    assert reading.by == "Chromium"
    expected = quantize(lone, "int8").probabilities(mnist.test.x[:300])
    assert np.abs(reading.probabilities - expected).max() < TOLERANCE


@pytest.mark.parametrize("node", ["exit 1", "exec /bin/sleep 60"])
def test_a_node_that_cannot_is_passed_over(
    node: str,
    lone: Ensemble,
    mnist: Dataset,
    lone_page: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    program(tmp_path / "node", f"#!/bin/sh\n{node}\n")
    (tmp_path / "chromium").symlink_to(find_browser())
    call, seconds = page_runner._call, page_runner._SECONDS

    def impatient(command: list[str], folder: Path) -> str:
        own = command[0] == str(tmp_path / "node")
        monkeypatch.setattr(page_runner, "_SECONDS", 0.2 if own else seconds)
        return call(command, folder)

    monkeypatch.setattr(page_runner, "_call", impatient)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    reading = read_by_page(lone_page, mnist.test.x[:20])
    assert reading.by == "Chromium"
    expected = quantize(lone, "int8").probabilities(mnist.test.x[:20])
    assert np.abs(reading.probabilities - expected).max() < TOLERANCE
    assert f"Node ({tmp_path}/node) does not run the page's code: expected" in caplog.text


def test_without_node_and_browser_there_is_no_reading(
    lone_page: Path, mnist: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("mlplab.export.page_runner.MACOS", tmp_path / "none")
    assert read_by_page(lone_page, mnist.test.x[:1]) is None


def everything(height: int, width: int) -> Network:
    """A network with every kind of step and every activation."""
    rng = np.random.default_rng(0)

    def dense(n: int, units: int) -> Dense:
        kernel = rng.normal(0, 1 / np.sqrt(n), (n, units)).astype(np.float32)
        return Dense(kernel, rng.normal(0, 0.2, units).astype(np.float32))

    def numbers(n: int) -> np.ndarray:
        return rng.uniform(0.5, 1.5, n).astype(np.float32)

    names = [name for name in ACTIVATIONS if name != "softmax"]
    steps = [Scale(np.full(1, 1 / 16, np.float32), np.full(1, -0.5, np.float32))]
    n = height * width
    for name in names:
        steps += [dense(n, 24), Activation(name, 0.3)]
        n = 24
    steps += [LayerNorm(numbers(24), numbers(24), 1e-3), Scale(numbers(24), numbers(24))]
    return Network((height, width), (*steps, dense(24, 10), Activation("softmax")))


def test_every_kind_of_step_is_read_alike(digits: Dataset, tmp_path: Path):
    network = everything(8, 8)
    ensemble = Ensemble((network,), digits.class_names)
    page = write_page(ensemble, digits, tmp_path / "all.html", "float16")
    reading = read_by_page(page, digits.test.x)
    expected = quantize(ensemble, "float16").probabilities(digits.test.x)
    assert np.ptp(expected, axis=0).max() > 1e-3  # it tells pictures apart
    assert np.abs(reading.probabilities - expected).max() < TOLERANCE


def test_the_box_of_a_dataset_is_measured(digits: Dataset, pair_page: Path, tmp_path: Path):
    assert data_of(pair_page)["box"] == 20
    ensemble = Ensemble((everything(8, 8),), digits.class_names)
    assert data_of(write_page(ensemble, digits, tmp_path / "digits.html"))["box"] == 8


def test_names_are_put_in_as_text(digits: Dataset, tmp_path: Path):
    names = (HOSTILE, "a & b", *digits.class_names[2:])
    hostile = replace(digits, name=HOSTILE, class_names=names)
    ensemble = Ensemble((everything(8, 8),), names, {"recipe": HOSTILE})
    page = write_page(ensemble, hostile, tmp_path / "hostile.html")
    assert HOSTILE not in page.read_text()
    assert data_of(page)["classes"] == list(names)
    assert page.read_text().count("<script") == 3


@pytest.mark.parametrize("kind", ["int8", "float16"])
def test_a_page_read_back_is_the_rounded_networks(digits: Dataset, tmp_path: Path, kind: str):
    ensemble = Ensemble((everything(8, 8),) * 2, digits.class_names, {"recipe": "all"})
    back = read(write_page(ensemble, digits, tmp_path / "all.html", kind))
    expected = quantize(ensemble, kind).probabilities(digits.test.x)
    np.testing.assert_array_equal(back.probabilities(digits.test.x), expected)
    assert (back.class_names, back.facts["recipe"]) == (digits.class_names, "all")


def test_another_file_is_no_page(tmp_path: Path):
    (tmp_path / "other.html").write_text("<script>1</script>")
    with pytest.raises(ModelError, match="expected a page written by mlplab, got another file"):
        read(tmp_path / "other.html")


def test_the_policy_admits_its_own_code_alone(pair_page: Path):
    text = pair_page.read_text()
    style = re.findall("<style>(.*?)</style>", text, re.DOTALL)
    policy = content_policy([reading_code(), showing_code()], style)
    escaped = policy.replace("'", "&#39;")
    assert f'http-equiv="Content-Security-Policy" content="{escaped}"' in text
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; script-src 'sha256-")


@pytest.mark.parametrize("shape", [(784,), (28, 28, 3), (2, 28, 28), (4, 4)])
def test_what_is_no_picture_is_refused(mnist: Dataset, shape: tuple[int, ...]):
    ensemble = Ensemble((Network(shape, ()),), mnist.class_names)
    expected = re.escape(
        "expected a model that takes one picture, (height, width) or (height, width, 1), "
        f"8 pixels or more a side, got one that takes {shape}"
    )
    with pytest.raises(ModelError, match=expected):
        page_html(ensemble, mnist)


def test_a_picture_with_one_channel_is_one(mnist: Dataset, lone: Ensemble, tmp_path: Path):
    network = Network((28, 28, 1), lone.networks[0].steps)
    page = write_page(Ensemble((network,), mnist.class_names), mnist, tmp_path / "one.html")
    reading = read_by_page(page, mnist.test.x[:20, ..., None])
    expected = quantize(lone, "int8").probabilities(mnist.test.x[:20])
    assert np.abs(reading.probabilities - expected).max() < TOLERANCE


def test_another_dataset_is_refused(lone: Ensemble, digits: Dataset, mnist: Dataset):
    with pytest.raises(ModelError, match=r"expected a dataset with examples of shape \(28, 28\)"):
        page_html(lone, digits)
    two = Split(mnist.test.x[:50], mnist.test.y[:50] % 2)
    odd = Dataset("odd", two, two, ("even", "odd"))
    with pytest.raises(ModelError, match="expected a dataset with the model's 10 classes, got odd"):
        page_html(lone, odd)


def test_weights_of_no_kind_are_refused(lone: Ensemble, mnist: Dataset):
    message = "expected weights as int8 or float16, got 'int9'; did you mean 'int8'?"
    with pytest.raises(UsageError, match=re.escape(message)):
        page_html(lone, mnist, "int9")


def test_a_page_that_cannot_be_written_leaves_nothing(digits: Dataset, tmp_path: Path):
    ensemble = Ensemble((everything(8, 8),), digits.class_names)
    with pytest.raises(StorageError, match="cannot write"):
        write_page(ensemble, digits, tmp_path / "none" / "page.html")
    assert list(tmp_path.iterdir()) == []
