"""The ``native`` engine: epochs on the compiled core, between callbacks as Keras calls them.

Who owns what: the network holds the state while an epoch runs; the Keras model holds it whenever a
callback looks, and at the end. Keras is touched under its lock only, the core runs outside it, so
that several threads can train several models.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from mlplab.engine import core, thread_count
from mlplab.engine.core import Network
from mlplab.engine.epochs import EpochLoop, Logs
from mlplab.engine.feed import Call, feed_of
from mlplab.engine.job import Job, prepare
from mlplab.engine.keras_engine import FitArguments
from mlplab.engine.keras_private import LOCK
from mlplab.engine.model_state import ModelState
from mlplab.engine.orders import InTurn
from mlplab.engine.plan_optimizers import learning_rates
from mlplab.engine.streams import Streams

MakeNetwork = Callable[..., Network]

logger = logging.getLogger("mlplab")


def fit(
    model: keras.Model, arguments: FitArguments, streams: Streams | None
) -> keras.callbacks.History:
    """Train a compiled model on the core.

    Raises:
        Unplannable: the native engine does not cover something.
    """
    return ready(model, arguments, streams).run()


def ready(model: keras.Model, arguments: FitArguments, streams: Streams | None) -> EpochLoop:
    """Read a model, its data and the arguments of ``fit``; return the training to be run.

    Raises:
        Unplannable: the native engine does not cover something; the message is one sentence.
    """
    job = prepare(model, arguments)
    core.load()
    return Training(job, streams)


def run(
    job: Job, streams: Streams | None, make_network: MakeNetwork = core.make_network
) -> keras.callbacks.History:
    """Train a prepared model.

    Args:
        job: what ``prepare`` returned.
        streams: the random streams; None draws a seed, as Keras does, from Python's generator.
        make_network: makes the network that runs the epochs.

    Returns:
        The Keras ``History``.
    """
    return Training(job, streams, make_network).run()


class Training(EpochLoop):
    """One training under way: the network, and the model's state."""

    def __init__(
        self,
        job: Job,
        streams: Streams | None,
        make_network: MakeNetwork = core.make_network,
    ) -> None:
        planned = job.plan
        streams = streams or Streams.of(random.getrandbits(63))
        with LOCK:
            self.state = ModelState(job.model, planned)
        self.network = make_network(
            planned.n_inputs,
            planned.keyed_layers(streams),
            planned.loss,
            planned.optimizer,
            job.most_rows,
            job.arguments.threads or thread_count.to_train(planned, job.batch_size),
        )
        super().__init__(job.model, job.arguments, job.n_steps)
        self.job, self.streams = job, streams
        train = job.train
        self.feed = feed_of(train.x, train.y, train.weight, job.batch_size)
        self.steps_done = self.first_step = self.state.steps_done  # of the network
        self.rates = np.zeros(0, np.float32)  # of the steps of this epoch
        self.network_current = False  # whether the network holds the state of this moment
        self.model_current = True  # whether the Keras model does
        self.diverged = False

    def begin_epoch(self, epoch: int) -> None:
        """Read the model, where it may hold something else than the network."""
        if self.watched or not self.network_current:
            self.state.read_into(self.network)
        self.first_step = self.state.steps_done
        self.rates = learning_rates(self.state.optimizer, self.first_step, self.n_steps)

    def train_epoch(self, epoch: int) -> Logs:
        """Train one epoch on the core."""
        self.network_current, self.model_current = True, False
        self.steps_done = self.first_step + self.n_steps
        n_samples = len(self.job.train.y)
        shuffle = self.arguments.shuffle
        order = self.streams.order_in_blocks(epoch, n_samples) if shuffle else InTurn(n_samples)
        with self.feed.calls(order) as calls:
            result = together([self._train(call) for call in calls])
        logger.debug("epoch %d: seconds by phase: %s", epoch + 1, result["phases"])
        if not result["finite"] and not self.diverged:
            self.diverged = True
            logger.warning("the loss is not finite from epoch %d on", epoch + 1)
        return named_results(result, self.job.plan.metric_names)

    def _train(self, call: Call) -> dict[str, Any]:
        """Make the steps of one call; ``n`` in the result is the number of its samples."""
        first_step = self.first_step + call.steps.start
        rates, batch_size = self.rates[call.steps], self.job.batch_size
        return {"n": len(call.order)} | self.network.train_epoch(
            call.x, call.y, call.order, batch_size, rates, first_step, call.weight
        )

    def end_epoch(self) -> None:
        """Write the model, or its count of steps alone where no callback looks at weights."""
        if self.watched:
            self._write()
        else:
            self.state.count_steps(self.steps_done)

    @property
    def validates(self) -> bool:
        """Whether there are validation data."""
        return self.job.validation is not None

    def begin_validation(self) -> None:
        """Read the model again where a callback may change it for tests."""
        if self.changed_for_tests:
            self.state.read_into(self.network)

    def validate(self) -> Logs:
        """Evaluate on the core."""
        held_out = self.job.validation
        assert held_out is not None
        result = self.network.evaluate(
            held_out.x, held_out.y, self.job.validation_batch_size, held_out.weight
        )
        return named_results(result, self.job.plan.metric_names)

    def leave(self) -> None:
        """Leave everything in the Keras model."""
        if not self.model_current:
            self._write()

    def _write(self) -> None:
        self.state.write_from(self.network)
        self.state.count_steps(self.steps_done)
        self.model_current = True


def together(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the results of the calls of an epoch as those of one."""
    if len(results) == 1:
        return results[0]
    sizes = [result["n"] for result in results]
    metrics = [result["metrics"] for result in results]
    return {
        "loss": np.average([result["loss"] for result in results], weights=sizes),
        "metrics": [np.average(values, weights=sizes) for values in zip(*metrics, strict=True)],
        "finite": all(result["finite"] for result in results),
        "phases": {
            phase: sum(result["phases"][phase] for result in results)
            for phase in results[0]["phases"]
        },
    }


def named_results(result: dict[str, Any], metric_names: list[str]) -> dict[str, float]:
    """Return {"loss": ..., metric: ...} from a result of the core."""
    return {"loss": float(result["loss"])} | {
        name: float(value) for name, value in zip(metric_names, result["metrics"], strict=True)
    }
