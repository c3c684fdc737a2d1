"""The benchmark of large tables, on a small one, into a page."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.large_data import COMMAND, OURS, main
from benchmarks.marks import END, begin_mark

PEER = "Keras on JAX, PyDataset"


def test_it_writes_its_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"{begin_mark(COMMAND)}\nold\n{END}\n")
    sizes = ["--rows", "3000", "4000", "5000"]
    main([*sizes, "--peers", PEER, "--page", str(page), "--folder", str(tmp_path)])
    rows = [line.strip("| ").split("|") for line in page.read_text().splitlines() if ",000" in line]
    assert [(row[0].strip(), row[1].strip()) for row in rows] == [
        *(("convert csv", "3,000"), ("convert parquet", "3,000"), (OURS, "3,000"), (PEER, "3,000")),
        *(("convert parquet", "4,000"), (OURS, "4,000")),
        *(("convert parquet", "5,000"), (OURS, "5,000"), (PEER, "5,000")),
    ]
    assert all(float(cell.replace(",", "")) > 0 for row in rows for cell in row[1:])
    assert list(tmp_path.iterdir()) == [page]
    assert "28-300-300-2, batches of 512" in capsys.readouterr().out
