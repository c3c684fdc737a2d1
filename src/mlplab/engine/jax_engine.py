"""The ``jax`` engine: any Keras model on JAX, an epoch one compiled program.

Who owns what: the program holds the state while an epoch runs, the Keras model between epochs, so
that callbacks see and may change it.
"""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import Any

import jax
import keras
import numpy as np

from mlplab.data.lazy import LazyRows
from mlplab.engine import keras_private
from mlplab.engine.arrays import at_hand
from mlplab.engine.epochs import EpochLoop, Logs
from mlplab.engine.jax_memory import free_bytes
from mlplab.engine.jax_program import (
    Data,
    Program,
    on_device,
    put_into,
    state_of,
)
from mlplab.engine.job import read_arguments, read_held_out
from mlplab.engine.keras_engine import FitArguments
from mlplab.engine.keras_private import LOCK
from mlplab.engine.streams import Streams, seed_dropout
from mlplab.errors import DataError, Unplannable


def check_model(model: keras.Model) -> None:
    """Raise Unplannable, with the reason in one sentence, where JAX cannot train a compiled model.

    The model may be unbuilt.
    """
    backend = keras.backend.backend()
    if backend != "jax":
        raise Unplannable(
            f"the jax engine trains with Keras on JAX, and here Keras is on {backend}; set "
            "KERAS_BACKEND=jax before Keras is imported"
        )
    if model.run_eagerly:
        raise Unplannable("the model is compiled with run_eagerly=True, which only Keras can do")
    if not model.jit_compile:
        raise Unplannable("the model is compiled with jit_compile=False, which only Keras can do")
    if keras.distribution.distribution() is not None:
        raise Unplannable("keras.distribution is set, which only Keras can do")


def check_quick(model: keras.Model) -> None:
    """Raise Unplannable where Keras's own loop trains a compiled model faster.

    On a processor XLA computes a convolution more slowly inside a compiled loop than outside.
    docs/many-seeds.md has the measurements.
    """
    if not on_accelerator() and convolves(model):
        raise Unplannable("the model has convolutions, slower in a compiled loop on a processor")


def convolves(model: keras.Model) -> bool:
    """Return whether the program of a model has convolutions; True where it cannot be told.

    Examples:
        >>> convolves(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]))
        False
    """
    known = type(model) in keras_private.MODEL_CLASSES and model.built
    shape = model.input_shape if known else None
    if not isinstance(shape, tuple) or not all(isinstance(size, int) for size in shape[1:]):
        return True
    with LOCK:
        variables = (model.trainable_variables, model.non_trainable_variables)
        values = [[variable.value for variable in group] for group in variables]
        example = jax.numpy.zeros((1, *shape[1:]), model.inputs[0].dtype)
        traced = jax.make_jaxpr(lambda *given: model.stateless_call(*given)[0])(*values, example)
    return "conv_general_dilated" in str(traced)


def on_accelerator() -> bool:
    """Return whether Keras is on JAX, and JAX on something else than the processor."""
    return keras.backend.backend() == "jax" and jax.default_backend() != "cpu"


def fit(
    model: keras.Model, arguments: FitArguments, streams: Streams | None
) -> keras.callbacks.History:
    """Train a compiled model, each epoch one program.

    Raises:
        Unplannable: the engine does not cover something.
    """
    return ready(model, arguments, streams).run()


def ready(model: keras.Model, arguments: FitArguments, streams: Streams | None) -> EpochLoop:
    """Read a model, its data and the arguments of ``fit``; return the training to be run.

    Raises:
        Unplannable: the engine does not cover something; the message is one sentence.
        DataError: arrays that do not fit each other.
    """
    check_model(model)
    arguments = read_arguments(arguments, "jax")
    train = (arguments.x, arguments.y, arguments.sample_weight)
    held_out = read_held_out(arguments.validation_data, "jax")
    check_lengths(held_out)
    check_fits(arguments.x)
    build(model, train)
    x, y = at_hand(arguments.x), at_hand(arguments.y)
    arguments = replace(arguments, x=x, y=y)
    return Training(model, arguments, streams, held_out)


