"""The benchmark of trackers, on digits, into a page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from benchmarks.marks import END, begin_mark
from benchmarks.tracked import COMMAND, TRACKERS, Turn, main, ratio, turn

from mlplab.trackers import TRACKERS as ALL


def test_it_writes_its_line(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{begin_mark(COMMAND)}\nold\n{END}\nafter\n")
    small = ["--dataset", "digits", "--seeds", "1", "--epochs", "1", "--turns", "1"]
    main([*small, "--page", str(page)])
    text = page.read_text()
    assert "old" not in text
    assert (text.startswith("before\n"), text.endswith("after\n")) == (True, True)
    assert "1 runs of relu-2 on digits, 1 epochs each, with all four trackers" in text
    ratios = re.findall(r"([\d.]+) \([\d.]+ to [\d.]+\) times", text)
    assert len(ratios) == 2
    assert all(float(one) > 0 for one in ratios)


def test_it_is_about_every_tracker_there_is() -> None:
    assert list(TRACKERS) == list(ALL)


def test_the_middle_of_ratios_of_pairs() -> None:
    found = [(Turn(1.0, 10.0), Turn(1.5, 20.0)), (Turn(2.0, 10.0), Turn(2.0, 40.0))]
    assert ratio(found, "training") == "1.250 (1.000 to 1.500)"
    assert ratio(found, "whole") == "3.000 (2.000 to 4.000)"


def test_a_study_that_cannot_run_is_not_timed() -> None:
    with pytest.raises(SystemExit, match="error: mlplab run said: mlplab: error: "):
        turn("[study]\n", tracked=False)
