"""``convert`` gives what ``load`` gives, part by part: the same arrays, or the same error."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mlplab
from mlplab import DataError, Dataset
from mlplab.data import csv_parts, parts

SMALL = (16, 64, 1 << 24)
"""Bytes of a part: a line or two, some lines, everything."""


def outcome(made: Any) -> Any:
    """What a call returns, or what its error says."""
    try:
        return made()
    except DataError as error:
        return str(error)


def content(dataset: Dataset) -> dict[str, Any]:
    arrays = {f"{s}.{n}": getattr(split, n) for s, split in dataset.splits.items() for n in "xy"}
    return {name: (array.dtype, array.tolist()) for name, array in arrays.items()} | {
        "names": (dataset.class_names, dataset.feature_names),
        "summary": {
            key: value
            for key, value in dataset.summary().items()
            if key not in ("name", "source", "load_options")
        },
    }


def check_alike(path: Path, to: Path, **options: Any) -> Dataset | str:
    """Check that a table converts to what ``load`` makes of it; return that."""
    loaded = outcome(lambda: mlplab.load(path, **options))
    converted = outcome(lambda: mlplab.convert(path, to, **options))
    if isinstance(loaded, str):
        # An error of the whole Dataset names it; a converted one has the folder's name.
        assert converted == loaded.replace(f"dataset {path.stem}:", f"dataset {to.name}:")
        assert sorted(p.name for p in to.parent.iterdir() if p.name.startswith(f".{to.name}")) == [
            f".{to.name}.lock"
        ] or not list(to.parent.glob(f".{to.name}*"))
        return loaded
    assert not isinstance(converted, str), converted
    assert content(converted) == content(loaded)
    assert converted.source == str(to.resolve())
    assert content(mlplab.load(to)) == content(loaded)
    shutil.rmtree(to)
    return loaded


def lines(*rows: str, end: str = "\n") -> bytes:
    return "".join(row + end for row in rows).encode()


def with_labels(*values: str, repeat: int = 6) -> bytes:
    """A table whose labels are these, over and over."""
    return lines("a,b,way", *(f"{i},{i * 0.37 - 1},{v}" for i in range(repeat) for v in values))


HEAD, EIGHT = "a,b,way", [f"{i},{i / 7},{i % 2}" for i in range(8)]

TABLES = {
    "integers": with_labels("0", "1", "2"),
    "words": with_labels("up", "down", "à côté"),
    "truth values": with_labels("True", "False"),
    "truth values, other spellings": with_labels("TRUE", "false"),
    "quotes": with_labels('"up, up"', '"say ""no"""', '5" disk'),
    "a quote within a field": with_labels('5" disk', 'a "word" in it'),
    "line ends in quotes": with_labels('"up\nup"', '"down\r\ndown"', "flat"),
    "words that look like numbers": with_labels("1", "2", "x"),
    "numbers of classes that are no integers": with_labels("0.0", "1.0"),
    "words late": lines(HEAD, *EIGHT * 3, "1,1,x", "2,2,x"),
    "truth values, then words": lines(HEAD, *["1,2,True", "3,4,False"] * 9, "1,1,x", "2,2,x"),
    "blank lines": lines("", HEAD, "", *EIGHT, "", "  ", *EIGHT, ""),
    "no end of the last line": lines(HEAD, *EIGHT) + b"1,2,0",
    "CR LF": lines(HEAD, *EIGHT, end="\r\n"),
    "bare CR": lines(HEAD, *EIGHT, end="\r"),
    "byte order mark": b"\xef\xbb\xbf" + lines(HEAD, *EIGHT),
    "byte order mark and quotes": b"\xef\xbb\xbf" + lines('"a","b","way"', *EIGHT),
    "names twice": lines("a,a,way", *EIGHT),
    "a name that is missing": lines("a,,way", *EIGHT),
    "columns of truth values": lines("a,b,way", *["True,1,0", "False,2,1"] * 5),
    "big integers": lines(HEAD, *[f"{2**63 + i},{2**53 + i},{i % 2}" for i in range(8)]),
    "bytes": lines(HEAD, *[f"{i},{255 - i},{i % 2}" for i in range(256)]),
    "fewer fields, which are missing": lines(HEAD, *EIGHT, "1,2"),
    "a row more in the header": lines(HEAD, *(f"{i},{row}" for i, row in enumerate(EIGHT))),
    # what is refused
    "no rows": lines(HEAD),
    "nothing": b"",
    "a word among features": lines(HEAD, *EIGHT * 3, "red,1,0"),
    "a word at once": lines(HEAD, "red,1,0", *EIGHT),
    "truth values among numbers": lines(HEAD, *EIGHT, "True,1,0"),
    "numbers among truth values": lines(HEAD, *["True,1,0", "False,2,1"] * 5, "0,1,0"),
    "missing features": lines(HEAD, *EIGHT, "1,,0", ",,1", "2,3,1"),
    "too large for float32": lines(HEAD, *EIGHT, "1e39,1,0", "-inf,1,0"),
    "missing labels": lines(HEAD, *EIGHT, "1,2,", "1,2,"),
    "missing words": lines(HEAD, "1,2,x", "3,4,y", "5,6,", "1,2,x", "1,2,y"),
    "labels that are no integers": lines(HEAD, *EIGHT, "1,2,1.5"),
    "infinite labels": lines(HEAD, *EIGHT, "1,2,inf"),
    "everything at once": lines(HEAD, *EIGHT, ",inf,1.5", "1,2,"),
    "gaps": lines(HEAD, *EIGHT, "1,2,3"),
    "labels below 0": lines(HEAD, *EIGHT, "1,2,-1"),
    "labels that are large": lines(HEAD, *EIGHT, f"1,2,{2**40}"),
    "one class": lines(HEAD, *["1,2,x"] * 5),
    "one of a class": lines(HEAD, *EIGHT, "1,2,2"),
    "more fields": lines(HEAD, *EIGHT, "1,2,0,4", *EIGHT),
    "no UTF-8": lines(HEAD, *EIGHT) + b"1,2,\xff\xfe\n",
}


