"""The program itself, run as a process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAM = [sys.executable, "-m", "mlplab.cli.main"]

Result = subprocess.CompletedProcess[str]
Program = Callable[..., Result]


@pytest.fixture
def mlplab_(tmp_path: Path) -> Program:
    """Run ``mlplab`` with arguments in a folder of the test's own, as a user would."""

    def run(*arguments: object, code: int = 0) -> Result:
        command = [*PROGRAM, *map(str, arguments)]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=280)
        assert result.returncode == code, result.stdout + result.stderr
        return result

    return run
