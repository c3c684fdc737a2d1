"""``mlplab predict``: in this process, as a process in a pipe, and in a terminal."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from mlplab.cli.main import app
from mlplab.data import Dataset
from mlplab.data.framing import frame
from tests.terminal import in_terminal

COMMAND = [sys.executable, "-m", "mlplab.cli.main", "predict"]
HEADER = "file,example,answer,probability,runner_up,runner_up_probability"


@pytest.fixture
def predict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Call ``mlplab predict`` in the test's folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, code: int = 0) -> Result:
        result = CliRunner().invoke(app, ["predict", *map(str, arguments)])
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def digits(tmp_path: Path, mnist: Dataset) -> list[int]:
    """Save seven.png, two.jpg and one.png, in three sizes and polarities."""
    seven, two, one = mnist.test.x[:3]
    Image.fromarray(255 - seven).resize((280, 280)).save(tmp_path / "seven.png")
    Image.fromarray(two).resize((112, 112)).save(tmp_path / "two.jpg")
    Image.fromarray(one).save(tmp_path / "one.png")
    return [7, 2, 1]


@pytest.fixture
def bulk(tmp_path: Path, mnist: Dataset) -> None:
    """Save fifty test images as digits.npz, and as digits.csv with the column ``digit``."""
    x, y = mnist.test.x[:50], mnist.test.y[:50]
    np.savez(tmp_path / "digits.npz", x_test=x, y_test=y)
    names = ",".join(["digit", *(f"pixel{i}" for i in range(784))])
    table = np.column_stack([y, x.reshape(50, 784)])
    np.savetxt(tmp_path / "digits.csv", table, "%d", ",", header=names, comments="")


def shown(folder: Path, *arguments: object, columns: int = 100) -> str:
    """Run the command in a terminal of the given width, and return what it shows."""
    text = in_terminal([*COMMAND, *map(str, arguments)], folder, columns=columns)
    return re.sub(r"\x1b\[[0-9;]*m", "", text).replace("\r\n", "\n")


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_pictures_in_a_pipe(
    predict: Callable[..., Result], model_file: Path, digits: list[int]
) -> None:
    done = predict(model_file, "seven.png", "two.jpg", "one.png")
    rows = rows_of(done.stdout)
    assert done.stdout.splitlines()[0] == HEADER
    assert [row["file"] for row in rows] == ["seven.png", "two.jpg", "one.png"]
    assert [int(row["answer"]) for row in rows] == digits
    for row in rows:
        assert 0.5 < float(row["probability"]) <= 1
        assert float(row["runner_up_probability"]) < float(row["probability"])
        assert row["runner_up"] != row["answer"]


def test_pictures_in_a_terminal(tmp_path: Path, model_file: Path, digits: list[int]) -> None:
    lines = shown(tmp_path, model_file, "seven.png", "two.jpg").splitlines()
    assert lines[-3].split() == ["file", "answer", "probability", "runner-up", "probability"]
    assert lines[-2].split()[:2] == ["seven.png", "7"]
    assert lines[-1].split()[:2] == ["two.jpg", "2"]


def test_all_classes_in_a_terminal_of_80_columns(
    tmp_path: Path, model_file: Path, digits: list[int]
) -> None:
    lines = shown(tmp_path, model_file, "seven.png", "-v", columns=80).splitlines()
    assert lines[-2].split() == ["file", "answer", *"0123456789"]
    shares = [float(cell) for cell in lines[-1].split()[2:]]
    assert len(shares) == 10
    assert int(np.argmax(shares)) == 7
    assert sum(shares) == pytest.approx(1, abs=0.05)


def test_all_classes_in_a_pipe(
    predict: Callable[..., Result], model_file: Path, digits: list[int]
) -> None:
    (row,) = rows_of(predict(model_file, "seven.png", "--all").stdout)
    shares = [float(row[f"p_{i}"]) for i in range(10)]
    assert sum(shares) == pytest.approx(1, abs=1e-4)
    assert max(shares) == float(row["probability"])


def test_json(
    predict: Callable[..., Result], model_file: Path, digits: list[int], bulk: None
) -> None:
    done = predict(model_file, "one.png", "digits.npz", "none.png", "--json", code=2)
    content = json.loads(done.stdout)
    assert content["model"] == str(model_file)
    assert content["classes"] == [str(i) for i in range(10)]
    picture, table = content["files"]
    assert (picture["file"], picture["examples"], picture["accuracy"]) == ("one.png", 1, None)
    assert picture["answers"][0]["answer"] == "1"
    assert picture["answers"][0]["label"] is None
    assert sum(picture["answers"][0]["probabilities"].values()) == pytest.approx(1)
    assert (table["file"], table["examples"], len(table["answers"])) == ("digits.npz", 50, 50)
    right = [answer["answer"] == answer["label"] for answer in table["answers"]]
    assert table["accuracy"] == pytest.approx(np.mean(right))
    assert table["accuracy"] > 0.85
    message = "none.png: expected a file, got no such file; check the path"
    assert content["errors"] == [{"file": "none.png", "error": message}]


def test_npz_and_csv_agree(
    predict: Callable[..., Result], model_file: Path, bulk: None, model: keras.Model, mnist: Dataset
) -> None:
    npz = predict(model_file, "digits.npz")
    table = predict(model_file, "digits.csv", "--target", "digit")
    assert npz.stdout.splitlines()[0] == f"{HEADER},label"
    assert table.stdout.replace("digits.csv", "digits.npz") == npz.stdout
    rows = rows_of(npz.stdout)
    expected = model.predict(mnist.test.x[:50], verbose=0).argmax(axis=1)
    assert [int(row["answer"]) for row in rows] == expected.tolist()
    assert [int(row["label"]) for row in rows] == mnist.test.y[:50].tolist()
    accuracy = (expected == mnist.test.y[:50]).mean()
    assert npz.stderr == f"digits.npz: 50 examples, accuracy {accuracy:.4f}\n"


def test_bulk_in_a_terminal_shows_a_summary_and_the_first_rows(
    tmp_path: Path, model_file: Path, bulk: None
) -> None:
    lines = shown(tmp_path, model_file, "digits.npz").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("digits.npz: 50 examples"))
    assert re.fullmatch(r"digits.npz: 50 examples, accuracy [01]\.\d{4}", lines[start])
    assert [line.split()[0] for line in lines[start + 1 : start + 12]] == [
        "example",
        *map(str, range(10)),
    ]
    assert lines[start + 12 :] == ["... and 40 more; --output FILE.csv saves them all"]


def test_output_is_never_written_over_silently(
    predict: Callable[..., Result], model_file: Path, bulk: None, tmp_path: Path
) -> None:
    output = tmp_path / "answers.csv"
    piped = predict(model_file, "digits.npz").stdout
    assert predict(model_file, "digits.npz", "--output", "answers.csv").stdout == ""
    assert output.read_text() == piped
    output.write_text("precious")
    done = predict(model_file, "digits.npz", "--output", "answers.csv", code=2)
    assert done.stderr == (
        "mlplab: error: expected new files to write, got files that are there: answers.csv; "
        "give another name, or --force to write over them\n"
    )
    assert output.read_text() == "precious"
    predict(model_file, "digits.npz", "--output", "answers.csv", "--force")
    assert output.read_text() == piped


def test_frames_are_what_the_model_saw(
    predict: Callable[..., Result], model_file: Path, digits: list[int], tmp_path: Path
) -> None:
    (tmp_path / "more").mkdir()
    Image.open(tmp_path / "one.png").save(tmp_path / "more/seven.png")
    predict(model_file, "seven.png", "more/seven.png", "--frames", "seen")
    saved = sorted(path.name for path in (tmp_path / "seen").iterdir())
    assert saved == ["seven-2.png", "seven.png"]
    for name, source in (("seven.png", "seven.png"), ("seven-2.png", "more/seven.png")):
        seen = np.asarray(Image.open(tmp_path / "seen" / name))
        assert np.array_equal(seen, frame(tmp_path / source))
    done = predict(model_file, "seven.png", "--frames", "seen", code=2)
    assert "got files that are there: seen/seven.png; give another name" in done.stderr


def test_one_bad_file_among_many_in_a_process_of_its_own(
    model_file: Path, digits: list[int], tmp_path: Path
) -> None:
    whole = (tmp_path / "seven.png").read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    command = [*COMMAND, model_file, "seven.png", "half.png", "one.png"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert [row["answer"] for row in rows_of(done.stdout)] == ["7", "1"]
    assert done.stderr == (
        "mlplab: error: half.png: expected a whole PNG file, got a truncated or damaged one; "
        "save or copy it again\n"
    )


def test_a_table_without_rows(predict: Callable[..., Result], tmp_path: Path) -> None:
    save_models(tmp_path)
    (tmp_path / "empty.csv").write_text("weight,age\n")
    done = predict("pets.keras", "empty.csv", code=2)
    assert done.stderr == "mlplab: error: empty.csv has columns, but no rows\n"


def save_models(folder: Path) -> None:
    flat = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activation="sigmoid")])
    flat.layers[0].set_weights([np.array([[1.0], [0.0]]), np.array([0.0])])
    flat.save(folder / "pets.keras")


def test_named_classes(predict: Callable[..., Result], tmp_path: Path) -> None:
    save_models(tmp_path)
    (tmp_path / "pets.csv").write_text("weight,age,pet\n-3,1,cat\n3,1,dog\n4,2,cat\n")
    done = predict("pets.keras", "pets.csv", "--target", "pet", "--classes", "cat,dog")
    assert done.stderr == "pets.csv: 3 examples, accuracy 0.6667\n"
    assert [(row["answer"], row["label"]) for row in rows_of(done.stdout)] == [
        ("cat", "cat"),
        ("dog", "dog"),
        ("dog", "cat"),
    ]


def test_errors_name_the_file(predict: Callable[..., Result], tmp_path: Path) -> None:
    """Every kind of bad file in one call: each is reported, none stops the others."""
    save_models(tmp_path)
    np.savez(tmp_path / "narrow.npz", x=np.zeros((2, 3)))
    np.savez(tmp_path / "short.npz", x=np.zeros((2, 2)), y=np.zeros(3, int))
    np.savez(tmp_path / "outside.npz", x=np.zeros((2, 2)), y=np.array([0, 2]))
    np.savez(tmp_path / "nothing.npz", z=np.zeros(2))
    np.savez(tmp_path / "pickle.npz", x=np.array([{}, []], dtype=object))
    np.savez(tmp_path / "infinite.npz", x=np.array([[0, 1], [0, np.inf]]))
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 and no more")
    (tmp_path / "text.csv").write_text("weight,name\n1,Tom\n")
    (tmp_path / "headless.csv").write_text("0.5,1.5\n1,2\n")
    (tmp_path / "missing.csv").write_text("weight,age\n1,\n")
    (tmp_path / "notes.txt").write_text("hello")
    Image.new("L", (28, 28)).save(tmp_path / "seven.png")
    (tmp_path / "good.csv").write_text("weight,age\n1,2\n")
    expected = {
        "narrow.npz": "expected examples of shape (2,), got (3,)",
        "short.npz": "expected a label an example, got 2 examples and 3 labels",
        "outside.npz": (
            "expected labels among 0, 1, got 1 others, the first 2 in example 1; "
            "name the classes with --classes"
        ),
        "nothing.npz": "expected an array x or x_test, got z",
        "pickle.npz": (
            "expected an .npz archive without pickles: "
            "Object arrays cannot be loaded when allow_pickle=False"
        ),
        "infinite.npz": "expected finite numbers, got 1 NaN or infinite, the first in example 1",
        "broken.npz": "expected an .npz archive without pickles: File is not a zip file",
        "text.csv": (
            "1 column is not numeric: 'name' (first value 'Tom'); mlplab reads numeric features "
            "only: encode them as numbers, or leave them out"
        ),
        "headless.csv": (
            "expected a first line of column names, got numbers: 0.5, 1.5; add a line of names"
        ),
        "missing.csv": "expected finite numbers, got 1 NaN or infinite, the first in example 0",
        "notes.txt": (
            "expected a file that ends in .png, .jpg, .jpeg, .npz, .csv, .parquet, .pq, got .txt"
        ),
        "seven.png": (
            "pictures are framed to 28 x 28, but this model takes examples of shape (2,); "
            "give it .npz or CSV"
        ),
    }
    done = predict("pets.keras", *expected, "good.csv", code=2)
    assert [row["file"] for row in rows_of(done.stdout)] == ["good.csv"]
    assert done.stderr.splitlines() == [
        f"mlplab: error: {file}: {text}" for file, text in expected.items()
    ]


@pytest.mark.parametrize("classes", ["cat", "cat,cat", "cat,dog,cow", "cat,"])
def test_wrong_names(predict: Callable[..., Result], tmp_path: Path, classes: str) -> None:
    save_models(tmp_path)
    (tmp_path / "pets.csv").write_text("weight,age\n1,2\n")
    done = predict("pets.keras", "pets.csv", "--classes", classes, code=2)
    n = classes.count(",") + 1
    assert done.stderr == (
        "mlplab: error: --classes: expected 2 different names with commas between, "
        f"got {n}: {classes}\n"
    )


def test_a_misspelt_target(predict: Callable[..., Result], tmp_path: Path) -> None:
    save_models(tmp_path)
    (tmp_path / "pets.csv").write_text("weight,age,pet\n1,2,0\n")
    done = predict("pets.keras", "pets.csv", "--target", "pett", code=2)
    assert done.stderr == ("mlplab: error: pets.csv has no column 'pett'; did you mean 'pet'?\n")


def test_a_folder_that_cannot_be_made_is_a_failure_not_a_slip(
    predict: Callable[..., Result], model_file: Path, digits: list[int], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    done = predict(model_file, "one.png", "--output", "file/answers.csv", code=1)
    assert done.stderr.startswith("mlplab: error: cannot write file/answers.csv: ")
