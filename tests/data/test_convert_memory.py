"""A conversion's private memory does not grow with the table."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.memory import bytes_taken

PROGRAM = """
import sys
import mlplab
from benchmarks.memory import private_memory, watching
from mlplab.data import csv_parts, lazy, parts, splits

csv_parts.PART_BYTES, parts.VALUES_AT_ONCE = 1 << 20, 1 << 17
splits.BLOCK_ROWS, lazy.PART_BYTES = 1 << 16, 1 << 20
begun = private_memory()
with watching(every=0.002) as peak:
    mlplab.convert(sys.argv[1], sys.argv[1] + "-to", target="way", test=2000)
print(peak() - begun)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells private memory from mapped files")
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_it_is_that_of_a_part(kind: str, tmp_path: Path) -> None:
    rng, peaks = np.random.default_rng(0), []
    for rows in (1_000_000, 2_000_000):
        frame = pd.DataFrame(rng.integers(0, 100, (rows, 8)), columns=list("abcdefgh"))
        frame["way"] = np.where(frame.a > 50, "up", "down")
        table = tmp_path / f"{rows}.{kind}"
        if kind == "csv":
            frame.to_csv(table, index=False)
        else:
            frame.to_parquet(table, row_group_size=1 << 16)
        # pyarrow's usual pool of memory keeps now more, now less
        peaks.append(bytes_taken(PROGRAM, table, ARROW_DEFAULT_MEMORY_POOL="system"))
    # The arrays differ by 40 MB, the CSV files by 25 MB.
    assert peaks[1] - peaks[0] < 8 << 20, peaks
