"""Two Ray workers that share a search: ``python -m tests.tuning.on_ray``.

Arguments: the spec, the storage, how many trials, an empty folder. A program of its own: Ray starts
processes by forking, which JAX's threads do not survive.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import ray


@ray.remote(num_cpus=1)
def work(spec: str, storage: str, n_trials: int, meeting: str) -> tuple[int, int]:
    """Do trials; return who did, and how many there are in all."""
    from mlplab.tuning import search
    from tests.tuning.searching import wait_for_all

    wait_for_all(Path(meeting), 2)
    return os.getpid(), sum(search(spec, trials=n_trials, storage=storage).counts)


def main(spec: str, storage: str, trials: str, meeting: str) -> None:
    ray.init(
        "local",  # a cluster of its own, whatever else runs here
        num_cpus=2,
        include_dashboard=False,
        _node_ip_address="127.0.0.1",
        log_to_driver=False,
        logging_level="ERROR",
        object_store_memory=80_000_000,
    )
    try:
        tasks = [work.remote(spec, storage, int(trials), meeting) for _ in range(2)]
        print(json.dumps(ray.get(tasks, timeout=200)))  # noqa: T201
    finally:
        ray.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
