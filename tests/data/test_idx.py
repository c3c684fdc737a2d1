"""IDX files: what is written is read, and what is damaged is told."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from mlplab.data import Dataset, idx
from mlplab.errors import DataError

DTYPES = [dtype.newbyteorder("=") for dtype in idx.DTYPES.values()]
SMALL = idx.dump(np.arange(6, dtype=np.uint8).reshape(2, 3))


@given(
    npst.arrays(
        st.sampled_from(DTYPES),
        npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    )
)
def test_what_is_dumped_is_parsed(array: np.ndarray) -> None:
    back = idx.parse(idx.dump(array))
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()


@given(st.binary(max_size=40))
def test_any_bytes_are_an_array_or_a_data_error(data: bytes) -> None:
    try:
        array = idx.parse(data)
    except DataError:
        return
    assert idx.dump(array) == data


@pytest.mark.parametrize("name", ["a-idx2", "a-idx2.gz"])
def test_files_plain_and_gzip(tmp_path: Path, name: str) -> None:
    array = np.array([[1.5, -2.0]], dtype=np.float32)
    idx.write(tmp_path / name, array)
    np.testing.assert_array_equal(idx.read(tmp_path / name), array, strict=True)
    assert (tmp_path / name).read_bytes().startswith(b"\x1f\x8b") == name.endswith(".gz")


def test_a_parsed_array_can_be_written_to() -> None:
    array = idx.parse(SMALL)
    array[0, 0] = 9
    assert array[0, 0] == 9


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            b"PK\x03\x04rest",
            "X is no IDX file: expected it to start with 00 00 and a type byte of "
            "08, 09, 0B, 0C, 0D or 0E, got 50 4B 03 04",
        ),
        (
            b"",
            "X is no IDX file: expected it to start with 00 00 and a type byte of "
            "08, 09, 0B, 0C, 0D or 0E, got no bytes",
        ),
        (SMALL[:9], "X is truncated: its header takes 12 bytes, it has 9"),
        (SMALL[:-1], "X is truncated: shape (2, 3) of uint8 takes 18 bytes, it has 17"),
        (SMALL + b"!!", "X is too long: shape (2, 3) of uint8 takes 18 bytes, it has 20"),
    ],
)
def test_damaged_bytes(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        idx.parse(data, "X")


def test_a_truncated_gzip_file(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(SMALL)[:-9])
    with pytest.raises(DataError, match=r"a\.gz is a damaged gzip file: "):
        idx.read(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^cannot read .*/none: No such file or directory$"):
        idx.read(tmp_path / "none")


def test_a_type_that_idx_has_not() -> None:
    with pytest.raises(
        DataError, match=r"^IDX holds uint8, .*, float64; got int64: convert it with astype$"
    ):
        idx.dump(np.zeros(3, dtype=np.int64))


def test_mnists_first_image_is_the_five(mnist: Dataset) -> None:
    assert mnist.train.x.shape == (60_000, 28, 28)
    assert mnist.test.x.shape == (10_000, 28, 28)
    assert mnist.train.y[0] == 5
    assert mnist.train.x[0, 5, 12:].tolist() == [
        3,
        18,
        18,
        18,
        126,
        136,
        175,
        26,
        *(166, 255, 247, 127),
        *(0,) * 4,
    ]
