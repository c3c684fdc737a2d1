"""Each Keras backend, in a process of its own: fit, going on under Keras, saved files."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mlplab.data import Dataset
from tests.engine.models import OPTIMIZERS

ROOT = Path(__file__).parents[2]
PACKAGES = {"jax": "jax", "tensorflow": "tensorflow", "torch": "torch"}
N_STEPS = 8  # an epoch's


def run_on(backend: str, folder: Path) -> dict[str, list[np.ndarray]]:
    """Return the states that ``backend_run`` writes on a backend."""
    if not importlib.util.find_spec(PACKAGES[backend]):
        pytest.skip(f"Keras's backend {backend} is not installed")
    folder.mkdir()
    path = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(path)}
    command = [sys.executable, "-m", "tests.engine.backend_run", str(folder)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, backend), result.stderr
    states: dict[str, list[np.ndarray]] = {}
    with np.load(folder / "states.npz") as stored:
        for name in sorted(stored.files):
            states.setdefault(name.rpartition("/")[0], []).append(stored[name])
    return states


@pytest.fixture(scope="module")
def on_jax(tmp_path_factory: pytest.TempPathFactory, mnist: Dataset) -> dict[str, list[np.ndarray]]:
    return run_on("jax", tmp_path_factory.mktemp("jax") / "run")


def steps(arrays: list[np.ndarray]) -> list[int]:
    """Return the integers among a state's arrays: the optimizer's count of steps."""
    return [int(array) for array in arrays if array.dtype.kind in "iu" and array.ndim == 0]


@pytest.mark.parametrize("backend", PACKAGES)
def test_state_goes_back_and_training_goes_on(
    backend: str, on_jax: dict[str, list[np.ndarray]], tmp_path: Path
) -> None:
    states = on_jax if backend == "jax" else run_on(backend, tmp_path / "run")
    assert steps(states["native"]) == [2 * N_STEPS]
    assert steps(states["native, keras, native"]) == [4 * N_STEPS]
    assert steps(states["native, saved, native"]) == [3 * N_STEPS]
    # The native engine's part is the same bits on every backend.
    for name in ("native", "native, saved, native"):
        for ours, theirs in zip(states[name], on_jax[name], strict=True):
            np.testing.assert_array_equal(ours, theirs)
    # Every optimizer finds its slots; initial weights and schedules are the backend's to compute.
    for name in OPTIMIZERS:
        ours, theirs = (which[f"optimizer {name}"] for which in (states, on_jax))
        assert [array.shape for array in ours] == [array.shape for array in theirs]
        assert all(np.isfinite(array).all() for array in ours)
        assert steps(ours) == [10]
    # What Keras trains on is the state that was written back, moments and step count included.
    close = {
        "native, saved, native": states["native, keras"],
        "native, saved, keras": states["native, keras"],
        "Keras's predictions": states["predictions"],
    }
    for name, expected in close.items():
        for ours, theirs in zip(states[name], expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=2e-3, atol=2e-5, err_msg=name)
    for ours, before in zip(states["native, keras"], states["native"], strict=True):
        assert ours.size == 1 or not np.array_equal(ours, before)
