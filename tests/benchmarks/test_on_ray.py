"""The benchmark of Ray, on a few short runs, into a page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from benchmarks.marks import END, begin_mark
from benchmarks.on_ray import COMMAND, Bench, OnWorkers, main, parse

from mlplab import Dataset


def test_it_writes_its_tables(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{begin_mark(COMMAND)}\nold\n{END}\nafter\n")
    small = ["--runs", "3", "--epochs", "1", "2", "--turns", "1", "--workers", "1"]
    main([*small, "--page", str(page)])
    text = page.read_text()
    assert "old" not in text
    assert (text.startswith("before\n"), text.endswith("after\n")) == (True, True)
    assert "3 runs of softmax on digits" in text
    rows = re.findall(r"^\| (\d+) +\| +1 \| +([\d.]+) \| +([\d.]+) \| +(-?\d+) \|$", text, re.M)
    assert [row[0] for row in rows] == ["1", "2"]
    [start, first] = re.findall(r"^\| 1 +\| +([\d.]+) \| +([\d.]+) \|$", text, re.M)[0]
    assert float(start) > 0
    assert float(first) > 0


def test_other_networks_than_without_ray_end_it(digits: Dataset) -> None:
    bench = Bench(parse(["--runs", "2", "--epochs", "1", "--turns", "1"]), digits)
    assert len(bench.timed(None)) == 1
    assert bench.without_ray(10_000) == []  # more cores than any machine has
    bench.answers = [b"something else"]
    with pytest.raises(SystemExit, match="the networks on Ray are not those without it"):
        bench.timed(None)


def test_what_a_run_costs_more(digits: Dataset) -> None:
    bench = Bench(parse(["--runs", "200", "--epochs", "1"]), digits)
    assert bench.more_a_run(1.0) == 5.0
    found = [OnWorkers(1, 2.0, 3.0, [4.0]), OnWorkers(2, 2.0, 3.0, [2.0])]
    studies, starts = (text for text in bench.tables(found, {1: [3.0]}) if text.startswith("|"))
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in studies.splitlines()[2:]]
    assert rows == [["1", "1", "4.0", "3.0", "5"], ["1", "2", "2.0", "–", "–"]]
    assert "| 1       |           2.0 |" in starts
