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
import numpy.typing as npt

from mlplab.engine import core, thread_count
from mlplab.engine.callbacks import changes_before_tests, looks_at_weights
from mlplab.engine.core import Network
from mlplab.engine.job import Job, prepare
from mlplab.engine.keras_engine import FitArguments
from mlplab.engine.keras_private import LOCK, restored_epoch
from mlplab.engine.model_state import ModelState
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
    job = prepare(model, arguments)
    core.load()
    return run(job, streams)


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
    streams = streams or Streams.of(random.getrandbits(63))
    training = Training(job, streams, make_network)
    finished = False
    with LOCK:
        first_epoch = training.begin()
    try:
        for epoch in range(first_epoch, job.arguments.epochs):
            training.run_epoch(epoch)
            if job.model.stop_training:
                break
        finished = True
    finally:
        with LOCK:
            training.end(finished=finished)
    return job.model.history


class Training:
    """One training under way: the network, the model's state and the callbacks."""

    def __init__(self, job: Job, streams: Streams, make_network: MakeNetwork) -> None:
        self.job, self.streams, self.model = job, streams, job.model
        planned = job.plan
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
        verbose = job.arguments.passed_on["verbose"]
        with LOCK:
            self.callbacks = keras.callbacks.CallbackList(
                job.arguments.callbacks,
                add_history=True,
                add_progbar=verbose != 0,
                verbose=verbose,
                epochs=job.arguments.epochs,
                steps=job.n_steps,
                model=job.model,
            )
        self.watched = looks_at_weights(self.callbacks.callbacks)
        self.changed_for_tests = changes_before_tests(self.callbacks.callbacks)
        self.steps_done = self.state.steps_done  # of the network
        self.network_current = False  # whether the network holds the state of this moment
        self.model_current = True  # whether the Keras model does
        self.diverged = False
        self.logs: dict[str, float] = {}

    def begin(self) -> int:
        """Return the epoch to start from."""
        self.model.stop_training = False
        self.callbacks.on_train_begin()
        return restored_epoch(self.model) or self.job.arguments.initial_epoch

    def run_epoch(self, epoch: int) -> None:
        """Train one epoch, validate, and call the callbacks as Keras would."""
        with LOCK:
            self.callbacks.on_epoch_begin(epoch)
            if self.watched or not self.network_current:
                self.state.read_into(self.network)
            first_step = self.state.steps_done
            rates = learning_rates(self.state.optimizer, first_step, self.job.n_steps)
        self.network_current, self.model_current = True, False
        self.steps_done = first_step + self.job.n_steps
        logs = self._train(epoch, rates, first_step)
        with LOCK:
            if self.watched:
                self._write()
            else:
                self.state.count_steps(self.steps_done)
            self._tell_terminators(logs)
        if self.job.validation and self._validates(epoch):
            logs |= {f"val_{name}": value for name, value in self._validate().items()}
        with LOCK:
            self.callbacks.on_epoch_end(epoch, logs)
        self.logs = logs

    def _train(
        self, epoch: int, rates: npt.NDArray[np.float32], first_step: int
    ) -> dict[str, float]:
        train, n_samples = self.job.train, len(self.job.train.y)
        order = np.arange(n_samples, dtype=np.int64)
        if self.job.arguments.shuffle:
            order = self.streams.epoch_order(epoch, n_samples)
        result = self.network.train_epoch(
            train.x, train.y, order, self.job.batch_size, rates, first_step, train.weight
        )
        logger.debug("epoch %d: seconds by phase: %s", epoch + 1, result["phases"])
        if not result["finite"] and not self.diverged:
            self.diverged = True
            logger.warning("the loss is not finite from epoch %d on", epoch + 1)
        return named_results(result, self.job.plan.metric_names)

    def _validate(self) -> dict[str, float]:
        held_out = self.job.validation
        assert held_out is not None
        with LOCK:
            self.callbacks.on_test_begin()
            if self.changed_for_tests:
                self.state.read_into(self.network)
        result = self.network.evaluate(
            held_out.x, held_out.y, self.job.validation_batch_size, held_out.weight
        )
        logs = named_results(result, self.job.plan.metric_names)
        with LOCK:
            self.callbacks.on_test_end(logs)
        return logs

    def _validates(self, epoch: int) -> bool:
        every = self.job.arguments.passed_on["validation_freq"]
        return (epoch + 1) % every == 0 if isinstance(every, int) else epoch + 1 in every

    def _tell_terminators(self, logs: dict[str, float]) -> None:
        """TerminateOnNaN looks at the loss where a batch ends; it sees the epoch's."""
        for callback in self.callbacks.callbacks:
            if isinstance(callback, keras.callbacks.TerminateOnNaN):
                callback.on_train_batch_end(self.job.n_steps - 1, logs)

    def _write(self) -> None:
        self.state.write_from(self.network)
        self.state.count_steps(self.steps_done)
        self.model_current = True

    def end(self, *, finished: bool) -> None:
        """Leave everything in the Keras model, also where training broke off."""
        if not self.model_current:
            self._write()
        if self.job.arguments.epochs > 0:
            self.state.optimizer.finalize_variable_values(self.model.trainable_weights)
        if finished:
            self.callbacks.on_train_end(self.logs)


def named_results(result: dict[str, Any], metric_names: list[str]) -> dict[str, float]:
    """Return {"loss": ..., metric: ...} from a result of the core."""
    return {"loss": float(result["loss"])} | {
        name: float(value) for name, value in zip(metric_names, result["metrics"], strict=True)
    }
