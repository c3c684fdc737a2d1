"""IDX, the file format of MNIST: a magic number, the shape, then the values in C order.

    byte 0, 1    0 0
    byte 2       type of the values (see ``DTYPES``)
    byte 3       number of dimensions d
    4 d bytes    the shape, big-endian 32-bit integers
    the rest     the values, big-endian

Source: "The MNIST database of handwritten digits", Yann LeCun, section "File formats".
"""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mlplab.errors import DataError

Array = npt.NDArray[Any]

DTYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype("u1"),
    0x09: np.dtype("i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
_CODES = {dtype: code for code, dtype in DTYPES.items()}
GZIP_MAGIC = b"\x1f\x8b"


def parse(data: bytes, name: str = "IDX data") -> Array:
    """Read an array from uncompressed IDX bytes.

    Args:
        data: the bytes, header included.
        name: what to call the bytes in an error.

    Returns:
        A writable array in the machine's byte order.

    Raises:
        DataError: if the magic number is none, or bytes are missing or left over.

    Examples:
        >>> parse(bytes([0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 4]))
        array([5, 0, 4], dtype=uint8)
    """
    dtype, shape, start = _header(data, name)
    expected = start + dtype.itemsize * int(np.prod(shape, dtype=np.int64))
    if len(data) != expected:
        what = "truncated" if len(data) < expected else "too long"
        raise DataError(
            f"{name} is {what}: shape {shape} of {dtype.name} takes {expected} bytes, "
            f"it has {len(data)}"
        )
    values = np.frombuffer(data, dtype=dtype, offset=start).reshape(shape)
    return values.astype(dtype.newbyteorder("="))


def _header(data: bytes, name: str) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Type, shape, and where the values start."""
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in DTYPES:
        raise DataError(
            f"{name} is no IDX file: expected it to start with 00 00 and a type byte of "
            f"08, 09, 0B, 0C, 0D or 0E, got {data[:4].hex(' ').upper() or 'no bytes'}"
        )
    n_dims = data[3]
    start = 4 + 4 * n_dims
    if len(data) < start:
        raise DataError(f"{name} is truncated: its header takes {start} bytes, it has {len(data)}")
    return DTYPES[data[2]], struct.unpack(f">{n_dims}I", data[4:start]), start


def dump(array: Array) -> bytes:
    """Write an array as uncompressed IDX bytes.

    Args:
        array: values of a type that IDX knows: uint8, int8, int16, int32, float32 or float64.

    Raises:
        DataError: if IDX has no such type.

    Examples:
        >>> dump(np.array([5, 0, 4], dtype=np.uint8)).hex(" ")
        '00 00 08 01 00 00 00 03 05 00 04'
    """
    big_endian = array.dtype.newbyteorder(">")
    if big_endian not in _CODES:
        known = ", ".join(dtype.name for dtype in DTYPES.values())
        raise DataError(f"IDX holds {known}; got {array.dtype.name}: convert it with astype")
    header = struct.pack(f">4B{array.ndim}I", 0, 0, _CODES[big_endian], array.ndim, *array.shape)
    return header + array.astype(big_endian).tobytes()


def read(path: str | Path) -> Array:
    """Read an IDX file, plain or gzip.

    Args:
        path: the file; gzip is told by its first bytes, not by its name.

    Raises:
        DataError: if the file cannot be read or is no IDX file.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    return parse(decompress(data, str(path)), str(path))


def write(path: str | Path, array: Array) -> None:
    """Write an IDX file, gzip if its name ends in ``.gz``."""
    path = Path(path)
    data = dump(array)
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def decompress(data: bytes, name: str) -> bytes:
    """Unpack gzip bytes; other bytes come back as they are.

    Raises:
        DataError: if the gzip stream is damaged or truncated.
    """
    if not data.startswith(GZIP_MAGIC):
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"{name} is a damaged gzip file: {error}") from error