def check_fits(x: Any) -> None:
    """Raise Unplannable where an array is larger than what the device has free."""
    needed, free = x.nbytes if isinstance(x, np.ndarray | LazyRows) else 0, free_bytes()
    if needed > free:
        raise Unplannable(
            f"x takes {needed / 1e6:,.0f} MB, and the jax engine has all of it on a device "
            f"that has {free / 1e6:,.0f} MB free"
        )


def check_lengths(data: tuple[Any, Any, Any] | None) -> None:
    """Raise DataError where validation data differ in length."""
    for name, array in zip(("y", "sample_weight"), (data or ())[1:], strict=False):
        if data and array is not None and len(array) != data[0].shape[0]:
            raise DataError(
                f"expected {name} of validation_data as long as its x ({data[0].shape[0]}), "
                f"got {len(array)}"
            )


def build(model: keras.Model, data: tuple[Any, Any, Any]) -> None:
    """Make all variables of a model that training takes."""
    with LOCK:
        x, y, weight = data
        keras_private.build_training(model, (x[:1], y[:1], None if weight is None else weight[:1]))


class Training(EpochLoop):
    """One training under way: the program, and the state on its way between model and program."""

    def __init__(
        self,
        model: keras.Model,
        arguments: FitArguments,
        streams: Streams | None,
        held_out: tuple[Any, Any, Any] | None,
    ) -> None:
        self.train_data = on_device(arguments.x, arguments.y, arguments.sample_weight)
        self.held_out = on_device(*held_out) if held_out else None
        self.n_samples = len(self.train_data.y)
        batch_size = arguments.samples_a_step
        super().__init__(model, arguments, math.ceil(self.n_samples / batch_size))
        self.streams = streams or Streams.of(random.getrandbits(63))
        self.validation_batch_size = arguments.passed_on["validation_batch_size"] or batch_size
        self.program = Program(model, batch_size)
        self.state = state_of(model)
        self.program.compile_training(self.state, self.train_data, all_rows(self.train_data))

    def begin(self, first_epoch: int) -> None:
        """Set the counters of random layers."""
        seed_dropout(self.model, self.streams, steps_done=first_epoch * self.n_steps)

    def begin_epoch(self, epoch: int) -> None:
        """Read the model."""
        self._read()

    def train_epoch(self, epoch: int) -> Logs:
        """Train one epoch."""
        order = np.arange(self.n_samples)
        if self.arguments.shuffle:
            order = self.streams.epoch_order(epoch, self.n_samples)
        rows = jax.numpy.asarray(order.astype(np.int32))
        self.state, logs = self.program.train(self.state, self.train_data, rows)
        return as_floats(logs)

    def end_epoch(self) -> None:
        """Write the model."""
        self._write()

    @property
    def validates(self) -> bool:
        """Whether there are validation data."""
        return self.held_out is not None

    def begin_validation(self) -> None:
        """Read the model again: a callback may have changed it."""
        self._read()

    def validate(self) -> Logs:
        """Evaluate."""
        assert self.held_out is not None
        fixed, logs = self.program.evaluate(
            self.state, self.held_out, all_rows(self.held_out), self.validation_batch_size
        )
        with LOCK:
            self.state = self.state._replace(fixed=fixed)
            self._write()
        return as_floats(logs)

    def leave(self) -> None:
        """Leave the model as it is: it holds the state already."""

    def _read(self) -> None:
        self.state = state_of(self.model)

    def _write(self) -> None:
        put_into(self.model, self.state)


def all_rows(data: Data) -> Any:
    """Return the rows of data in their order, int32 (n,)."""
    return jax.numpy.arange(len(data.y), dtype=np.int32)


def as_floats(logs: dict[str, Any]) -> Logs:
    """Return figures as Keras's ``History`` has them: numbers, arrays where a metric gives some."""
    result: Logs = {}
    for name, value in logs.items():
        if isinstance(value, dict):
            result |= as_floats(value)
        else:
            result[name] = float(value) if value.ndim == 0 else np.asarray(value)
    return result
