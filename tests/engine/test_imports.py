"""On JAX, mlplab imports neither TensorFlow nor PyTorch: seconds and hundreds of megabytes."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlplab.data import Dataset

ROOT = Path(__file__).parents[2]


def imported(folder: Path, *path: Path) -> subprocess.CompletedProcess[str]:
    """Run the process that uses everything, with more folders ahead on the path of imports."""
    folders = [*path, ROOT, *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = os.environ | {
        "KERAS_BACKEND": "jax",
        "PYTHONPATH": os.pathsep.join(str(place) for place in folders if place),
    }
    command = [sys.executable, "-m", "tests.engine.uses_everything", str(folder)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_framework_is_not_even_tried(tmp_path: Path, mnist: Dataset) -> None:
    for name in ("tensorflow", "torch"):
        package = tmp_path / "fake" / name
        package.mkdir(parents=True)
        # A message as well as an error: whoever tries the import may swallow the error.
        (package / "__init__.py").write_text(
            f"import sys; print('{name} was imported', file=sys.stderr)\n"
            f"raise RuntimeError('{name} was imported')\n"
        )
    result = imported(tmp_path, tmp_path / "fake")
    assert "was imported" not in result.stderr
    assert (result.returncode, result.stdout) == (0, "jax"), result.stderr


@pytest.mark.skipif(
    not importlib.util.find_spec("tensorflow"), reason="TensorFlow is not installed"
)
def test_an_installed_tensorflow_stays_unread(tmp_path: Path, mnist: Dataset) -> None:
    result = imported(tmp_path)
    assert (result.returncode, result.stdout) == (0, "jax"), result.stderr
