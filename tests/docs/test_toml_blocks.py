"""The study specs that pages show are study specs; the README's is trained as it stands."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import mlplab
from mlplab.recipes import check, load_search, load_spec
from tests.docs.pages import PAGES, ROOT, blocks

SHOWN = [(page.name, block) for page in PAGES for block in blocks(page, "toml")]


@pytest.mark.parametrize(
    ("page", "block"), SHOWN, ids=[f"{page}-{i}" for i, (page, _) in enumerate(SHOWN)]
)
def test_shown_study_specs_load_and_build(page: str, block: str, tmp_path: Path):
    file = tmp_path / "shown.toml"
    file.write_text(block)
    searched = "[tune]" in block
    check(load_search(file).study if searched else load_spec(file), mlplab.load("digits"))


def test_the_readme_study_trains(tmp_path: Path):
    (block,) = blocks(ROOT / "README.md", "toml")
    (tmp_path / "widths.toml").write_text(block)
    command = [sys.executable, "-m", "mlplab.cli.main", "run", "widths.toml", "--json", "--quiet"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    results = json.loads(done.stdout)
    assert [recipe["name"] for recipe in results["recipes"]] == ["narrow", "wide"]
    assert all(recipe["test_accuracy"]["mean"] > 0.8 for recipe in results["recipes"])
    (shown,) = blocks(ROOT / "docs/studies.md", "json")
    assert keys(results) == keys(json.loads(shown))


def keys(value: Any) -> Any:
    """The keys of nested objects; of a list those of its first element."""
    if isinstance(value, dict):
        return {name: keys(inner) for name, inner in value.items()}
    return keys(value[0]) if isinstance(value, list) and value else None
