"""CONTRIBUTING.md has a line for every file of the package."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT

PACKAGE = ROOT / "src/mlplab"


def test_every_file_has_its_line():
    files = {str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py")}
    rooms = {file for file in files if file.endswith("/__init__.py")}
    table = re.findall(r"^\| (`.*?) \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    named = [file for row in table for file in re.findall(r"`(.+?\.py)`", row)]
    assert sorted(named) == sorted(files - rooms)
