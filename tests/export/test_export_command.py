"""``mlplab export`` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlplab import Dataset
from mlplab.data.drawn import KINDS
from mlplab.data.drawn_set import drawn_set
from mlplab.export import npz_file, page_file
from tests.cli.conftest import Program, mlplab_

__all__ = ["mlplab_"]


def test_it_says_what_it_wrote_and_that_it_was_checked(
    mlplab_: Program, kept_study: Path, tmp_path: Path
) -> None:
    shown = mlplab_("export", f"{kept_study}:bn-dropout-3", "--to", "numpy").stdout
    assert shown.startswith("bn-dropout-3-seed0.npz: 2.76 MB, with npz_reader.py beside it\n")
    words = " ".join(shown.split())
    assert "seed 0 (the lowest whose model is kept, chosen without a look at any score)" in words
    assert "over 10,000 test examples and compared with Keras's predict" in words
    assert "labels that differ: none. Drawn-like accuracy 0." in words
    rows = [line.split() for line in shown.splitlines()[-11:]]
    assert [row[0] for row in rows] == ["clean", *KINDS]
    facts = npz_file.read(tmp_path / "bn-dropout-3-seed0.npz").facts
    kinds = facts["drawn_like"]["kinds"]
    assert rows[-1][1:] == [f"{kinds['inverted'][how]:.3f}" for how in ("raw", "framed")]
    framed = [kind["framed"] for kind in kinds.values()]
    assert facts["drawn_like"]["accuracy"] == pytest.approx(sum(framed) / len(framed))
    assert facts["drawn_like"]["clean"]["framed"] > 0.9 > kinds["turned"]["framed"]
    assert facts["seeds"] == [0]


def test_a_page_is_checked_from_keras_to_its_own_code(
    mlplab_: Program, kept_study: Path, mnist: Dataset, tmp_path: Path
) -> None:
    shown = mlplab_("export", f"{kept_study}:bn-dropout-3", "--to", "html").stdout
    path = tmp_path / "bn-dropout-3-seed0.html"
    assert shown.startswith(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB\n")
    assert list(tmp_path.iterdir()) == [path]
    words = " ".join(shown.split())
    before, rounding, after = (
        words.index(part)
        for part in (
            "Before rounding, run by NumPy with the arrays read from the model over 10,000 test "
            "examples and compared with Keras's predict: largest difference of probabilities ",
            "Weights as int8: 9",
            "Run by the page's own code in ",
        )
    )
    assert before < rounding < after
    assert words[before:].count("labels that differ: none.") == 2
    facts = page_file.read(path).facts
    assert facts["as_read"]["n_examples"] == facts["parity"]["n_examples"] == 10_000
    assert facts["parity"]["labels_that_differ"] == facts["as_read"]["labels_that_differ"] == 0
    # What is drawn is read with rounded weights, so the drawn-like accuracy is of these.
    read = drawn_set(mnist).accuracies(page_file.read(path).probabilities)
    assert facts["drawn_like"] == {**read, "weights": "int8"}
    assert "pictures each; weights as int8</dd>" in path.read_text()


def test_json_and_an_ensemble(mlplab_: Program, small_study: Path, tmp_path: Path) -> None:
    command = ("export", f"{small_study}:small:7", "--to", "numpy", "-o", "deep/n.npz", "--json")
    content = json.loads(mlplab_(*command).stdout)
    assert content["file"] == "deep/n.npz"
    assert content["beside"] == ["deep/npz_reader.py"]
    assert content["bytes"] == (tmp_path / "deep/n.npz").stat().st_size
    assert content["facts"] == npz_file.read(tmp_path / "deep/n.npz").facts
    error = mlplab_(*command, code=2).stderr
    assert error.startswith("mlplab: error: expected new files to write, got files that are there")
    error = mlplab_("export", f"{small_study}:small", "--to", "numpy", "--ensemble", code=2).stderr
    assert "got none of small seed 0" in error
