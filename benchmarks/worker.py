"""One peer training, in a process of its own: ``python -m benchmarks.worker PEER [CORES [CORE]]``.

It tells when its imports are done, and then trains job after job as its parent sends them, a JSON
line each: ``{"network": "relu-2"}`` or ``{"shape": {...}}``. CORES limits the cores it may use;
CORE is a file with a compiled core to take in place of the package's own.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from functools import cache
from typing import Any

from benchmarks.memory import held_memory
from benchmarks.networks import NETWORKS
from benchmarks.peers import PEERS
from benchmarks.turns import Turns, take_stdout


def use_core(path: str) -> None:
    """Make the package load this compiled core."""
    spec = importlib.util.spec_from_file_location("mlplab.engine._core", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules[spec.name] = module


def foreign_packages(requires: str) -> list[str]:
    """Return which frameworks are loaded that a peer has no use for."""
    frameworks = {"tensorflow", "torch"} - {requires}
    return sorted(frameworks & set(sys.modules))


def main() -> None:
    """Train until told to stop."""
    turns = Turns(take_stdout())
    peer = PEERS[sys.argv[1]]
    if len(sys.argv) > 2:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[2])])
    if len(sys.argv) > 3:
        use_core(sys.argv[3])
    module: Any = importlib.import_module(f"benchmarks.{peer.module}")
    data: Any = importlib.import_module("mlplab.data")
    load = cache(data.load)
    turns.say(imported=held_memory())
    for line in iter(sys.stdin.readline, ""):
        job = json.loads(line)
        if "network" in job:
            dataset = load("mnist")
            turns.say(read=held_memory())
            outcome = module.train(peer, NETWORKS[job["network"]], dataset, turns)
        else:
            outcome = module.train_shape(peer, job["shape"], load, turns)
        turns.say(foreign=foreign_packages(peer.requires), **outcome)


if __name__ == "__main__":
    main()
