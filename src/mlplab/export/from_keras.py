"""Keras models read as networks to export: what only trains is left out, scales are folded in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from mlplab.engine.model_state import to_array
from mlplab.engine.plan import plan_layers
from mlplab.errors import ModelError, Unplannable
from mlplab.export.network import Activation, Array, Dense, LayerNorm, Network, Scale, Step

_ONLY_TRAINS = ("dropout", "gaussian_noise")


def read_network(model: keras.Model) -> Network:
    """Return a trained Keras model as a network of arrays.

    Dropout and noise, which do nothing after training, are left out. Batch normalization is a
    scale and a shift then; where a dense layer stands beside it, both are multiplied into that::

        (x @ W + b) * s + t  =  x @ (W * s) + (b * s + t)
        (x * s + t) @ W + b  =  x @ (s[:, None] * W) + (t @ W + b)

    Args:
        model: a built model of the layers in the table of supported layers.

    Raises:
        ModelError: it has another layer, or is no chain of layers; says which.

    Examples:
        >>> layers = [keras.Input((4,)), keras.layers.Dropout(0.5), keras.layers.Dense(2, "relu")]
        >>> [type(step).__name__ for step in read_network(keras.Sequential(layers)).steps]
        ['Dense', 'Activation']
    """
    try:
        plan = plan_layers(model)
    except Unplannable as reason:
        raise ModelError(
            "expected a model that can be exported, a chain of the layers that the native engine "
            f"covers; {reason}"
        ) from reason
    weights = iter([to_array(weight) for weight in plan.weights])
    steps = [_read(step, weights) for step in plan.layers if step["kind"] not in _ONLY_TRAINS]
    return Network(plan.input_shape, tuple(_folded(steps)))


def as_classes(network: Network) -> Network:
    """Return a network with an output a class: one sigmoid, the answer to yes or no, becomes two.

    The columns are those of ``predict_probabilities``::

        softmax(0, z) = (1 - sigmoid(z), sigmoid(z))

    Examples:
        >>> layers = [keras.Input((4,)), keras.layers.Dense(1, "sigmoid")]
        >>> as_classes(read_network(keras.Sequential(layers))).probabilities(np.zeros((1, 4)))
        array([[0.5, 0.5]], dtype=float32)
    """
    if network.n_outputs != 1:
        return network
    dense, last = (None, None, *network.steps)[-2:]
    sigmoid = isinstance(last, Activation) and last.function == "sigmoid"
    if not (sigmoid and isinstance(dense, Dense)):
        raise ModelError(
            "expected a model whose one output is a probability, got one that does not end in a "
            "Dense layer with a sigmoid"
        )
    kernel, bias = (
        np.concatenate([0 * part, part], axis=-1) for part in (dense.kernel, dense.bias)
    )
    steps = (*network.steps[:-2], Dense(kernel, bias), Activation("softmax"))
    return Network(network.input_shape, steps)


def _read(step: dict[str, Any], weights: Iterator[Array]) -> Step:
    """Return one step of a plan with its weights, which come in the order of the plan."""
    kind = step["kind"]
    if kind == "affine":
        scale, shift = (np.full(1, step[name], np.float32) for name in ("scale", "offset"))
        return Scale(scale, shift)
    if kind == "activation":
        return Activation(step["function"], float(step.get("alpha", 0.0)))
    if kind == "dense":
        kernel = next(weights)
        bias = next(weights) if step["use_bias"] else np.zeros(kernel.shape[1], np.float32)
        return Dense(kernel, bias)
    gamma = next(weights) if step["scale"] else np.ones(1, np.float32)
    beta = next(weights) if step["center"] else np.zeros(1, np.float32)
    if kind == "layer_norm":
        return LayerNorm(gamma, beta, step["epsilon"])
    mean, variance = next(weights).astype(np.float64), next(weights).astype(np.float64)
    scale = gamma / np.sqrt(variance + step["epsilon"])
    return Scale(scale.astype(np.float32), (beta - mean * scale).astype(np.float32))


def _folded(steps: list[Step]) -> list[Step]:
    """Return the steps with scales multiplied into the dense layers beside them.

    A scale at the input stays: it says how raw bytes become the numbers the network was trained on.
    """
    folded: list[Step] = []
    for step in steps:
        last = folded[-1] if folded else None
        if isinstance(step, Scale) and isinstance(last, Dense):
            folded[-1] = Dense(last.kernel * step.scale, last.bias * step.scale + step.shift)
        elif isinstance(step, Dense) and isinstance(last, Scale) and len(folded) > 1:
            shift = np.broadcast_to(last.shift, step.kernel.shape[:1])
            folded[-1] = Dense(last.scale[:, None] * step.kernel, shift @ step.kernel + step.bias)
        else:
            folded.append(step)
    return folded
