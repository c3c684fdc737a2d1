"""``mlplab data``, run as a process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mlplab.cli.data import app
from mlplab.data import Dataset, load
from mlplab.errors import DataError, MlplabError, StorageError, UsageError


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    code = "from mlplab.cli.data import app; app()"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def error_of(*arguments: str | Path) -> MlplabError:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert isinstance(result.exception, MlplabError)
    assert result.stdout == ""
    return result.exception


def test_list(mnist: Dataset) -> None:
    done = run("list")
    rows = [line.rstrip().split(maxsplit=5) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert rows == [
        ["name", "classes", "train", "test", "fetched", "what"],
        ["mnist", "10", "60,000", "10,000", "yes", "handwritten digits"],
        ["fashion-mnist", "10", "60,000", "10,000", "no", "pictures of clothes"],
        ["kmnist", "10", "60,000", "10,000", "no", "cursive Japanese characters (Kuzushiji-MNIST)"],
        [
            *("emnist-letters", "26", "124,800", "20,800", "no"),
            "handwritten letters, upper and lower case as one",
        ],
        [
            "digits",
            "10",
            "1,438",
            "359",
            "yes",
            "handwritten digits of 8 x 8, bundled with scikit-learn",
        ],
    ]


def test_list_as_json(mnist: Dataset) -> None:
    datasets = json.loads(run("list", "--json").stdout)["datasets"]
    assert datasets[0] == {
        "name": "mnist",
        "title": "handwritten digits",
        "classes": 10,
        "train": 60_000,
        "test": 10_000,
        "fetched": True,
    }


def test_info(mnist: Dataset) -> None:
    done = run("info", "mnist")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    assert lines == [
        "dataset      mnist",
        "train        60,000 examples of shape (28, 28)",
        "test         10,000 examples of shape (28, 28)",
        "values       uint8, 0 to 255",
        "density      19.1% of the training values are not zero",
        "classes      10",
        "disputed     15 test labels",
        f"fingerprint  {mnist.fingerprint}",
        "class  train   test",
        "0      5,923    980",
        "1      6,742  1,135",
        "2      5,958  1,032",
        "3      6,131  1,010",
        "4      5,842    982",
        "5      5,421    892",
        "6      5,918    958",
        "7      6,265  1,028",
        "8      5,851    974",
        "9      5,949  1,009",
    ]


def test_info_of_a_table_as_json(tmp_path: Path) -> None:
    path = tmp_path / "pets.csv"
    path.write_text("size,kind\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(20)))
    done = run("info", path, "--target", "kind", "--json")
    assert json.loads(done.stdout) == load(path, target="kind").summary()


def test_info_draws_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "digits.png"
    done = run("info", "digits", "--picture", path)
    assert (done.returncode, done.stderr) == (0, f"saved {path}\n")
    first = path.read_bytes()
    assert first.startswith(b"\x89PNG")
    path.write_bytes(b"mine")
    message = f"{path} is there already; give another name, or --force to overwrite it"
    refused = error_of("info", "digits", "--picture", path)
    assert (str(refused), refused.exit_code) == (message, 2)
    assert path.read_bytes() == b"mine"
    assert run("info", "digits", "--picture", path, "--force").returncode == 0
    assert path.read_bytes() == first


def test_pictures_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("size,kind\n" + "".join(f"{i},{i % 2}\n" for i in range(20)))
    unnamed = error_of("info", "digits", "--picture", tmp_path / "a.bmp")
    flat = error_of("info", tmp_path / "a.csv", "--target", "kind", "--picture", tmp_path / "a.png")
    nowhere = error_of("info", "digits", "--picture", tmp_path / "none" / "a.png")
    assert str(unnamed) == f"a picture's name must end in .png, .svg, .pdf; got {tmp_path}/a.bmp"
    assert str(flat) == (
        "examples of shape (1,) are no images: expected (height, width) or (height, width, 1)"
    )
    assert str(nowhere) == f"cannot write {tmp_path}/none/a.png: No such file or directory"
    assert [type(error) for error in (unnamed, flat, nowhere)] == [
        UsageError,
        DataError,
        StorageError,
    ]
    assert not (tmp_path / "a.png").exists()


def test_fetch(mnist: Dataset, mlplab_home: Path) -> None:
    done = run("fetch", "mnist")
    assert done.stdout == (
        f"mnist: 60,000 training and 10,000 test examples, in {mlplab_home}/mnist\n"
    )
    assert run("fetch", "digits").stdout == (
        "digits: 1,438 training and 359 test examples, bundled with scikit-learn\n"
    )


@pytest.mark.parametrize("command", ["info", "fetch"])
def test_an_unknown_name(command: str) -> None:
    error = error_of(command, "mnits")
    assert error.exit_code == 2
    assert str(error).startswith("unknown dataset 'mnits'; did you mean 'mnist'? (known: ")


def test_help_loads_nothing_slow() -> None:
    slow = "{'keras', 'jax', 'matplotlib', 'pandas', 'numpy', 'sklearn', 'pooch'}"
    code = (
        "import sys\n"
        "from mlplab.cli.data import app\n"
        "try: app(['info', '--help'])\n"
        f"finally: sys.stderr.write(str(sorted({slow} & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "--target" in done.stdout
    assert done.stderr == "[]"


def test_a_narrow_terminal_wraps_and_cuts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlplab.cli.data.PIPED_WIDTH", 80)
    shown = CliRunner().invoke(app, ["list"]).stdout
    assert "…" not in shown
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert np.all([name in shown for name in ("fashion-mnist", "124,800", "scikit-learn")])
