"""The loop of ``fit``: epochs between callbacks, as Keras calls them.

An engine that stops at the ends of epochs and of validations alone is a subclass: it fills in what
an epoch is. Keras is touched under its lock only, so that several threads can train several models.
"""

from __future__ import annotations

from typing import Any

import keras

from mlplab.engine.callbacks import changes_before_tests, looks_at_weights
from mlplab.engine.keras_engine import FitArguments
from mlplab.engine.keras_private import LOCK, restored_epoch

Logs = dict[str, Any]


class EpochLoop:
    """One training under way.

    Args:
        model: a compiled, built model.
        arguments: those of ``fit``.
        n_steps: steps an epoch.
    """

    def __init__(self, model: keras.Model, arguments: FitArguments, n_steps: int) -> None:
        self.model, self.arguments, self.n_steps = model, arguments, n_steps
        verbose = arguments.passed_on["verbose"]
        with LOCK:
            self.callbacks = keras.callbacks.CallbackList(
                arguments.callbacks,
                add_history=True,
                add_progbar=verbose != 0,
                verbose=verbose,
                epochs=arguments.epochs,
                steps=n_steps,
                model=model,
            )
        self.watched = looks_at_weights(self.callbacks.callbacks)
        self.changed_for_tests = changes_before_tests(self.callbacks.callbacks)
        self.logs: Logs = {}

    def begin_epoch(self, epoch: int) -> None:
        """Take from the Keras model what it holds; called under the lock."""
        raise NotImplementedError

    def train_epoch(self, epoch: int) -> Logs:
        """Train one epoch and return its loss and metrics."""
        raise NotImplementedError

    def end_epoch(self) -> None:
        """Put into the Keras model what callbacks may look at; called under the lock."""
        raise NotImplementedError

    def begin_validation(self) -> None:
        """Take what a callback changed since ``end_epoch``; called under the lock."""
        raise NotImplementedError

    def validate(self) -> Logs:
        """Return loss and metrics on the validation data."""
        raise NotImplementedError

    def leave(self) -> None:
        """Put all state into the Keras model, also where training broke off; under the lock."""
        raise NotImplementedError

    @property
    def validates(self) -> bool:
        """Whether there are validation data."""
        raise NotImplementedError

    def begin(self, first_epoch: int) -> None:
        """Prepare for the first epoch; called under the lock, after ``on_train_begin``."""

    def run(self) -> keras.callbacks.History:
        """Train, call the callbacks, and return the Keras ``History``."""
        finished = False
        with LOCK:
            self.model.stop_training = False
            self.callbacks.on_train_begin()
            first_epoch = restored_epoch(self.model) or self.arguments.initial_epoch
            self.begin(first_epoch)
        try:
            for epoch in range(first_epoch, self.arguments.epochs):
                self._run_epoch(epoch)
                if self.model.stop_training:
                    break
            finished = True
        finally:
            with LOCK:
                self._end(finished=finished)
        return self.model.history

    def _run_epoch(self, epoch: int) -> None:
        with LOCK:
            self.callbacks.on_epoch_begin(epoch)
            self.begin_epoch(epoch)
        logs = self.train_epoch(epoch)
        with LOCK:
            self.end_epoch()
            self._tell_terminators(logs)
        if self.validates and self._validates_after(epoch):
            logs |= {f"val_{name}": value for name, value in self._run_validation().items()}
        with LOCK:
            self.callbacks.on_epoch_end(epoch, logs)
        self.logs = logs

    def _run_validation(self) -> Logs:
        with LOCK:
            self.callbacks.on_test_begin()
            self.begin_validation()
        logs = self.validate()
        with LOCK:
            self.callbacks.on_test_end(logs)
        return logs

    def _validates_after(self, epoch: int) -> bool:
        every = self.arguments.passed_on["validation_freq"]
        return (epoch + 1) % every == 0 if isinstance(every, int) else epoch + 1 in every

    def _tell_terminators(self, logs: Logs) -> None:
        """TerminateOnNaN looks at the loss where a batch ends; it sees the epoch's."""
        for callback in self.callbacks.callbacks:
            if isinstance(callback, keras.callbacks.TerminateOnNaN):
                callback.on_train_batch_end(self.n_steps - 1, logs)

    def _end(self, *, finished: bool) -> None:
        self.leave()
        if self.arguments.epochs > 0:
            self.model.optimizer.finalize_variable_values(self.model.trainable_weights)
        if finished:
            self.callbacks.on_train_end(self.logs)