@pytest.mark.parametrize("size", SMALL)
@pytest.mark.parametrize("name", TABLES)
def test_a_csv_file(name: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_parts, "PART_BYTES", size)
    (tmp_path / "t.csv").write_bytes(TABLES[name])
    check_alike(tmp_path / "t.csv", tmp_path / "to", target="way")


@pytest.mark.parametrize("values", [7, 1 << 21])
@pytest.mark.parametrize(
    "columns",
    [
        {"a": np.arange(40, dtype=np.uint8), "way": np.arange(40) % 4},
        {"a": np.arange(40, dtype=np.float16), "b": np.arange(40) % 2 == 0, "way": ["x", "y"] * 20},
        {"a": pd.array([*range(40)], "Int64"), "way": pd.Categorical(["no", "yes"] * 20)},
        {"a": pd.array([*range(39), None], "Int64"), "way": ["x", "y"] * 20},
        {"a": [*range(39), None], "way": [True, False] * 20},
        {"a": np.arange(40), "way": [True, False] * 19 + [None, True]},
        {"a": np.arange(40), "way": [0, 1] * 19 + [None, 1]},
        {"a": np.arange(40), "b": ["x"] * 40, "way": [0, 1] * 20},
        {"a": np.arange(0), "way": np.arange(0)},
    ],
)
@pytest.mark.parametrize("index", [False, True])
def test_a_parquet_file(
    columns: dict[str, Any],
    index: bool,
    values: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parts, "VALUES_AT_ONCE", values)
    frame = pd.DataFrame(columns)
    frame.index = frame.index[::-1] if index else frame.index
    frame.to_parquet(tmp_path / "t.parquet", row_group_size=15)
    check_alike(tmp_path / "t.parquet", tmp_path / "to", target="way", test=10)


