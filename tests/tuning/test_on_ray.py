"""Two Ray workers share one search through its storage."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import optuna
import pytest

ROOT = Path(__file__).parents[2]


def test_two_ray_workers_share_a_search(quick: Path, tmp_path: Path, storage: str):
    pytest.importorskip("ray")
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    command = [sys.executable, "-m", "tests.tuning.on_ray", str(quick), storage, "12", str(meeting)]
    own = {
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "disabled",
    }
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | own, capture_output=True, text=True, timeout=250
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout.splitlines()[-1])
    assert [n_trials for _, n_trials in results] == [12, 12]
    trials = optuna.load_study(study_name="quick", storage=storage).trials
    assert [trial.number for trial in trials] == list(range(12))
    assert len({json.dumps(trial.params) for trial in trials}) == 12
    workers = {trial.user_attrs["process"]["pid"] for trial in trials}
    assert workers == {pid for pid, _ in results}
