"""Figures are kept between calls, and only while they can be compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from benchmarks.kept import Kept

from benchmarks import machine


@pytest.fixture(scope="module")
def here() -> dict[str, Any]:
    return machine.describe()


def test_figures_come_back_in_the_order_asked_for(tmp_path: Path, here: dict[str, Any]):
    Kept(tmp_path / "piece.json", here).keep("late", {"seconds": [1.5]})
    Kept(tmp_path / "piece.json", here).keep("early", {"seconds": [0.5]})
    kept = Kept(tmp_path / "piece.json", here)
    assert "late" in kept
    assert "other" not in kept
    assert list(kept.figures(("early", "other", "late")).items()) == [
        ("early", {"seconds": [0.5]}),
        ("late", {"seconds": [1.5]}),
    ]


@pytest.mark.parametrize("name", ["processor", "cores", "isa", "core"])
def test_figures_of_another_machine_or_core_do_not(tmp_path: Path, here: dict[str, Any], name: str):
    Kept(tmp_path / "piece.json", here | {name: "another"}).keep("one", 1)
    kept = Kept(tmp_path / "piece.json", here)
    assert kept.figures(("one",)) == {}
    assert kept.n_elsewhere == 1


def test_nor_those_of_another_jax(tmp_path: Path, here: dict[str, Any]):
    older = here | {"versions": here["versions"] | {"jax": "0.1"}}
    Kept(tmp_path / "piece.json", older).keep("one", 1)
    assert Kept(tmp_path / "piece.json", here).figures(("one",)) == {}
