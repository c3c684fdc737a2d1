"""The program that the kill test kills: a study of short runs, tracked by files."""

from __future__ import annotations

import sys

import mlplab
from tests.networks import small_network

if __name__ == "__main__":
    path, n_seeds = sys.argv[1], int(sys.argv[2])
    recipe = mlplab.Recipe("small", small_network, optimizer="adam", batch_size=64, epochs=2)
    track = {"csv": "runs.csv", "jsonl": "runs.jsonl", "tensorboard": "events"}
    mlplab.run(recipe, "digits", n_seeds, path=path, track=track).close()
