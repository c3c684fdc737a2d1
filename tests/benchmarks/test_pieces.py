"""The pieces: what can be asked for, the page they make, the constant they measure."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from benchmarks.__main__ import draw, parts
from benchmarks.kept import Kept
from benchmarks.marks import END, begin_mark, write_between_marks
from benchmarks.page import command, page
from benchmarks.pieces import PIECES

from benchmarks import crossing, growth, machine

ROOT = Path(__file__).parent.parent.parent


def test_parts_are_named_by_piece_and_prefix():
    parser = argparse.ArgumentParser()
    assert parts(parser, "steady/relu-2") == [("steady", "relu-2")]
    assert {key for _, key in parts(parser, "growth/width")} == {
        f"width/{n}" for n in (64, 128, 256, 512, 1024, 2048, 4096)
    }
    assert len(parts(parser, "crossing")) == len(PIECES["crossing"].keys)


@pytest.mark.parametrize("word", ["speed", "growth/widht"])
def test_other_names_are_wrong_usage(word: str):
    with pytest.raises(SystemExit) as error:
        parts(argparse.ArgumentParser(), word)
    assert error.value.code == 2


def test_shapes_of_growth_train_whole_batches_or_all_of_mnist():
    for key, point in growth.POINTS.items():
        n = point.shape.n_examples
        assert n == 60_000 or n % point.shape.batch == 0, key
        assert n >= 2 * point.shape.batch, key


def test_losing_shapes_are_named():
    def figures(ours: float, theirs: float) -> dict[str, object]:
        return {"n_examples": 30_000, "seconds": {"ours": [ours] * 3, "keras-jax": [theirs] * 3}}

    text = "\n".join(
        growth.sections({"width/64": figures(0.5, 1.5), "width/128": figures(1.2, 1.0)})
    )
    assert "| 64    |  1.000 |        3.000 |              3.00 |" in text
    assert text.endswith("Keras on JAX's seconds: width/128.")


def test_the_crossing_lies_on_the_line_between_two_points():
    assert crossing.crossing([(0.2, 0.5), (0.4, 0.9), (0.6, 1.3)]) == pytest.approx(0.45)
    assert crossing.crossing([(0.2, 0.5), (0.4, 0.9)]) is None


def test_the_constant_is_where_the_crossing_sets_it():
    text = crossing.with_constant((ROOT / "core/gather.h").read_text(), "2.0")
    assert "kSparseBelow = 2.0;" in text
    with pytest.raises(ValueError, match="got it 0 times"):
        crossing.with_constant("", "2.0")


def test_the_page_and_the_pictures_show_what_is_kept(tmp_path: Path):
    here = machine.describe()
    kept = {name: Kept(tmp_path / f"{name}.json", here) for name in PIECES}
    kept["crossing"].keep("64/0.2", {"always": [1.0, 1.0], "never": [2.0, 2.0]})
    kept["crossing"].keep("64/0.4", {"always": [3.0, 3.0], "never": [2.0, 2.0]})
    target = tmp_path / "page.md"
    target.write_text(f"before\n{begin_mark(command(target))}\nold\n{END}\nafter\n")
    write_between_marks(target, command(target), page(here, kept))
    draw(kept, tmp_path)
    text = target.read_text()
    assert text.startswith(f"before\n{begin_mark(command(target))}\n\nMachine: {here['processor']}")
    assert text.endswith(f"{END}\nafter\n")
    assert "old" not in text
    assert "| they are equal at |     0.30 |" in text
    assert "- The whole notebook: all of it." in text
    assert "- Skipping zeros: 38 of 40 parts" in text
    assert {path.name for path in tmp_path.glob("*.png")} == {"crossing.png"}
