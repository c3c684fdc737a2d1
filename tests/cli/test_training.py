"""``mlplab run`` and ``mlplab reproduce``, from a spec or from nothing to results."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
from PIL import Image

import mlplab
from mlplab import Dataset, Study
from mlplab.export import page_file
from tests.terminal import in_terminal

from .conftest import EXAMPLES, PROGRAM, Program

SPEC = EXAMPLES / "digits.toml"
CLAIM = "Claim recipes: which recipe is right more often on new examples, whatever the seed?"


def test_run_prints_a_table_and_plain_lines_and_goes_on(mlplab_: Program, tmp_path: Path) -> None:
    first = mlplab_("run", SPEC, "--seeds", 1, "--epochs", 2)
    lines = first.stderr.splitlines()
    assert lines[0] == "2 runs to do"
    assert lines[1].startswith(("run 1/2  ", "run 2/2  "))  # whichever is sooner
    assert "epoch 1/2" in lines[1]
    assert "val_accuracy" in lines[1]
    assert lines[-1] == "Next: mlplab compare digits.study, mlplab report digits.study"
    assert "Test scores on digits" in first.stdout
    again = mlplab_("run", SPEC, "--seeds", 2, "--epochs", 2)
    assert again.stderr.splitlines()[0] == "2 runs to do, 2 already there"
    with Study(tmp_path / "digits.study") as study:
        assert study.frame()["seed"].tolist() == [0, 1, 0, 1]
    assert [entry.name for entry in tmp_path.iterdir()] == ["digits.study"]


def test_json_is_one_object_and_quiet_is_silent(mlplab_: Program, tmp_path: Path) -> None:
    result = mlplab_("run", SPEC, "--seeds", 2, "--epochs", 1, "--json", "-q", "--out", "a.study")
    assert result.stderr == ""
    content = json.loads(result.stdout)
    assert content["study"] == "a.study"
    with Study(tmp_path / "a.study") as study:
        frame = study.frame()
    for recipe in content["recipes"]:
        accuracies = frame[frame["recipe"] == recipe["name"]]["test_accuracy"]
        assert recipe["test_accuracy"]["values"] == accuracies.tolist()
        assert np.isclose(recipe["test_accuracy"]["mean"], accuracies.mean())
        assert np.isclose(recipe["test_accuracy"]["sd"], accuracies.std())
        assert set(recipe["parameters"]) == {"total", "trainable", "frozen"}
        assert recipe["seconds_per_epoch"] > 0
        assert "published" not in recipe


def test_live_lines_in_a_terminal(tmp_path: Path) -> None:
    """A run draws one line that is redrawn, and leaves one line when it has ended."""
    command = [*PROGRAM, "run", str(SPEC), "--seeds", "1", "--epochs", "300"]
    text = in_terminal(command, tmp_path, columns=160)
    assert re.search(r"\d+/300 loss", text)
    assert "s left" in text
    assert "\x1b[2K" in text  # a line was redrawn
    assert text.count("test accuracy") == 2


def test_ctrl_c_exits_130_and_says_how_to_go_on(mlplab_: Program, tmp_path: Path) -> None:
    command = [*PROGRAM, "run", str(SPEC), "--seeds", "1000"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "test accuracy" in line:
                break
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(timeout=60) == 130
    assert "Interrupted. The runs that ended are in digits.study; the same command goes on." in rest
    assert "Traceback" not in rest
    with Study(tmp_path / "digits.study") as study:
        n_runs = len(study.frame())
    assert 1 <= n_runs < 2000


def test_reproduce_with_one_run_each_answers_no_question_of_recipes(
    mlplab_: Program, tmp_path: Path, mnist: Dataset
) -> None:
    command = ("reproduce", "relu-2", "--seeds", 1, "--epochs", 1, "--ask", "init")
    result = mlplab_(*command)
    assert result.stdout.startswith("Claim models: which of these trained models is right more")
    assert "with the initial deviations that were meant" in result.stdout
    assert "One run each cannot say" in result.stdout
    assert "Yes" not in result.stdout
    assert "note: With one run of a network, what can be claimed is which of these" in result.stderr
    shown = (tmp_path / "reproduce" / "report.html").read_text()
    assert "Claim models: which of these trained models is right more often" in shown


def test_reproduce_from_nothing_to_a_digit_that_is_read(
    mlplab_: Program, tmp_path: Path, mnist: Dataset
) -> None:
    result = mlplab_("reproduce", "softmax", "relu-2", "--seeds", 2, "--epochs", 1, "--json")
    content = json.loads(result.stdout)
    assert next(iter(content)) == "question"
    assert content["question"] == content["comparison"]["question"] == CLAIM
    softmax, relu_2 = content["recipes"]
    assert softmax["parameters"] == {"total": 7850, "trainable": 7850, "frozen": 0}
    assert relu_2["parameters"] == {"total": 524_922, "trainable": 524_922, "frozen": 0}
    assert softmax["published"]["test_accuracy"] == 0.9051
    assert softmax["test_accuracy"]["mean"] > 0.8
    assert relu_2["test_accuracy"]["mean"] > 0.955
    assert content["validation"] == "test"
    (pair,) = content["comparison"]["pairs"]
    assert (pair["a"], pair["b"], pair["verdict"]) == ("softmax", "relu-2", "b better")
    assert content["comparison"]["notes"][0].startswith("The validation data was the test set")
    assert content["comparison"]["unequal"]
    assert content["answers"] == {}
    folder = tmp_path / "reproduce"
    assert (folder / "report.html").exists()
    assert list((folder / "tables").glob("*.csv"))
    assert list((folder / "figures").glob("*.png"))

    with Study(folder / "reproduce.study") as study:
        looks = study.looks()
    assert set(looks["command"]) == {"mlplab reproduce softmax relu-2 --seeds 2 --epochs 1 --json"}
    assert {"test scores", "test scores after every epoch", "comparison: recipes, accuracy"} <= set(
        looks["seen"]
    )

    place = int(np.flatnonzero(mnist.test.y == 7)[0])
    Image.fromarray(255 - mnist.test.x[place]).resize((280, 280)).save(tmp_path / "seven.png")
    model = folder / "reproduce.models" / "relu-2-seed0.keras"
    answers = json.loads(mlplab_("predict", model, "seven.png", "--json").stdout)
    assert json.dumps(answers).count("seven.png") == 1

    asked = ("reproduce", "softmax", "relu-2", "--seeds", 2, "--epochs", 1, "--ask", "init")
    text = mlplab_(*asked)
    assert text.stderr.splitlines()[0] == "2 runs to do, 4 already there"
    for expected in (
        "60,000 training and 10,000 test examples",
        "class of the first example: 5",
        "as a one-hot vector: 0 0 0 0 0 1 0 0 0 0",
        "Total params: 524,922",
        "seed 1: Test score:",
        "The validation data was the test set",
        "- relu-2 is better than softmax",
        "Is relu-2 better with the initial deviations that were meant, sqrt(2 / fan_in)?\n  ",
        "Report: reproduce/report.html",
        "Next: mlplab export reproduce/reproduce.study:relu-2 --to html\n",
    ):
        assert expected in text.stdout
    reads_handwriting(mlplab_, text.stdout, tmp_path)
    assert text.stdout.splitlines()[0] == CLAIM
    assert text.stdout.count("The interval holds in 95% of experiments.") == 2  # families of one
    assert "These pairs are a family of their own" in text.stdout
    page = (folder / "report.html").read_text()
    assert "These pairs are a family of their own" in page
    assert "left out" not in page[page.index('id="differences-title"') : page.index('id="items"')]
    assert "…" not in text.stdout  # no heading and no figure of the table is cut, in 80 columns


def reads_handwriting(mlplab_: Program, printed: str, folder: Path) -> None:
    """Run the command that was printed, and see that a page came of it which was checked."""
    program, *arguments = shlex.split(printed.rpartition("Next: ")[2])
    assert program == "mlplab"
    shown = mlplab_(*arguments).stdout
    page = folder / "relu-2-seed0.html"
    assert shown.startswith(f"{page.name}: ")
    networks = page_file.read(page)
    assert networks.facts["recipe"] == "relu-2"
    assert networks.facts["parity"]["n_examples"] == 10_000
    assert networks.facts["parity"]["labels_that_differ"] == 0
    assert networks.facts["as_read"]["labels_that_differ"] == 0
    assert '<canvas id="pad"' in page.read_text()


def test_all_runs_diverged_is_a_failure(mlplab_: Program, tmp_path: Path) -> None:
    (tmp_path / "wild.toml").write_text(
        """
        [study]
        name = "wild"
        dataset = "digits"
        seeds = 1
        [train]
        epochs = 3
        optimizer = { class = "SGD", learning_rate = 1e30 }
        [[recipe]]
        name = "wild"
        layers = [
            { class = "Dense", units = 300 },
            { class = "Dense", units = "classes" },
            { class = "Dense", units = "classes", activation = "softmax" },
        ]
        """
    )
    result = mlplab_("run", "wild.toml", code=1)
    assert "wild  seed 0  diverged in epoch 1: its loss is no finite number" in result.stderr
    assert "mlplab: error: all 1 runs diverged" in result.stderr
    with mlplab.Study(tmp_path / "wild.study") as study:
        assert study.frame()["status"].tolist() == ["diverged"]
