"""Ours, and Keras's own ``fit``: the same model, the same arrays, the same callback."""

from __future__ import annotations

import logging
import random
from typing import Any

import keras
import numpy as np

import mlplab
from benchmarks import shapes
from benchmarks.memory import held_memory
from benchmarks.networks import Network
from benchmarks.peers import OURS, Peer
from benchmarks.turns import Turns
from mlplab.data import Dataset
from mlplab.engine import fit
from mlplab.engine.callbacks import NEVER_LOOK
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


# A callback of the user's own may look at the weights, so the native engine copies them into the
# model before it and out again after it. This one does not look; nor does a fit without callbacks.
NEVER_LOOK[Stops] = lambda callback: True


class Phases(logging.Handler):
    """The seconds of each phase of the core, an entry an epoch, from its debug messages."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs: list[dict[str, float]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the phases of a message that has them."""
        if "seconds by phase" in record.msg and isinstance(record.args, tuple):
            self.epochs.append(dict(record.args[1]))  # type: ignore[call-overload]


def fit_in_turns(
    peer: Peer, model: keras.Model, x: Any, y: Any, turns: Turns, **arguments: Any
) -> tuple[list[float], list[dict[str, float]]]:
    """Train until told to stop; return each epoch's loss, and ours' phases."""
    phases = Phases()
    logging.getLogger("mlplab").addHandler(phases)
    logging.getLogger("mlplab").setLevel(logging.DEBUG)
    arguments |= {"epochs": ENDLESS, "verbose": 0, "callbacks": [Stops(turns)]}
    if peer.name in OURS:
        history = fit(model, x, y, engine="native", seed=0, **arguments)
    else:
        history = model.fit(x, y, **arguments)
    return history.history["loss"], phases.epochs


def seed_weights() -> None:
    """Fix what Keras draws; its own ``set_random_seed`` would import TensorFlow as well."""
    random.seed(0)


def train(peer: Peer, network: Network, dataset: Dataset, turns: Turns) -> dict[str, Any]:
    """Train a network of the notebook and evaluate it."""
    (recipe,) = choose_notebook_recipes([network.name])
    seed_weights()
    model = recipe.model(dataset)
    (x, y), (x_test, y_test) = dataset.train, dataset.test
    arguments: dict[str, Any] = {"batch_size": recipe.batch_size}
    if peer.validates:
        arguments["validation_data"] = (x_test, recipe.targets(y_test, dataset.n_classes))
    targets = recipe.targets(y, dataset.n_classes)
    turns.say(built=held_memory())
    _, phases = fit_in_turns(peer, model, x, targets, turns, **arguments)
    if peer.name in OURS:
        guesses = mlplab.predict(model, x_test)
    else:
        guesses = model.predict(x_test, batch_size=1000, verbose=0)
    accuracy = float(np.mean(guesses.argmax(axis=1) == y_test))
    return {"accuracy": accuracy, "phases": phases}


def train_shape(peer: Peer, job: dict[str, Any], load: Any, turns: Turns) -> dict[str, Any]:
    """Train a network of any shape, for the curves of growth."""
    shape = shapes.Shape(**job)
    x, y = shapes.examples(shape, load)
    seed_weights()
    model = shapes.build(shape, x)
    losses, phases = fit_in_turns(peer, model, x, y, turns, batch_size=shape.batch)
    return {"losses": losses, "phases": phases}
