"""The Python blocks of pages are held to what they say they print (see conftest.py at the root)."""

from __future__ import annotations

from pathlib import Path

from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser

from conftest import EvaluateBlock


def outcome(tmp_path: Path, block: str) -> str | None:
    """What the evaluator says of a page with one block."""
    page = tmp_path / "page.md"
    page.write_text(f"```python\n{block}\n```\n")
    parser = CodeBlockParser("python", EvaluateBlock())
    (example,) = Sybil([parser], pattern="*.md").parse(page).examples()
    return EvaluateBlock()(example)


def test_a_kept_promise(tmp_path: Path):
    assert (
        outcome(tmp_path, "print(1 + 1)\n# 2\nfor i in 'ab':\n    print(i)\n    # a\n    # b")
        is None
    )


def test_a_broken_promise(tmp_path: Path):
    assert "the block says that it prints\n3\nand prints\n2" in str(
        outcome(tmp_path, "print(2)\n# 3")
    )


def test_a_block_without_promise(tmp_path: Path):
    assert outcome(tmp_path, "# not a promise\nprint(2)\n\n# nor this") is None
