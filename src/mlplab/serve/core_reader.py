"""Networks answered by the compiled core: the fastest of what there is, for one example."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from mlplab import compiled
from mlplab.export.ensemble import Ensemble
from mlplab.export.network import Activation, Array, Dense, Network, Scale, Step

_STEP = 256  # examples that the core computes at once

# The core's networks are made to be trained; these two are not used.
_LOSS = {"kind": "sparse_categorical_crossentropy", "from_logits": False}
_OPTIMIZER = {"kind": "sgd", "momentum": 0.0, "nesterov": False}


class CoreReader:
    """An ensemble whose probabilities the compiled core computes, one thread a caller.

    Args:
        ensemble: the networks.

    Attributes:
        class_names: the names of the classes.
        facts: what is known of the networks.
        input_shape: the shape of one example.
        isa: the instruction set that computes.

    Raises:
        Unplannable: the core is not there.

    Examples:
        >>> layer = Dense(np.eye(2, dtype=np.float32), np.ones(2, np.float32))
        >>> CoreReader(Ensemble((Network((2,), (layer,)),), ("a", "b"))).probabilities(
        ...     np.array([[1, 2]], np.uint8)
        ... )
        array([[2., 3.]], dtype=float32)
    """

    def __init__(self, ensemble: Ensemble) -> None:
        self.class_names, self.facts = ensemble.class_names, ensemble.facts
        self.input_shape = ensemble.input_shape
        core = compiled.load()
        self._make, self.isa = core.Network, compiled.chosen_isa(core)
        self._plans = [_planned(network) for network in ensemble.networks]
        self._kept = threading.local()  # a network of the core serves one thread at a time
        self._networks()

    def probabilities(self, x: npt.NDArray[Any]) -> Array:
        """Return the mean of the networks' outputs, (n, *input_shape) -> (n, n_classes)."""
        rows = np.ascontiguousarray(x).reshape(len(x), -1)
        each: list[Array] = [network.predict(rows, _STEP) for network in self._networks()]
        if len(each) == 1:
            return each[0]
        mean: Array = np.mean(each, axis=0, dtype=np.float32)
        return mean

    def _networks(self) -> list[Any]:
        """Return this thread's networks."""
        if not hasattr(self._kept, "networks"):
            self._kept.networks = [self._network(*plan) for plan in self._plans]
        networks: list[Any] = self._kept.networks
        return networks

    def _network(self, layers: list[dict[str, Any]], weights: list[Array]) -> Any:
        n_inputs = int(np.prod(self.input_shape))
        network = self._make(n_inputs, layers, _LOSS, _OPTIMIZER, _STEP, 1, self.isa)
        network.set_weights(weights)
        return network


def _planned(network: Network) -> tuple[list[dict[str, Any]], list[Array]]:
    """Return a network as the core's layers and their weights."""
    layers: list[dict[str, Any]] = []
    weights: list[Array] = []
    width = network.n_inputs
    for step in network.steps:
        layer, added = _layer(step, width, first=not layers)
        layers.append(layer)
        weights += added
        width = step.kernel.shape[1] if isinstance(step, Dense) else width
    return layers, weights


def _layer(step: Step, width: int, first: bool) -> tuple[dict[str, Any], list[Array]]:
    """Return a step on ``width`` features as a layer of the core, and its weights."""
    if isinstance(step, Dense):
        dense = {"kind": "dense", "units": step.kernel.shape[1], "use_bias": True}
        return dense, [step.kernel, step.bias]
    if isinstance(step, Activation):
        return {"kind": "activation", "function": step.function, "alpha": step.alpha}, []
    if first and isinstance(step, Scale) and step.scale.size == step.shift.size == 1:
        numbers = {"scale": float(step.scale[0]), "offset": float(step.shift[0])}
        return {"kind": "affine"} | numbers, []
    pair = [np.broadcast_to(part, (width,)).copy() for part in (step.scale, step.shift)]
    if isinstance(step, Scale):  # as a batch normalization whose inputs are normal already
        normal = [np.zeros(width, np.float32), np.ones(width, np.float32)]
        options = {"momentum": 0.99, "epsilon": 0.0, "center": True, "scale": True}
        return {"kind": "batch_norm"} | options, pair + normal
    options = {"epsilon": step.epsilon, "center": True, "scale": True}
    return {"kind": "layer_norm"} | options, pair
