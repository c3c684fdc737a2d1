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
from mlplab.export.words import told
from mlplab.export.writing import default_path, write_export
from tests.export.networks import program


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


@pytest.mark.parametrize("to", TARGETS)
def test_one_number_read_wrong_is_found_and_nothing_is_left_behind(
    single: Source, to: str, tmp_path: Path
) -> None:
    path = tmp_path / f"wrong{TARGETS[to].suffix}"
    expected = r"wrong\.\w+: expected .*Keras's predict.*labels that differ: .*nothing is written"
    with pytest.raises(ParityError, match=expected):
        write_export(other(single), to, path)
    assert list(tmp_path.iterdir()) == []
    path.write_bytes(b"mine")
    with pytest.raises(ParityError):
        write_export(other(single), to, path, force=True)
    assert path.read_bytes() == b"mine"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("to", TARGETS)
def test_one_number_written_wrong_is_found_and_nothing_is_left_behind(
    single: Source, to: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if to == "keras":
        pytest.skip("the file holds the models, not the arrays")
    target = TARGETS[to]
    wrong = dataclasses.replace(
        target, write=lambda source, path: target.write(other(source), path)
    )
    monkeypatch.setitem(TARGETS, to, wrong)
    with pytest.raises(ParityError, match="nothing is written"):
        write_export(single, to, tmp_path / f"wrong{target.suffix}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("to", "name", "better"),
    [("keras", "m.bin", "m.keras"), ("numpy", "x.html", "x.npz"), ("html", "page", "page.html")],
)
def test_a_name_of_another_kind_is_refused(
    single: Source, to: str, name: str, better: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as raised:
        write_export(single, to, tmp_path / name)
    suffix = TARGETS[to].suffix
    assert str(raised.value) == (
        f"expected a name that ends in {suffix} for --to {to}, got {name}; name it {better}"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_appears_during_the_check_stays(
    single: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, target = tmp_path / "net.npz", TARGETS["numpy"]

    def run(partial: Path, x: np.ndarray) -> tuple[str, np.ndarray]:
        path.write_bytes(b"mine")
        return target.run(partial, x)

    monkeypatch.setitem(TARGETS, "numpy", dataclasses.replace(target, run=run))
    with pytest.raises(UsageError, match=r"got files that are there: \S*net\.npz"):
        write_export(single, "numpy", path)
    assert path.read_bytes() == b"mine"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_of_the_readers_name(single: Source, tmp_path: Path) -> None:
    (tmp_path / npz_file.READER).mkdir()
    with pytest.raises(UsageError, match=r"got files that are there: \S*npz_reader.py"):
        write_export(single, "numpy", tmp_path / "net.npz")
    with pytest.raises(StorageError, match=r"cannot write \S*npz_reader.py: Is a directory; name"):
        write_export(single, "numpy", tmp_path / "net.npz", force=True)
    assert len(list(tmp_path.iterdir())) == 2


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


def spoilt_by_int8(kept_study: Path, path: Path) -> Source:
    """A model with a huge weight on a pixel that is white in all test images."""
    model = read_source(f"{kept_study}:softmax").models[0]
    kernel, bias = model.layers[-1].get_weights()
    kernel[0] = 1000
    model.layers[-1].set_weights([kernel, bias])
    model.save(path)
    return read_source(str(path), dataset="mnist")


def test_weights_that_int8_would_spoil_are_kept_as_float16(
    kept_study: Path, tmp_path: Path
) -> None:
    source = spoilt_by_int8(kept_study, tmp_path / "huge.keras")
    done = write_export(source, "html", tmp_path / "page.html")
    cost, refused = done.facts["weights"], done.facts["weights_refused"]
    assert (cost["kind"], refused["kind"]) == ("float16", "int8")
    assert cost["accuracy"] - cost["accuracy_rounded"] <= 0.002
    assert refused["accuracy"] - refused["accuracy_rounded"] > 0.1
    assert done.parity.reference == "the weights rounded to float16 in NumPy"
    said = (
        f"int8 would read {100 * refused['accuracy_rounded']:.2f} % instead of "
        f"{100 * refused['accuracy']:.2f} %, which loses more than 0.2 points, so float16 is taken"
    )
    assert said[1:] in " ".join(told(done).split())
    assert said in done.path.read_text()
    assert page_file.read(done.path).facts == done.facts


@pytest.mark.parametrize("kind", ["absent", "old", "broken"])
def test_without_a_program_that_runs_a_page_its_weights_are_run_in_numpy(
    single: Source, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind != "absent":
        program(tmp_path / "node", {"old": "#!/bin/sh\nexit 1\n", "broken": "#!/none\n"}[kind])
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(page_runner, "MACOS", tmp_path / "none")
    done = write_export(single, "html", tmp_path / "page.html")
    assert done.parity.reader == (
        "NumPy with the weights in the page (no Node or Chromium here runs its own code)"
    )
    assert done.parity.labels_that_differ == 0
