"""The study specs that docs/recipes.md shows are study specs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mlplab.data import Dataset
from mlplab.recipes import check, load_spec

PAGE = Path(__file__).parents[2] / "docs/recipes.md"
BLOCKS = re.findall(r"^```toml\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)


def test_the_page_has_examples():
    assert len(BLOCKS) >= 3


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_examples_load_and_build(block: str, tmp_path: Path, images: Dataset):
    file = tmp_path / "shown.toml"
    file.write_text(block)
    check(load_spec(file), images)
