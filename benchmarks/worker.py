"""One peer training one network, in a process of its own: ``python -m benchmarks.worker``."""

from __future__ import annotations

import importlib
import sys

from benchmarks.networks import NETWORKS
from benchmarks.peers import PEERS
from benchmarks.turns import Turns, peak_memory, take_stdout
from mlplab.data import load


def main() -> None:
    """Train until told to stop, then tell accuracy, memory and phases."""
    turns = Turns(take_stdout())
    peer, network = PEERS[sys.argv[1]], NETWORKS[sys.argv[2]]
    module = importlib.import_module(f"benchmarks.{peer.module}")
    imported = peak_memory()
    outcome = module.train(peer, network, load("mnist"), turns)
    turns.say(memory=turns.peak - imported, **outcome)


if __name__ == "__main__":
    main()
