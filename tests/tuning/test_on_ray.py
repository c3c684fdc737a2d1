"""Two Ray workers share one search through its storage."""

from __future__ import annotations

import json
import os
from pathlib import Path

import optuna
import pytest

ROOT = Path(__file__).parents[2]


def test_two_ray_workers_share_a_search(
    quick: Path, tmp_path: Path, storage: str, monkeypatch: pytest.MonkeyPatch
):
    for name in ("RAY_USAGE_STATS_ENABLED", "RAY_DISABLE_METRICS_COLLECTION"):
        monkeypatch.setenv(name, "0" if "USAGE" in name else "1")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'src'}{os.pathsep}{ROOT}")
    ray = pytest.importorskip("ray")
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        _node_ip_address="127.0.0.1",
        log_to_driver=False,
        logging_level="ERROR",
        object_store_memory=80_000_000,
    )
    try:

        @ray.remote(num_cpus=1)
        def work(spec: str, meeting: str) -> tuple[int, int]:
            from mlplab.tuning import search
            from tests.tuning.searching import wait_for_all

            wait_for_all(Path(meeting), 2)
            return os.getpid(), sum(search(spec, trials=12, storage=storage).counts)

        done = ray.get([work.remote(str(quick), str(tmp_path)) for _ in range(2)], timeout=200)
    finally:
        ray.shutdown()
    assert [n_trials for _, n_trials in done] == [12, 12]
    trials = optuna.load_study(study_name="quick", storage=storage).trials
    assert [trial.number for trial in trials] == list(range(12))
    assert len({json.dumps(trial.params) for trial in trials}) == 12
    workers = {trial.user_attrs["process"]["pid"] for trial in trials}
    assert workers == {pid for pid, _ in done}
