"""``load``: a user's own files, what comes of them, and what is refused."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlplab.data import Dataset, carve, idx, load
from mlplab.errors import DataError

X = np.arange(40, dtype=np.float64).reshape(20, 2)
Y = np.arange(20) % 2
CSV = "height,width,kind\n" + "".join(
    f"{i},{i / 2},{'cat' if i % 2 else 'ant'}\n" for i in range(20)
)


def again(dataset: Dataset) -> Dataset:
    """The dataset as its own record of where it came from loads it."""
    return load(dataset.source, **dataset.load_options)


def refused(message: str, path: str | Path, **options: Any) -> None:
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        load(path, **options)


def test_digits() -> None:
    digits = load("digits")
    assert digits.train.x.dtype == np.float32
    assert digits.value_range == (0.0, 16.0)
    assert digits.class_names == tuple("0123456789")
    assert again(digits).fingerprint == digits.fingerprint
    smaller = load("digits", test=100)
    assert (smaller.train.n, smaller.test.n) == (1697, 100)
    assert again(smaller).fingerprint == smaller.fingerprint != digits.fingerprint


def test_digits_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.delitem(sys.modules, "sklearn.datasets", raising=False)
    refused(
        "the dataset digits comes with scikit-learn, which is not installed; "
        "run: pip install 'mlplab[sklearn]'",
        "digits",
    )


def test_an_npz_with_a_test_split(tmp_path: Path) -> None:
    path = tmp_path / "own.npz"
    np.savez(
        path, x_train=X.astype(np.uint8), y_train=Y, x_test=X[:4].astype(np.uint8), y_test=Y[:4]
    )
    dataset = load(path)
    assert dataset.name == "own"
    assert dataset.train.x.dtype == np.uint8
    assert (dataset.train.n, dataset.test.n) == (20, 4)
    assert dataset.class_names == ("0", "1")
    assert dataset.load_options == {}
    assert again(dataset).fingerprint == dataset.fingerprint


def test_an_npz_without_one(tmp_path: Path) -> None:
    path = tmp_path / "own.npz"
    np.savez(path, x=X, y=Y.astype(np.float32))
    dataset = load(path, test=0.3)
    stays, held_out = carve(Y, 6, np.random.default_rng(0))
    np.testing.assert_array_equal(dataset.train.x, X[stays].astype(np.float32), strict=True)
    np.testing.assert_array_equal(dataset.test.x, X[held_out].astype(np.float32), strict=True)
    np.testing.assert_array_equal(dataset.test.y, Y[held_out], strict=True)
    assert dataset.load_options == {"test": 0.3}
    assert again(dataset).fingerprint == dataset.fingerprint


def test_words_in_an_npz(tmp_path: Path) -> None:
    np.savez(tmp_path / "own.npz", x=X, y=np.array(["yes", "no"])[Y])
    dataset = load(tmp_path / "own.npz")
    assert dataset.class_names == ("no", "yes")
    assert dataset.train.y.tolist()[:2] == [1, 0]


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_folder_of_idx_files(tmp_path: Path, mnist: Dataset, ending: str) -> None:
    for split, prefix in ((mnist.train, "train"), (mnist.test, "t10k")):
        idx.write(tmp_path / f"{prefix}-images-idx3-ubyte{ending}", split.x[:500])
        idx.write(tmp_path / f"{prefix}-labels-idx1-ubyte{ending}", split.y[:500].astype(np.uint8))
    dataset = load(tmp_path)
    np.testing.assert_array_equal(dataset.train.x, mnist.train.x[:500], strict=True)
    np.testing.assert_array_equal(dataset.test.y, mnist.test.y[:500], strict=True)
    assert again(dataset).fingerprint == dataset.fingerprint


def test_a_pair_of_idx_files(tmp_path: Path) -> None:
    idx.write(tmp_path / "my-images-idx3-ubyte.gz", np.zeros((20, 4, 3), np.uint8))
    idx.write(tmp_path / "my-labels-idx1-ubyte.gz", Y.astype(np.uint8))
    idx.write(tmp_path / "truth", Y.astype(np.int32))
    found = load(tmp_path / "my-images-idx3-ubyte.gz")
    named = load(tmp_path / "my-images-idx3-ubyte.gz", labels=tmp_path / "truth")
    assert found.input_shape == (4, 3)
    assert found.fingerprint == named.fingerprint
    assert again(named).fingerprint == named.fingerprint
    assert named.load_options == {"labels": str(tmp_path / "truth")}


def test_a_csv_table(tmp_path: Path) -> None:
    path = tmp_path / "pets.csv"
    path.write_text(CSV)
    dataset = load(path, target="kind")
    assert dataset.class_names == ("ant", "cat")
    assert dataset.feature_names == ("height", "width")
    assert dataset.train.x.dtype == np.float32
    assert (dataset.train.n, dataset.test.n) == (16, 4)
    assert dataset.class_counts() == {"train": [8, 8], "test": [2, 2]}
    assert dataset.load_options == {"target": "kind"}
    for x, y in (*zip(*dataset.train, strict=True), *zip(*dataset.test, strict=True)):
        assert x[1] == x[0] / 2
        assert y == x[0] % 2
    assert again(dataset).fingerprint == dataset.fingerprint


def test_parquet_is_as_csv(tmp_path: Path) -> None:
    (tmp_path / "pets.csv").write_text(CSV)
    pd.read_csv(tmp_path / "pets.csv").to_parquet(tmp_path / "pets.parquet")
    csv, parquet = (load(tmp_path / f"pets.{end}", target="kind") for end in ("csv", "parquet"))
    assert csv.fingerprint == parquet.fingerprint


@pytest.mark.parametrize("name", ["A.NPZ", "A.CSV", "A.Parquet"])
def test_endings_in_capitals(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "A.NPZ":
        np.savez(tmp_path / "a.npz", x=X, y=Y)
        (tmp_path / "a.npz").rename(path)
    else:
        frame = pd.DataFrame(X).assign(kind=Y).rename(columns=str)
        frame.to_csv(path, index=False) if name == "A.CSV" else frame.to_parquet(path)
    dataset = load(path, target=None if name == "A.NPZ" else "kind")
    assert dataset.train.n + dataset.test.n == len(Y)


def test_numbers_and_truth_values_as_labels(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": np.arange(20.0), "number": Y, "truth": Y == 1})
    frame.to_csv(tmp_path / "own.csv", index=False)
    frame.to_parquet(tmp_path / "own.parquet")
    numbers = load(tmp_path / "own.csv", target="number")
    truths = load(tmp_path / "own.parquet", target="truth")
    assert numbers.class_names == ("0", "1")
    assert truths.class_names == ("False", "True")
    assert numbers.train.y.tolist() == truths.train.y.tolist()


def test_parquet_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "own.parquet"
    path.write_bytes(b"PAR1")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "pyarrow", raising=False)
    refused(
        f"reading {path} takes pyarrow, which is not installed; run: pip install 'mlplab[parquet]'",
        path,
        target="y",
    )


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("mnits", "; did you mean 'mnist'?"),
        ("Fashion_MNIST", "; did you mean 'fashion-mnist'?"),
        ("housing", "; it is not the path of a file either"),
    ],
)
def test_an_unknown_name(name: str, hint: str) -> None:
    refused(
        f"unknown dataset {name!r}{hint} (known: mnist, fashion-mnist, kmnist, emnist-letters, "
        "digits)",
        name,
    )


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    refused(f"no such file or folder: {tmp_path}/a.csv", tmp_path / "a.csv", target="y")


def test_arguments_that_do_not_apply(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(CSV)
    np.savez(tmp_path / "a.npz", x=X, y=Y)
    refused("mnist names a dataset: target= does not apply, leave it out", "mnist", target="y")
    refused(
        f"{tmp_path}/a.csv is a table: labels= does not apply, leave it out",
        tmp_path / "a.csv",
        target="kind",
        labels="b",
    )
    refused(
        f"{tmp_path}/a.npz is no table: target= does not apply, leave it out",
        tmp_path / "a.npz",
        target="y",
    )


def test_a_file_of_no_known_kind(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    refused(
        f"cannot tell what {tmp_path}/a.txt is: expected a folder of IDX files, an IDX file (with "
        "labels=), or a name ending in .npz, .csv or .parquet",
        tmp_path / "a.txt",
    )


TABLES = {
    "no target": (
        CSV,
        None,
        ": which column holds the labels? Name it with --target COLUMN (target=); "
        "there are: height, width, kind",
    ),
    "a misspelt target": (CSV, "kinds", " has no column 'kinds'; did you mean 'kind'?"),
    "an unknown target": (CSV, "y", " has no column 'y'; there are: height, width, kind"),
    "words among the features": (
        "a,city,b,y\n1,Rome,x,0\n2,Oslo,y,1\n",
        "y",
        ": 2 columns are not numeric: 'city' (first value 'Rome'), 'b' (first value 'x'); "
        "mlplab reads numeric features only: encode them as numbers, or leave them out",
    ),
    "a missing number": (
        "a,b,y\n1,2,0\n1,,1\n,3,0\n",
        "y",
        ": data: 2 features are NaN; the first is at index (1, 1), column 'b'",
    ),
    "infinity": (
        "a,y\n1,0\ninf,1\n",
        "y",
        ": data: 1 feature is infinite; the first is at index (1, 0), column 'a'",
    ),
    "more than float32 holds": (
        "a,y\n1,0\n1e300,1\n",
        "y",
        ": data: 1 feature is infinite; the first is at index (1, 0), column 'a'",
    ),
    "a missing word": (
        "a,y\n1,cat\n2,\n3,ant\n",
        "y",
        ": data: 1 label is missing; the first is at index 1",
    ),
    "a missing label": (
        "a,y\n1,0\n2,\n3,\n",
        "y",
        ": data: 2 labels are missing; the first is at index 1",
    ),
    "labels that are no integers": (
        "a,y\n1,0\n2,0.5\n",
        "y",
        ": data: 1 label is non-integer; the first is 0.5 at index 1",
    ),
    "labels not from 0": (
        "a,y\n1,3\n2,2020\n3,3\n",
        "y",
        ": integer labels must run from 0 without gaps; got 2 different ones from 3 to 2020: "
        "number the classes from 0, or name them in words",
    ),
    "negative labels": (
        "a,y\n1,-1\n2,0\n3,1\n",
        "y",
        ": integer labels must run from 0 without gaps; got 3 different ones from -1 to 1: "
        "number the classes from 0, or name them in words",
    ),
    "no rows": ("a,y\n", "y", " has columns, but no rows"),
    "no columns": ("", "y", " is no CSV file: No columns to parse from file"),
    "no features": ("y\n1\n2\n", "y", " has no column of features beside 'y'"),
}


@pytest.mark.parametrize(("text", "target", "message"), TABLES.values(), ids=TABLES)
def test_tables_that_are_refused(
    tmp_path: Path, text: str, target: str | None, message: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    refused(f"{path}{message}", path, target=target)


@pytest.mark.parametrize(("name", "kind"), [("a.csv", "CSV"), ("a.parquet", "Parquet")])
def test_files_that_are_no_tables(tmp_path: Path, name: str, kind: str) -> None:
    (tmp_path / name).write_bytes(b"\x80\xff,\x00\n1,2,3\n")
    with pytest.raises(DataError, match=rf"{name} is no {kind} file: "):
        load(tmp_path / name, target="y")


NPZ: dict[str, tuple[dict[str, Any], str]] = {
    "other names": (
        {"images": X, "labels": Y},
        " must hold x_train, y_train, x_test and y_test, or x and y; it holds images, labels",
    ),
    "different lengths": (
        {"x": X, "y": Y[:5]},
        ": data: x has 20 examples, y has 5 labels: they must be as many",
    ),
    "problems in both splits": (
        {"x_train": X, "y_train": Y + 0.5, "x_test": X * np.nan, "y_test": Y},
        ":\n  train: 20 labels are non-integer; the first is 0.5 at index 0\n"
        "  test: 40 features are NaN; the first is at index (0, 0)",
    ),
    "too few to carve from": (
        {"x": X[:2], "y": Y[:2]},
        "cannot hold out examples of each class: it takes 2 of each, and there is 1 of class 0, 1",
    ),
}


@pytest.mark.parametrize(("arrays", "message"), NPZ.values(), ids=NPZ)
def test_archives_that_are_refused(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, **arrays)
    refused(message if message.startswith("cannot") else f"{path}{message}", path)


def test_an_archive_with_pickles(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.array([{}], dtype=object), y=Y)
    with pytest.raises(DataError, match="Object arrays cannot be loaded when allow_pickle=False"):
        load(tmp_path / "a.npz")


@pytest.mark.parametrize("data", [b"junk", b"", b"PK\x03\x04 cut"])
def test_a_file_that_is_no_archive(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(DataError, match=r"a\.npz is no \.npz archive without pickles: "):
        load(tmp_path / "a.npz")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_no_damage_to_an_archive_is_a_crash(tmp_path: Path, save: Any) -> None:
    path, damaged = tmp_path / "a.npz", tmp_path / "b.npz"
    x = np.random.default_rng(0).integers(0, 9, (20, 8, 8), dtype=np.uint8)
    save(path, x=x, y=np.arange(20) % 2)
    whole = path.read_bytes()
    refusals = []
    for at in range(0, len(whole), 3):
        damaged.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            load(damaged)  # some bytes say nothing of the arrays, such as a time of day
        except DataError:
            refusals.append(at)
    assert len(refusals) > len(whole) / 6  # half of the bytes tried


def test_a_folder_with_a_file_missing(tmp_path: Path) -> None:
    refused(
        f"{tmp_path} must hold IDX files named as MNIST's (plain or .gz); not there: "
        "train-images-idx3-ubyte, train-labels-idx1-ubyte",
        tmp_path,
    )
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte"):
        idx.write(tmp_path / name, np.zeros(3, np.uint8))
    refused(
        f"{tmp_path} must hold IDX files named as MNIST's (plain or .gz); not there: "
        "t10k-labels-idx1-ubyte",
        tmp_path,
    )


def test_an_idx_file_without_labels(tmp_path: Path) -> None:
    path = tmp_path / "my-images-idx3-ubyte"
    idx.write(path, np.zeros((2, 2, 2), np.uint8))
    refused(
        f"where are the labels of {path}? Pass labels=, or name the files "
        "...images-idx3... and ...labels-idx1...",
        path,
    )
