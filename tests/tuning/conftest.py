from __future__ import annotations

from pathlib import Path

import pytest

from tests.tuning.specs import QUICK


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    """A search whose trials take a tenth of a second: one network, its rate and batches."""
    file = tmp_path / "quick.toml"
    file.write_text(QUICK)
    return file


@pytest.fixture
def storage(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/quick.tune.db"
