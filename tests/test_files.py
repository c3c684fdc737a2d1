"""Files are written whole or not at all, by many at once too."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from mlplab.errors import StorageError
from mlplab.files import whole, writing


def test_what_goes_wrong_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def half() -> None:
        with whole(path) as partial:
            partial.write_text("half")
            assert path.read_text() == "old"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]


def test_many_who_write_one_file_do_not_write_into_each_others(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    together = threading.Barrier(8)

    def write(digit: str) -> None:
        with whole(path) as partial, partial.open("w") as stream:
            for _ in range(1000):
                stream.write(digit)
                stream.flush()
            together.wait()

    threads = [threading.Thread(target=write, args=(str(digit),)) for digit in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]
    assert len(path.read_text()) == 1000
    assert len(set(path.read_text())) == 1


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "a.txt"
    with pytest.raises(StorageError) as raised, writing(path), whole(path) as partial:
        partial.write_text("")
    assert str(raised.value) == f"cannot write {path}: Not a directory"
