"""What a program says that it took, run in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def bytes_taken(program: str, *arguments: str | Path, **environment: str) -> int:
    """Run a program that prints a number of bytes and nothing else; return that."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)
