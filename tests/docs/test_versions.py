"""One version, wherever it stands."""

from __future__ import annotations

import re
import tomllib

import mlplab
from tests.docs.pages import ROOT


def test_one_version_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text()
    newest = re.search(r"^## \[(.+?)\]", changelog, re.MULTILINE)
    assert newest is not None
    assert project["version"] == mlplab.__version__ == newest[1]
