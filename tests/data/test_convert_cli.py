"""``mlplab data convert``, run as a process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import mlplab
from mlplab import DataError, UsageError
from mlplab.cli.data import app
from mlplab.data.mapped import check_content
from tests.terminal import in_terminal

MLPLAB = [sys.executable, "-m", "mlplab.cli.main", "data"]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(500, 3)), columns=list("abc"))
    frame["way"] = rng.choice(["up", "down"], 500)
    frame.to_csv(tmp_path / "t.csv", index=False)
    return tmp_path / "t.csv"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [*MLPLAB, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_convert_and_look(table: Path, tmp_path: Path) -> None:
    done = run("convert", table, "--to", tmp_path / "to", "--target", "way", "--test", "100")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{tmp_path / 'to'}: 400 training and 100 test examples, 2 classes\n"
    shown = json.loads(run("info", tmp_path / "to", "--json").stdout)
    assert shown["fingerprint"] == mlplab.load(table, target="way", test=100).fingerprint
    again = run("convert", table, "--to", tmp_path / "to", "--target", "way")
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == (
        f"mlplab: error: {tmp_path / 'to'} is there already; give another name, "
        "or remove it first\n"
    )


def test_as_json_and_a_share(table: Path, tmp_path: Path) -> None:
    arguments = ["--to", tmp_path / "to", "--target", "way", "--test", "0.1", "--json", "-q"]
    result = CliRunner().invoke(app, ["convert", str(table), *map(str, arguments)])
    assert json.loads(result.stdout)["shapes"] == {"train": [450, 3], "test": [50, 3]}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--test", "many"],
            "--test: expected a number of examples or a share of them, got 'many'",
        ),
        (["--test", "0"], "test must be a number of examples"),
        (["--test", "1.5"], "test must be a number of examples"),
        (["--target", "wya"], "has no column 'wya'; did you mean 'way'?"),
        (["--target", "a"], "1 column is not numeric: 'way'"),
    ],
)
def test_what_is_refused(options: list[str], message: str, table: Path, tmp_path: Path) -> None:
    arguments = ["convert", str(table), "--to", str(tmp_path / "to"), "--target", "way", *options]
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, UsageError)
    assert message in str(result.exception)
    assert not (tmp_path / "to").exists()
    assert not (tmp_path / ".to.converting").exists()


def test_a_test_split_that_cannot_be_loses_nothing_that_was_read(
    table: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="cannot hold out 499 of 500 examples"):
        mlplab.convert(table, tmp_path / "to", target="way", test=499)
    read = (tmp_path / ".to.converting" / "x").stat()
    dataset = mlplab.convert(table, tmp_path / "to", target="way", test=100)
    assert dataset.test.n == 100
    assert read.st_size > 0
    assert sorted(path.name for path in tmp_path.iterdir() if "converting" in path.name) == []


def test_ctrl_c_says_how_to_go_on(tmp_path: Path) -> None:
    rows = pd.DataFrame(np.random.default_rng(0).random((150_000, 10)))
    rows["way"] = rows[0] > 0.5
    rows.to_csv(tmp_path / "t.csv", index=False)
    command = [*MLPLAB, "convert", tmp_path / "t.csv", "--to", tmp_path / "to", "--target", "way"]
    process = subprocess.Popen(command, stdout=-1, stderr=-1, text=True)
    state, deadline = tmp_path / ".to.converting" / "y", time.monotonic() + 60
    while not (state.exists() and state.stat().st_size) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert error == "Interrupted; the same command goes on where this one stopped.\n"
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.endswith("120,000 training and 30,000 test examples, 2 classes\n")


def test_a_terminal_shows_how_far_it_is(table: Path, tmp_path: Path) -> None:
    command = [*MLPLAB, "convert", table, "--to", tmp_path / "to", "--target", "way"]
    size = table.stat().st_size
    shown = in_terminal(command)
    assert f"{table.name}: " in shown
    assert "100%" in shown
    assert f"{size / 1000:.1f}k/{size / 1000:.1f}k" in shown
    again = [*MLPLAB, "convert", table, "--to", tmp_path / "quiet", "--target", "way", "--quiet"]
    [line] = in_terminal(again).splitlines()  # what it made, and no bar
    assert line.endswith("400 training and 100 test examples, 2 classes")


def test_a_folder_that_was_changed(table: Path, tmp_path: Path) -> None:
    to = tmp_path / "to"
    mlplab.convert(table, to, target="way")
    path = to / "x_train.npy"
    content = path.read_bytes()
    path.write_bytes(content[:-4] + b"\x00\x00\x80\x3f")
    assert mlplab.load(to).train.n == 400  # it is not read
    with pytest.raises(DataError, match=r"x_train\.npy is not what was written \(SHA-256"):
        check_content(to)
    assert "is not what was written" in run("info", to).stderr
    path.write_bytes(content[:-4])
    with pytest.raises(DataError, match="bytes, as it was written, got"):
        mlplab.load(to)
    path.unlink()
    with pytest.raises(DataError, match=r"cannot read .*x_train"):
        mlplab.load(to)


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ("{", "is damaged"),
        ("[]", "does not describe arrays that mlplab data convert wrote"),
        ('{"kind": "mlplab arrays", "version": 9}', "expected arrays of version 1, got version 9"),
    ],
)
def test_a_description_that_cannot_be_used(meta: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "meta.json").write_text(meta)
    with pytest.raises(DataError, match=message):
        mlplab.load(tmp_path)


def test_arguments_that_do_not_apply(table: Path, tmp_path: Path) -> None:
    mlplab.convert(table, tmp_path / "to", target="way")
    with pytest.raises(DataError, match="holds its labels: target= does not apply, leave it out"):
        mlplab.load(tmp_path / "to", target="way")


def test_a_study_spec_names_the_folder(table: Path, tmp_path: Path) -> None:
    mlplab.convert(table, tmp_path / "to", target="way", test=100)
    (tmp_path / "s.toml").write_text(
        '[study]\nname = "s"\ndataset = "./to"\nseeds = 1\n\n[train]\nepochs = 1\n\n'
        '[[recipe]]\nname = "one"\n'
        'layers = [{ class = "Dense", units = "classes", activation = "softmax" }]\n'
    )
    command = [*MLPLAB[:-1], "run", str(tmp_path / "s.toml"), "--out", str(tmp_path / "s.study")]
    done = subprocess.run([*command, "-q", "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with mlplab.Study(tmp_path / "s.study") as study:
        assert len(study.frame()) == 1
