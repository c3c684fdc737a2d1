"""Conversions outlive kill -9, a full disk, Ctrl-C, a table that changes and a second process."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mlplab
from mlplab import DataError, StorageError
from mlplab.data import csv_parts, parts, work

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys, time
from pathlib import Path
from mlplab.data import convert, csv_parts, parts, work
csv_parts.PART_BYTES = 4096
parts.VALUES_AT_ONCE = 400
table, to, rows, file = sys.argv[1:]
features = Path(to).with_name(f".{Path(to).name}.converting") / "x"
write = work.to_disk
def held(stream):
    write(stream)
    if file in Path(stream.name).name and features.stat().st_size >= 12 * int(rows):
        print("held", flush=True)
        time.sleep(600)
work.to_disk = held
convert(table, to, target="way", test=100)
"""
NEVER = 10_000
"""More rows than the tables have."""


@pytest.fixture(params=["t.csv", "t.parquet"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(2000, 3)), columns=list("abc"))
    frame["way"] = rng.choice(["up", "down", 'side, "ways"'], 2000)
    path = tmp_path / request.param
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, row_group_size=700)
    return path


def start(table: Path, to: Path, rows: int = NEVER, file: str = "x") -> subprocess.Popen[str]:
    """Convert in a process that holds on when so many rows are there, at the writing of a file."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, table, to, str(rows), file],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    if rows != NEVER:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
    return process


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def rows_done(to: Path) -> int:
    path = to.with_name(f".{to.name}.converting") / "x"
    return path.stat().st_size // 12 if path.exists() else 0


def test_kill_9_and_on(table: Path, tmp_path: Path) -> None:
    mlplab.convert(table, tmp_path / "whole", target="way", test=100)
    to, seen = tmp_path / "to", []
    for rows, file in ((100, "x"), (500, "y"), (1000, "state"), (1900, "x")):
        process = start(table, to, rows, file)
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert not to.exists()
        seen.append(rows_done(to))
    assert seen == sorted(seen)
    assert seen[-1] >= 1900
    process = start(table, to)
    assert process.communicate() == ("", "")
    assert contents(to) == contents(tmp_path / "whole")
    assert not to.with_name(".to.converting").exists()


def test_a_second_try_reads_what_is_missing_alone(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to, begun = tmp_path / "to", []
    process = start(table, to, 1000)
    process.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in process.communicate()[1]
    for kind in (csv_parts.CsvParts, parts.ParquetParts):
        monkeypatch.setattr(kind, "read", _noting(kind.read, begun))
    mlplab.convert(table, to, target="way", test=100)
    assert len(begun) == 1
    assert begun[0] >= (900 if table.suffix == ".parquet" else 10_000)


def _noting(read: Any, begun: list[int]) -> Any:
    def noted(self: Any, start: csv_parts.Place) -> Any:
        begun.append(start.at)
        return read(self, start)

    return noted


def test_more_than_is_known_of_is_cut_off(table: Path, tmp_path: Path) -> None:
    mlplab.convert(table, tmp_path / "whole", target="way", test=100)
    process = start(table, tmp_path / "to", 500)
    process.kill()
    process.communicate()
    for name in ("x", "y"):  # as if the power had gone before what is known was written
        with (tmp_path / ".to.converting" / name).open("ab") as stream:
            stream.write(b"half of an exam")
    mlplab.convert(table, tmp_path / "to", target="way", test=100)
    assert contents(tmp_path / "to") == contents(tmp_path / "whole")


@pytest.mark.parametrize("change", ["table", "target", "state"])
def test_what_has_changed_begins_anew(change: str, table: Path, tmp_path: Path) -> None:
    process = start(table, tmp_path / "to", 500)
    process.kill()
    process.communicate()
    frame = pd.read_csv(table) if table.suffix == ".csv" else pd.read_parquet(table)
    target = "way"
    if change == "table":
        frame = frame[::-1]
        frame.to_csv(table, index=False) if table.suffix == ".csv" else frame.to_parquet(table)
    elif change == "target":
        frame["c"], frame["way"] = frame["way"], frame["c"]
        frame.to_csv(table, index=False) if table.suffix == ".csv" else frame.to_parquet(table)
        target = "c"
    else:
        (tmp_path / ".to.converting" / "state.json").write_text('{"asked"')
    converted = mlplab.convert(table, tmp_path / "to", target=target, test=100)
    loaded = mlplab.load(table, target=target, test=100)
    assert converted.fingerprint == loaded.fingerprint


@pytest.mark.parametrize("where", [0.05, 0.6, -7, -5, -2, -1])
def test_a_full_disk(
    where: float, tmp_path: Path, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_parts, "PART_BYTES", 8192)
    monkeypatch.setattr(parts, "VALUES_AT_ONCE", 400)
    calls, failing = [], 0

    def to_disk(stream: Any) -> None:
        calls.append(stream)
        if len(calls) == failing:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        stream.flush()

    with monkeypatch.context() as patch:
        patch.setattr(work, "to_disk", to_disk)
        patch.setattr("mlplab.data.finish.to_disk", to_disk)
        expected = mlplab.convert(table, tmp_path / "whole", target="way", test=100)
        failing = 1 + (len(calls) + where if where < 0 else int(len(calls) * where))
        calls.clear()
        with pytest.raises(StorageError) as caught:
            mlplab.convert(table, tmp_path / "to", target="way", test=100)
    assert str(caught.value) == (
        f"cannot write {tmp_path / 'to'}: No space left on device; "
        "the same command goes on where this one stopped"
    )
    assert not (tmp_path / "to").exists()
    converted = mlplab.convert(table, tmp_path / "to", target="way", test=100)
    assert converted.fingerprint == expected.fingerprint


def test_one_process_at_a_time(table: Path, tmp_path: Path) -> None:
    process = start(table, tmp_path / "to", 100)
    with pytest.raises(DataError, match="another process is converting a table to"):
        mlplab.convert(table, tmp_path / "to", target="way")
    process.kill()
    process.communicate()
    assert (tmp_path / ".to.lock").exists()


def test_what_is_there_stays(table: Path, tmp_path: Path) -> None:
    (tmp_path / "to").mkdir()
    with pytest.raises(DataError, match="is there already; give another name, or remove it first"):
        mlplab.convert(table, tmp_path / "to", target="way")
    assert list((tmp_path / "to").iterdir()) == []
    mlplab.convert(table, tmp_path / "new" / "to", target="way")
    before = contents(tmp_path / "new" / "to")
    left = tmp_path / "new" / ".to.converting"
    left.mkdir()
    (left / "state.json").touch()  # of another conversion to that name, which is not whole
    with pytest.raises(DataError, match="is there already"):
        mlplab.convert(table, tmp_path / "new" / "to", target="way")
    assert (left / "state.json").exists()
    (left / "naming").touch()  # killed when all but that was done
    with pytest.raises(DataError, match="is there already"):
        mlplab.convert(table, tmp_path / "new" / "to", target="way")
    assert contents(tmp_path / "new" / "to") == before
    assert not left.exists()
