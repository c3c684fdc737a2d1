"""Every kind of file: it is checked, keeps its facts, and is not left behind when it is wrong."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest

from mlplab.errors import ParityError, StorageError, UsageError
from mlplab.export import npz_file, page_file, page_runner, targets
from mlplab.export.network import Dense
from mlplab.export.source import Source, read_source
from mlplab.export.targets import TARGETS
from mlplab.export.writing import default_path, write_export


@pytest.fixture(scope="module")
def single(kept_study: Path) -> Source:
    return read_source(f"{kept_study}:bn-dropout-3:1")


@pytest.fixture(scope="module")
def pair(kept_study: Path) -> Source:
    return read_source(f"{kept_study}:bn-dropout-3", ensemble=True)


@pytest.mark.parametrize("to", TARGETS)
@pytest.mark.parametrize("which", ["single", "pair"])
def test_a_file_gives_what_keras_gives_over_the_whole_test_set(
    to: str, which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    source: Source = request.getfixturevalue(which)
    path = tmp_path / default_path(source, to)
    done = write_export(source, to, path)
    assert done.parity.n_examples == 10_000
    assert done.parity.labels_that_differ == 0
    assert done.parity.largest_difference < 1e-5
    assert done.facts["parity"] == done.parity.as_facts()
    assert sorted(tmp_path.iterdir()) == sorted([path, *done.beside])


def other(source: Source) -> Source:
    """The same models, beside arrays in which one weight is wrong."""
    network = source.ensemble.networks[0]
    steps = list(network.steps)
    place = next(i for i, step in enumerate(steps) if isinstance(step, Dense))
    dense = steps[place]
    assert isinstance(dense, Dense)
    bias = dense.bias.copy()
    bias[0] += 0.5
    steps[place] = Dense(dense.kernel, bias)
    networks = (dataclasses.replace(network, steps=tuple(steps)),)
    return dataclasses.replace(
        source, ensemble=dataclasses.replace(source.ensemble, networks=networks)
    )


def test_one_wrong_number_is_found_and_nothing_is_left_behind(
    single: Source, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.npz"
    with pytest.raises(ParityError, match=r"wrong.npz: .*labels that differ: .*nothing is written"):
        write_export(other(single), "numpy", path)
    assert list(tmp_path.iterdir()) == []
    path.write_bytes(b"mine")
    with pytest.raises(ParityError):
        write_export(other(single), "numpy", path, force=True)
    assert path.read_bytes() == b"mine"


def test_nothing_is_written_over_silently(single: Source, tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    write_export(single, "numpy", path)
    with pytest.raises(UsageError, match=r"got files that are there: \S*net\.npz; give another"):
        write_export(single, "numpy", path)
    write_export(single, "numpy", tmp_path / "second.npz")  # beside the same reader
    (tmp_path / npz_file.READER).write_text("mine")
    with pytest.raises(UsageError, match=r"there: \S*npz_reader.py; give"):
        write_export(single, "numpy", tmp_path / "third.npz")
    write_export(single, "numpy", path, force=True)
    assert (tmp_path / npz_file.READER).read_bytes() == npz_file.reader_source()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(single: Source, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="cannot write"):
        write_export(single, "numpy", tmp_path / "net.npz")


def test_a_file_where_a_folder_is_wanted(single: Source, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"cannot write \S*net.npz: File exists; name another"):
        write_export(single, "numpy", tmp_path / "file" / "net.npz")


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(UsageError, match=r"expected --to .*numpy.*, got 'nmupy'; did you mean"):
        targets.target_named("nmupy")


def test_probabilities_that_are_no_numbers_hold_no_parity(single: Source, tmp_path: Path) -> None:
    from mlplab.export.parity import compare

    expected = single.expected[0]
    got = expected.copy()
    got[5, 5] = np.nan
    labels = single.dataset.test.y
    assert not compare(got, expected, labels, "a reader", "Keras").holds
    assert compare(expected, expected, labels, "a reader", "Keras").holds


def test_what_rounding_a_pages_weights_costs_is_among_its_facts(
    single: Source, tmp_path: Path
) -> None:
    done = write_export(single, "html", tmp_path / "page.html")
    cost, labels = done.facts["weights"], single.dataset.test.y
    keras_reads = (single.expected[0].argmax(axis=1) == labels).mean()
    assert cost["accuracy"] == pytest.approx(keras_reads)
    assert cost["accuracy_rounded"] == done.parity.accuracy
    assert page_file.read(done.path).facts == done.facts


def test_without_node_and_browser_the_weights_of_a_page_are_run_in_numpy(
    single: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_runner, "NODE", "no-such-node")
    monkeypatch.setattr(page_runner, "BROWSERS", ())
    monkeypatch.setattr(page_runner, "MACOS", tmp_path / "none")
    done = write_export(single, "html", tmp_path / "page.html")
    assert done.parity.reader.startswith("NumPy with the weights in the page (no Node or Chromium")
    assert done.parity.labels_that_differ == 0
