"""The program that the kill tests kill: a study of many short runs."""

from __future__ import annotations

import sys

import mlplab
from tests.networks import small_network

if __name__ == "__main__":
    path, n_seeds, keep = sys.argv[1], int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None
    recipe = mlplab.Recipe("small", small_network, optimizer="adam", batch_size=64, epochs=2)
    with mlplab.run(recipe, "digits", n_seeds, path=path, keep=keep) as study:
        sys.stdout.write(f"{len(study.frame())}\n")
