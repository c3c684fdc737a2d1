"""What the native engine trains: a model's plan and its data, read before anything runs."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from mlplab.data.lazy import LazyRows
from mlplab.engine import arrays
from mlplab.engine.callbacks import check_callbacks
from mlplab.engine.keras_engine import FitArguments, carve_tail
from mlplab.engine.keras_private import LOCK
from mlplab.engine.plan import Plan, plan
from mlplab.errors import DataError, Unplannable, UsageError

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Samples:
    """Features, targets and sample weights as the core reads them, or rows of that to be read."""

    x: Any
    y: Any
    weight: npt.NDArray[np.float32] | None


@dataclass(frozen=True)
class Job:
    """A model, its plan and its data, ready for ``run``."""

    model: keras.Model
    plan: Plan
    train: Samples
    validation: Samples | None
    batch_size: int
    validation_batch_size: int
    arguments: FitArguments

    @property
    def n_steps(self) -> int:
        """Steps an epoch."""
        return math.ceil(len(self.train.y) / self.batch_size)

    @property
    def most_rows(self) -> int:
        """The most examples that pass at a time, in training or validation."""
        held_out = len(self.validation.y) if self.validation else 0
        return max(self.batch_size, min(self.validation_batch_size, held_out))


def prepare(model: keras.Model, arguments: FitArguments) -> Job:
    """Read a model, its data and the arguments of ``fit``.

    Raises:
        Unplannable: the native engine does not cover something; the message is one sentence.
        DataError: arrays that do not fit each other.
        UsageError: arguments that contradict each other.
    """
    arguments = read_arguments(arguments)
    x, y = arguments.x, arguments.y
    with LOCK:
        build(model, x)
        planned = plan(model, (None, *y.shape[1:]))
    batch_size = arguments.samples_a_step
    return Job(
        model=model,
        plan=planned,
        train=as_samples(x, y, arguments.sample_weight, planned),
        validation=_validation(arguments.validation_data, planned),
        batch_size=min(batch_size, x.shape[0]),
        validation_batch_size=arguments.passed_on["validation_batch_size"] or batch_size,
        arguments=arguments,
    )


def check_compiled(model: keras.Model) -> None:
    """Raise UsageError where a model has no loss and no optimizer yet."""
    if not getattr(model, "compiled", False):
        raise UsageError("expected a compiled model; call model.compile(optimizer, loss) first")


def read_arguments(arguments: FitArguments, engine: str = "native") -> FitArguments:
    """Return the arguments with arrays of one length, the tail carved, weights of classes spread.

    Args:
        arguments: those of ``fit``.
        engine: who reads them, for the errors.

    Raises:
        Unplannable: such an engine does not cover something.
        DataError: arrays that do not fit each other.
        UsageError: arguments that contradict each other.
    """
    _check_arguments(arguments, engine)
    check_callbacks(arguments.callbacks, engine)
    arguments = carve_tail(_with_arrays(arguments, engine))
    if class_weight := arguments.passed_on["class_weight"]:
        weight = arrays.class_weights(arguments.y, class_weight)
        arguments = replace(arguments, sample_weight=weight)
    return arguments


def _check_arguments(arguments: FitArguments, engine: str) -> None:
    for name in ("steps_per_epoch", "validation_steps"):
        if arguments.passed_on[name] is not None:
            raise Unplannable(f"{name} is given, and the {engine} engine runs whole epochs")
    if arguments.passed_on["class_weight"] and arguments.sample_weight is not None:
        raise UsageError("expected class_weight or sample_weight, got both")
    if arguments.batch_size is not None and arguments.batch_size < 1:
        raise UsageError(f"expected a batch_size of at least 1, got {arguments.batch_size}")


def _with_arrays(arguments: FitArguments, engine: str) -> FitArguments:
    x = arrays.as_array(arguments.x, "x", engine)
    y = arguments.y
    if not isinstance(y, LazyRows):
        y = arrays.as_dense_array(y, "y", engine)
    weight = arguments.sample_weight
    if weight is not None:
        weight = arrays.as_dense_array(weight, "sample_weight", engine)
    for name, array in (("y", y), ("sample_weight", weight)):
        if array is not None and array.shape[:1] != x.shape[:1]:
            raise DataError(f"expected {name} as long as x ({x.shape[0]}), got {len(array)}")
    if not x.shape[0]:
        raise DataError("expected at least one sample, got none")
    return replace(arguments, x=x, y=y, sample_weight=weight)


def build(model: keras.Model, x: Any) -> None:
    """Build a Sequential model that has no Input, from the shape of its data, as Keras does."""
    if isinstance(model, keras.Sequential) and not model.built:
        model.build((None, *x.shape[1:]))


def as_samples(x: Any, y: Any, weight: Any, planned: Plan) -> Samples:
    """Return arrays as the core reads them.

    Raises:
        Unplannable: shapes or types that the core does not read.
        DataError: arrays that differ in length, or classes out of range.
    """
    targets = arrays.targets(y, planned)
    if len(targets) != x.shape[0]:
        raise DataError(f"expected y as long as x ({x.shape[0]}), got {len(targets)}")
    weights = arrays.sample_weights(weight, len(targets))
    return Samples(arrays.features(x, planned), targets, weights)


def _validation(data: Any, planned: Plan) -> Samples | None:
    held_out = read_held_out(data)
    return as_samples(*held_out, planned) if held_out else None


def read_held_out(data: Any, engine: str = "native") -> tuple[Any, Array, Any] | None:
    """Return validation data as (x, y, sample weights or None); None where there are none.

    Raises:
        Unplannable: something else than arrays, which Keras may know.
        DataError: there is no sample.
    """
    if data is None:
        return None
    if not isinstance(data, (tuple, list)) or not 2 <= len(data) <= 3:
        raise Unplannable(
            f"validation_data is a {type(data).__name__}, where the {engine} engine takes (x, y) "
            "or (x, y, sample_weight)"
        )
    x = arrays.at_hand(arrays.as_array(data[0], "validation_data", engine))
    y = arrays.as_dense_array(data[1], "validation_data", engine)
    if not x.shape[0]:
        raise DataError("expected validation_data with at least one sample, got none")
    return x, y, data[2] if len(data) == 3 else None
