"""``mlplab tune``: from a file with ranges to a verdict."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pandas as pd

from mlplab import Study
from tests.tuning.specs import QUICK

from .conftest import PROGRAM, Program


def test_tune_prints_the_winner_its_optimism_and_the_comparison(
    mlplab_: Program, tmp_path: Path
) -> None:
    (tmp_path / "quick.toml").write_text(QUICK)
    told = ("--csv", "told.csv")
    result = mlplab_("tune", "quick.toml", "--trials", 3, "--fresh-seeds", 2, *told)
    lines = result.stderr.splitlines()
    assert lines[0] == "3 trials to do"
    assert lines[1].startswith("1/3  trial 0  0.")
    assert "best 0." in lines[1]
    assert lines[-1] == (
        "Next: mlplab report quick.study, optuna-dashboard sqlite:///quick.tune.db"
    )
    assert result.stdout.startswith("Search quick: 3 trials: 3 complete\n\nrange ")
    assert "\nOptimism of the search's best score: " in result.stdout
    assert "\nClaim recipes: which recipe is right more often on new examples" in result.stdout
    assert "multiply-adds an example" in result.stdout

    again = mlplab_("tune", "quick.toml", "--trials", 3, "--fresh-seeds", 2, "--json", "-q")
    assert again.stderr == ""
    content = json.loads(again.stdout)
    assert content["search"]["counts"] == {
        "complete": 3, "pruned": 0, "diverged": 0, "failed": 0
    }  # fmt: skip
    assert content["fresh_seeds"] == [1000, 1001]
    assert content["comparison"]["pairs"][0]["a"] == "linear"
    assert content["comparison"]["terms"][0]["recipe"] == "linear"
    with Study(tmp_path / "quick.study") as study:
        assert len(study.frame()) == 4
    of_runs = pd.read_csv(tmp_path / "told.csv").query("status == 'done'")
    assert sorted(of_runs.seed) == [1000, 1000, 1001, 1001]  # the fresh runs, and no trial


def test_ctrl_c_exits_130_and_the_same_command_goes_on(mlplab_: Program, tmp_path: Path) -> None:
    (tmp_path / "quick.toml").write_text(QUICK.replace("epochs = 2", "epochs = 60"))
    command = [*PROGRAM, "tune", "quick.toml", "--trials", "1000", "-v"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("trial 1  epoch 2"):
                break
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(timeout=60) == 130
    assert rest.splitlines()[-1] == (
        "Interrupted. The trials and runs that ended are kept; the same command goes on."
    )
    assert "Traceback" not in rest
    again = mlplab_("tune", "quick.toml", "--trials", 2, "--fresh-seeds", 2)
    assert again.stderr.splitlines()[0] == "1 trial to do, 1 already there"


def test_mistakes_are_told_in_a_line(mlplab_: Program, tmp_path: Path) -> None:
    (tmp_path / "quick.toml").write_text(QUICK)
    (tmp_path / "text.db").write_text("not a database")
    result = mlplab_("tune", "quick.toml", "--storage", "sqlite:///text.db", code=2)
    assert result.stderr == (
        "mlplab: error: expected an Optuna SQLite database, got something else: text.db; "
        "give the search another storage\n"
    )
    assert result.stdout == ""
    refused = mlplab_("run", "quick.toml", code=2)
    assert refused.stderr.splitlines()[0] == (
        "mlplab: error: quick.toml:13: train.batch_size: expected a value, got a range; "
        "to search: mlplab tune quick.toml"
    )
