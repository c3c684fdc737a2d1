"""Ours, and Keras's own ``fit``: the same recipe, the same bytes, the same callback."""

from __future__ import annotations

import logging
import random
from typing import Any

import keras
import numpy as np

import mlplab
from benchmarks.networks import Network
from benchmarks.peers import OURS, Peer
from benchmarks.turns import Turns
from mlplab.data import Dataset
from mlplab.engine import fit
from mlplab.recipes.notebook import choose_notebook_recipes

ENDLESS = 1_000_000  # epochs; training ends when the parent says so


class Stops(keras.callbacks.Callback):  # type: ignore[misc]
    """Stop after each epoch until the next turn."""

    def __init__(self, turns: Turns) -> None:
        super().__init__()
        self.turns = turns

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start the clock."""
        self.turns.begin()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Wait for the next turn."""
        self.model.stop_training = not self.turns.end()


class Phases(logging.Handler):
    """The seconds of each phase of the core, an entry an epoch, from its debug messages."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs: list[dict[str, float]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the phases of a message that has them."""
        if "seconds by phase" in record.msg and isinstance(record.args, tuple):
            self.epochs.append(dict(record.args[1]))  # type: ignore[call-overload]


def train(peer: Peer, network: Network, dataset: Dataset, turns: Turns) -> dict[str, Any]:
    """Train through ``fit``."""
    phases = Phases()
    logging.getLogger("mlplab").addHandler(phases)
    logging.getLogger("mlplab").setLevel(logging.DEBUG)
    (recipe,) = choose_notebook_recipes([network.name])
    random.seed(0)  # Keras draws its seeds here; set_random_seed would import TensorFlow as well
    model = recipe.model(dataset)
    (x, y), (x_test, y_test) = dataset.train, dataset.test
    arguments: dict[str, Any] = {
        "batch_size": recipe.batch_size,
        "epochs": ENDLESS,
        "verbose": 0,
        "callbacks": [Stops(turns)],
    }
    if peer.validates:
        arguments["validation_data"] = (x_test, recipe.targets(y_test, dataset.n_classes))
    targets = recipe.targets(y, dataset.n_classes)
    if peer.name in OURS:
        fit(model, x, targets, engine="native", seed=0, **arguments)
        guesses = mlplab.predict(model, x_test)
    else:
        model.fit(x, targets, **arguments)
        guesses = model.predict(x_test, batch_size=1000, verbose=0)
    accuracy = float(np.mean(guesses.argmax(axis=1) == y_test))
    return {"accuracy": accuracy, "phases": phases.epochs}
