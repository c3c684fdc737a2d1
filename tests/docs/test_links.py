"""Links between files of the repository lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES

_LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)")


def linked_files(text: str) -> list[str]:
    """The relative targets of a page's links, outside of fenced blocks."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return _LINK.findall(prose)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_linked_files_exist(page: Path):
    missing = [link for link in linked_files(page.read_text()) if not (page.parent / link).exists()]
    assert missing == []


def test_links_are_seen():
    assert linked_files("[a](docs/a.md#b), [c](https://d.e), ![f](g.svg)") == ["docs/a.md", "g.svg"]
