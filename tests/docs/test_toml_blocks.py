"""The study files that pages show are study files; the README's is trained as it stands."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import mlplab
from mlplab.recipes import check, load_spec
from tests.docs.pages import PAGES, ROOT, blocks

SHOWN = [(page.name, block) for page in PAGES for block in blocks(page, "toml")]


@pytest.mark.parametrize(("page", "block"), SHOWN, ids=[f"{page}-{i}" for i, (page, _) in enumerate(SHOWN)])
def test_shown_study_files_load_and_build(page: str, block: str, tmp_path: Path):
    file = tmp_path / "shown.toml"
    file.write_text(block)
    check(load_spec(file), mlplab.load("digits"))


def test_the_readme_study_trains(tmp_path: Path):
    (block,) = blocks(ROOT / "README.md", "toml")
    (tmp_path / "widths.toml").write_text(block)
    command = [sys.executable, "-m", "mlplab.cli.main", "run", "widths.toml", "--json", "--quiet"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    recipes = json.loads(done.stdout)["recipes"]
    assert len(recipes) == 2
    assert all(recipe["test_accuracy"]["mean"] > 0.8 for recipe in recipes)
