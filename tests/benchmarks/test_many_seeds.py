"""The benchmark of many seeds: both its parts, on few examples, into a page."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.many_seeds import ACCELERATOR, COMMAND, PROCESSOR, check_learned, main, recipe_of
from benchmarks.marks import END, begin_mark

import mlplab
from mlplab.engine import Streams
from mlplab.study import train
from tests.compiling import less_optimized

TINY = ["--examples", "600", "--epochs", "3"]


@pytest.fixture
def page(tmp_path: Path) -> Path:
    target = tmp_path / "page.md"
    marks = (f"{begin_mark(COMMAND, part)}\nold\n{END}\n" for part in (PROCESSOR, ACCELERATOR))
    target.write_text("".join(marks))
    return target


@pytest.mark.usefixtures("mlplab_home")
def test_both_parts_write_their_tables(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--part", "processor", "--networks", "group-norm", "--seeds", "2"]
    with less_optimized():
        main([*small, *TINY, "--page", str(page)])
        main(["--part", "accelerator", "--networks-at-once", "1", "2", "--matrix", "64", *TINY,
          "--page", str(page)])  # fmt: skip
    text = page.read_text()
    assert "old" not in text
    assert "cores; keras " in text
    assert "| network    | Keras `fit` | jax, 1 seed | jax, 2 seeds | native |" in text
    group_norm = next(line for line in text.split("\n") if line.startswith("| group-norm"))
    cells = [cell.strip() for cell in group_norm.strip("|").split("|")]
    assert cells[-1] == "–"
    assert all(float(seconds) > 0 for seconds in cells[1:-1])
    assert [line.split("|")[2].strip() for line in text.split("\n") if "| jax " in line] == [
        "1",
        "2",
    ]
    assert capsys.readouterr().out.count("| jax ") == 2


def test_times_of_runs_that_learned_nothing_are_refused(digits: mlplab.Dataset) -> None:
    recipe = recipe_of("softmax").replace(
        epochs=1, optimizer={"class": "SGD", "learning_rate": 0.0}
    )
    carved = digits.with_validation("test", Streams.of(0).rng("split"))
    with pytest.raises(SystemExit, match="softmax learned nothing"):
        check_learned(recipe, [train(recipe, carved, Streams.of(0), "native")])
