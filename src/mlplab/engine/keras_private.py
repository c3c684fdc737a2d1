"""What the engine reads of Keras that has no public name, in one place.

A Keras release that moves one of these fails here, and in the tests of the plan.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras.src.backend.common import global_state
from keras.src.losses.losses import LossFunctionWrapper
from keras.src.metrics.reduction_metrics import MeanMetricWrapper
from keras.src.models.functional import Functional
from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR
from keras.src.utils.rng_utils import GLOBAL_RANDOM_SEED

# Keras's naming scopes and its stateless scopes are not made for threads that build or read models
# at the same time. Whoever reads or writes a model holds this lock.
LOCK = threading.RLock()

MODEL_CLASSES = (keras.Sequential, Functional)


def constant_value(variable: keras.Variable) -> Any:
    """Return the array that a variable holds, where it is one that cannot change; or None.

    JAX's arrays are constants: a variable that is assigned to holds another array from then on.
    """
    return variable.value if keras.backend.backend() == "jax" else None


def producer(tensor: Any) -> tuple[Any, Any]:
    """Return the operation that made a symbolic tensor, and the call that made it."""
    operation, node_index, _ = tensor._keras_history
    return operation, operation._inbound_nodes[node_index]


def build_loss(model: keras.Model, target_shape: tuple[int | None, ...]) -> list[Any]:
    """Return the model's losses as Keras resolves them, with their ``loss_weight``."""
    compiled = model._compile_loss
    if compiled is None:
        return []
    if not compiled.built:
        compiled.build(keras.KerasTensor(target_shape), keras.KerasTensor(model.output_shape))
    return list(compiled._flat_losses)


def build_metrics(
    model: keras.Model, target_shape: tuple[int | None, ...]
) -> tuple[list[Any], list[Any]]:
    """Return the model's metrics and its weighted metrics as Keras resolves them."""
    compiled = model._compile_metrics
    if compiled is None:
        return [], []
    if not compiled.built:
        compiled.build(keras.KerasTensor(target_shape), keras.KerasTensor(model.output_shape))
    plain, weighted = (
        [metric for group in groups if group for metric in group.metrics]
        for groups in (compiled._flat_metrics, compiled._flat_weighted_metrics)
    )
    return plain, weighted


def loss_function(loss: Any) -> tuple[Any, dict[str, Any]] | None:
    """Return the function inside a Keras loss and its settings, or None for another kind."""
    if isinstance(loss, LossFunctionWrapper) and _is_of_keras(loss):
        return loss.fn, loss._fn_kwargs
    return None


def metric_function(metric: Any) -> tuple[Any, dict[str, Any]] | None:
    """Return the function inside a Keras metric and its settings, or None for another kind."""
    if isinstance(metric, MeanMetricWrapper) and _is_of_keras(metric):
        return metric._fn, metric._fn_kwargs
    return None


def _is_of_keras(thing: Any) -> bool:
    return type(thing).__module__.startswith("keras.")


def build_training(model: keras.Model, batch: tuple[Any, Any, Any]) -> None:
    """Make all variables that training takes, those of metrics included, as ``fit`` does.

    Args:
        model: a compiled model.
        batch: (x, y, sample_weight or None) of at least one sample, as arrays.
    """
    model._symbolic_build(data_batch=batch)


def optimizer_class(optimizer: keras.optimizers.Optimizer) -> type:
    """Return the public class of an optimizer; on PyTorch Keras makes one of a class of its own."""
    return next(
        cls
        for cls in type(optimizer).__mro__
        if not cls.__module__.startswith("keras.src.backend.")
    )


def decays(optimizer: keras.optimizers.Optimizer, variable: keras.Variable) -> bool:
    """Return whether the optimizer's weight decay acts on a variable."""
    return bool(optimizer._use_weight_decay(variable))


def rate_source(optimizer: keras.optimizers.Optimizer) -> Any:
    """Return where the learning rate comes from: a variable, a schedule or a function."""
    return optimizer._learning_rate


def optimized_variables(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """Return the variables that a built optimizer was built for."""
    return list(optimizer._trainable_variables)


def restored_epoch(model: keras.Model) -> int:
    """Return the epoch that a callback (BackupAndRestore) asked training to start from, or 0."""
    return model._initial_epoch or 0


def profiles_batches(callback: Any) -> bool:
    """Return whether a TensorBoard callback traces single batches."""
    return bool(callback._should_trace)


@contextmanager
def global_seed(seed: int) -> Iterator[None]:
    """Let Keras's global seed generator start from a seed inside, and put it back afterwards.

    That generator serves ``keras.random`` where no seed is given. Keras makes it anew from
    ``GLOBAL_RANDOM_SEED`` or, where there is none, from Python's generator.
    """
    within = {GLOBAL_RANDOM_SEED: seed, GLOBAL_SEED_GENERATOR: None}
    before = {name: global_state.get_global_attribute(name) for name in within}
    _set_global_attributes(within)
    try:
        yield
    finally:
        _set_global_attributes(before)


def _set_global_attributes(values: dict[str, Any]) -> None:
    for name, value in values.items():
        global_state.set_global_attribute(name, value)
