"""Networks for ``predict`` and ``evaluate``, kept from call to call.

Making a network and copying the weights into it costs more than the answer for one image. A model's
network is kept for as long as the model lives, and is used again where the call asks for the same
one. Weights are copied again unless the model still holds the very arrays they were copied from,
which can be told under JAX alone.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras

from mlplab.engine import core, thread_count
from mlplab.engine.core import Network
from mlplab.engine.keras_private import LOCK, constant_value
from mlplab.engine.model_state import to_array
from mlplab.engine.plan import Plan
from mlplab.engine.streams import Streams

# A network that only predicts has no loss of its own, but the core wants one.
_NO_LOSS: dict[str, Any] = {
    "kind": "mean_squared_error",
    "from_logits": False,
    "label_smoothing": 0.0,
    "metrics": [],
}
# Nor does a network that only looks ever take a step.
_NO_OPTIMIZER: dict[str, Any] = {
    "kind": "sgd",
    "momentum": 0.0,
    "nesterov": False,
    "clipvalue": 0.0,
    "clipnorm": 0.0,
    "global_clipnorm": 0.0,
    "ema_momentum": 0.0,
    "weight_decay": 0.0,
}


@dataclass
class _Kept:
    """A network, what it was made from, and the arrays its weights were copied from."""

    arguments: tuple[Any, ...]
    network: Network
    copied: list[Any] = field(default_factory=list)  # weak references

    def holds(self, weights: list[keras.Variable]) -> bool:
        """Return whether the network has the weights that the model has now."""
        values = [constant_value(weight) for weight in weights]
        return len(self.copied) == len(values) and all(
            value is not None and reference() is value
            for reference, value in zip(self.copied, values, strict=True)
        )

    def copy(self, weights: list[keras.Variable]) -> None:
        """Give the network the weights that the model has now."""
        self.network.set_weights([to_array(weight) for weight in weights])
        values = [constant_value(weight) for weight in weights]
        self.copied = [weakref.ref(value) for value in values if value is not None]


_KEPT: weakref.WeakKeyDictionary[keras.Model, _Kept] = weakref.WeakKeyDictionary()


@contextmanager
def network_of(
    model: keras.Model, plan: Plan, n_rows: int, batch_size: int, threads: int | None
) -> Iterator[Network]:
    """Lend a network with the weights of a model, to one caller at a time.

    Args:
        model: the model.
        plan: its plan; without a loss it serves to predict alone.
        n_rows: examples of the call.
        batch_size: examples that pass at a time.
        threads: how many the network uses; where it is None, all cores, or one for a little work.
    """
    with LOCK:
        arguments = (
            plan.n_inputs,
            plan.keyed_layers(Streams.of(0)),  # dropout is off when predicting
            plan.loss or _NO_LOSS,
            _NO_OPTIMIZER,
            batch_size,
            threads or thread_count.to_predict(plan, n_rows),
        )
        kept = _KEPT.pop(model, None)
        if kept is None or kept.arguments != (*arguments, core.wanted_isa()):
            kept = _Kept((*arguments, core.wanted_isa()), core.make_network(*arguments))
        if not kept.holds(plan.weights):
            kept.copy(plan.weights)
    try:
        yield kept.network
    finally:
        with LOCK:
            _KEPT[model] = kept