@pytest.mark.parametrize("seed", range(8))
def test_random_tables(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(seed)
    monkeypatch.setattr(csv_parts, "PART_BYTES", int(rng.integers(20, 4000)))
    rows, columns = int(rng.integers(200, 400)), int(rng.integers(1, 6))
    frame = pd.DataFrame(rng.normal(size=(rows, columns)) * 10.0 ** rng.integers(-9, 9, columns))
    words = ['p, "q"', "r\ns", "t", "\u00fc"][: int(rng.integers(2, 5))]
    frame["way"] = rng.choice(words, rows) if seed % 2 else rng.integers(0, len(words), rows)
    frame.to_csv(tmp_path / "t.csv", index=False, lineterminator=["\n", "\r\n"][seed // 2 % 2])
    dataset = check_alike(tmp_path / "t.csv", tmp_path / "to", target="way", test=0.3)
    assert isinstance(dataset, Dataset)


def test_the_same_examples_are_held_out_block_by_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlplab.data.splits.BLOCK_ROWS", 32)
    (tmp_path / "t.csv").write_bytes(with_labels("x", "y", "y", repeat=100))
    dataset = check_alike(tmp_path / "t.csv", tmp_path / "to", target="way", test=60)
    assert isinstance(dataset, Dataset)
    assert dataset.class_counts() == {"train": [80, 160], "test": [20, 40]}


@pytest.mark.parametrize("target", [None, "wya"])
def test_a_target_that_is_not_there(target: str | None, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(TABLES["words"])
    assert isinstance(check_alike(tmp_path / "t.csv", tmp_path / "to", target=target), str)


def test_a_column_of_names_is_no_column_of_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlplab.data.tally.MOST_WORDS", 5)
    (tmp_path / "t.csv").write_bytes(lines(HEAD, *(f"1,2,n{i}" for i in range(9))))
    with pytest.raises(DataError, match="expected classes in column 'way', got more than"):
        mlplab.convert(tmp_path / "t.csv", tmp_path / "to", target="way")


def test_a_quote_that_is_never_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_parts, "PART_BYTES", 1 << 10)
    monkeypatch.setattr(csv_parts, "MOST_BYTES", 1 << 12)
    (tmp_path / "t.csv").write_bytes(lines(HEAD, '1,2,"x', *EIGHT * 500))
    with pytest.raises(DataError, match="is there a quote that is never closed"):
        mlplab.convert(tmp_path / "t.csv", tmp_path / "to", target="way")


@pytest.mark.parametrize("name", ["t.txt", "t.csv.gz", "folder.parquet"])
def test_what_is_no_table(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(DataError, match="expected a table, one file whose name ends in"):
        mlplab.convert(tmp_path / name, tmp_path / "to", target="way")


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file or folder"):
        mlplab.convert(tmp_path / "t.csv", tmp_path / "to", target="way")


def test_what_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(DataError, match=r"t\.parquet is no Parquet file: Parquet magic bytes not"):
        mlplab.convert(tmp_path / "t.parquet", tmp_path / "to", target="way")


def test_a_quote_that_is_never_closed_is_found_soon(tmp_path: Path) -> None:
    """Also a long one: a search that keeps each byte's way back takes a hundred times its size."""
    (tmp_path / "t.csv").write_bytes(b'a,way\n1,x\n2,"' + b"y" * (csv_parts.MOST_BYTES + 1))
    program = (
        "import resource, sys, mlplab\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (3 << 30, 3 << 30))\n"
        "try: mlplab.convert('t.csv', 'to', target='way')\n"
        "except mlplab.DataError as error: print(error)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert said.stdout == (
        "t.csv is no CSV file: a record is longer than 64 MB; "
        "is there a quote that is never closed?\n"
    )


def test_words_that_look_like_numbers_stay_words_in_long_files(tmp_path: Path) -> None:
    rows = "".join(f"{n % 7},0{n % 2}\n" for n in range(150_000))
    (tmp_path / "t.csv").write_text(f"a,way\n{rows}1,x\n2,x\n")
    loaded = mlplab.load(tmp_path / "t.csv", target="way")
    assert loaded.class_names == ("00", "01", "x")
    converted = mlplab.convert(tmp_path / "t.csv", tmp_path / "to", target="way")
    assert converted.fingerprint == loaded.fingerprint


def test_numbers_that_name_examples_are_no_classes(tmp_path: Path) -> None:
    rows = pd.DataFrame({"a": np.zeros(140_000), "way": np.arange(140_000) // 2})
    rows.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match="expected at most 65,536 classes, got 70,000"):
        mlplab.convert(tmp_path / "t.parquet", tmp_path / "to", target="way")
    assert not (tmp_path / ".to.converting").exists()
