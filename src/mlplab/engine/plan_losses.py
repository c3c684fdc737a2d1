"""The losses and metrics that the native engine computes: one entry each, by Keras function.

Keras keeps a loss as a function with settings, whether it was named by a string, a function or an
object; so one table serves all three ways of naming it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import keras

from mlplab.engine import keras_private
from mlplab.errors import Unplannable

Step = dict[str, Any]


@dataclass(frozen=True)
class FunctionEntry:
    """How one Keras loss or metric function becomes a setting of the core.

    Attributes:
        kind: the core's name for it.
        sparse: whether targets are class numbers, shape (n,), rather than vectors.
        options: settings that are read, with the function's defaults.
        fixed: settings that must stand at one of these values.
    """

    kind: str
    sparse: bool = False
    options: Step = field(default_factory=dict)
    fixed: dict[str, tuple[Any, ...]] = field(default_factory=dict)


_LOGITS = {"from_logits": False, "label_smoothing": 0.0}
_LAST_AXIS = {"axis": (-1, 1)}

LOSSES: dict[Any, FunctionEntry] = {
    keras.losses.categorical_crossentropy: FunctionEntry(
        "categorical_crossentropy", False, _LOGITS, _LAST_AXIS
    ),
    keras.losses.sparse_categorical_crossentropy: FunctionEntry(
        "sparse_categorical_crossentropy",
        True,
        {"from_logits": False},
        _LAST_AXIS | {"ignore_class": (None,)},
    ),
    keras.losses.binary_crossentropy: FunctionEntry(
        "binary_crossentropy", False, _LOGITS, _LAST_AXIS
    ),
    keras.losses.mean_squared_error: FunctionEntry("mean_squared_error"),
    keras.losses.mean_absolute_error: FunctionEntry("mean_absolute_error"),
}

METRICS: dict[Any, FunctionEntry] = {
    keras.metrics.categorical_accuracy: FunctionEntry("categorical_accuracy"),
    keras.metrics.sparse_categorical_accuracy: FunctionEntry("sparse_categorical_accuracy", True),
    keras.metrics.binary_accuracy: FunctionEntry("binary_accuracy", False, {"threshold": 0.5}),
    keras.metrics.top_k_categorical_accuracy: FunctionEntry("top_k", False, {"k": 5}),
    keras.metrics.sparse_top_k_categorical_accuracy: FunctionEntry(
        "sparse_top_k", True, {"k": 5}, {"from_sorted_ids": (False,)}
    ),
    keras.metrics.mean_squared_error: FunctionEntry("mse"),
    keras.metrics.mean_absolute_error: FunctionEntry("mae"),
}

# What the losses and metrics of a plan must not do differently from each other.
_REDUCTIONS = ("sum_over_batch_size", "mean")


def is_sparse(loss: Any) -> bool | None:
    """Return whether a user's ``loss=`` takes class numbers as targets; None where unknown.

    Args:
        loss: a string, a function or an object, as given to ``compile``.
    """
    try:
        resolved = keras.losses.get(loss)
    except (ValueError, TypeError):
        return None
    function = (keras_private.loss_function(resolved) or (resolved, {}))[0]
    entry = LOSSES.get(function)
    return None if entry is None else entry.sparse


def read_loss(model: keras.Model, target_shape: tuple[int | None, ...]) -> tuple[Step, bool]:
    """Return the core's setting for a model's loss, and whether its targets are class numbers."""
    losses = keras_private.build_loss(model, target_shape)
    if len(losses) != 1:
        raise Unplannable(f"the model has {len(losses)} losses, where the native engine takes one")
    if losses[0].loss_weights is not None:
        raise Unplannable("the model has loss_weights, which the native engine does not apply")
    loss = losses[0].loss
    if getattr(loss, "reduction", _REDUCTIONS[0]) not in _REDUCTIONS:
        raise Unplannable(
            f"the loss {loss.name!r} has reduction={loss.reduction!r}, where the native engine "
            f"covers {_REDUCTIONS[0]!r}"
        )
    wrapped = keras_private.loss_function(loss)
    setting, entry = _read("loss", loss.name, wrapped, LOSSES)
    return _LOGITS | setting, entry.sparse


def read_metrics(
    model: keras.Model, target_shape: tuple[int | None, ...], sparse: bool
) -> tuple[list[Step], list[str]]:
    """Return the core's settings for a model's metrics, and the names History gives them."""
    metrics, weighted = keras_private.build_metrics(model, target_shape)
    if weighted:
        raise Unplannable("the model has weighted_metrics, which the native engine does not cover")
    settings = []
    for metric in metrics:
        wrapped = keras_private.metric_function(metric)
        setting, entry = _read("metric", metric.name, wrapped, METRICS)
        if entry.sparse != sparse:
            takes = {True: "class numbers", False: "vectors"}
            raise Unplannable(
                f"the metric {metric.name!r} takes {takes[entry.sparse]} and the loss "
                f"{takes[sparse]}; the native engine takes one kind of target"
            )
        settings.append(setting)
    return settings, _unique([metric.name for metric in metrics])


def _read(
    what: str, name: str, wrapped: tuple[Any, Step] | None, table: dict[Any, FunctionEntry]
) -> tuple[Step, FunctionEntry]:
    if wrapped is None or wrapped[0] not in table:
        raise Unplannable(f"the {what} {name!r} is not one the native engine computes")
    function, given = wrapped
    entry = table[function]
    for option, value in given.items():
        covered = entry.fixed.get(option, (value,) if option in entry.options else ())
        if value not in covered:
            raise Unplannable(
                f"the {what} {name!r} has {option}={value!r}, which the native engine lacks"
            )
    chosen = {option: given.get(option, default) for option, default in entry.options.items()}
    return {"kind": entry.kind} | chosen, entry


def _unique(names: list[str]) -> list[str]:
    """Return the names as Keras tells metrics of one name apart: acc, acc_1, acc_2."""
    counts: dict[str, int] = {}
    unique = []
    for name in names:
        seen = counts.get(name, 0)
        counts[name] = seen + 1
        unique.append(f"{name}_{seen}" if seen else name)
    return unique
