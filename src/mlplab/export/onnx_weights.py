"""The networks of an ``.onnx`` file as arrays again, for the page that is drawn on.

The inverse of ``mlplab.export.onnx_file.write``: each step of a network is one node of the graph,
or the few nodes of an activation that ONNX has no operator for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mlplab.errors import ModelError
from mlplab.export.ensemble import Ensemble
from mlplab.export.network import Activation, Array, Dense, LayerNorm, Network, Scale, Step
from mlplab.export.onnx_file import OUTPUT, OnnxNetwork, needs

# Operator -> the activation that it alone is.
_ALONE = {
    "Relu": "relu",
    "LeakyRelu": "leaky_relu",
    "Elu": "elu",
    "Selu": "selu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Softplus": "softplus",
    "Softmax": "softmax",
}

# Operators that take one and the same value -> the activation that they begin.
_TOGETHER = {
    ("Mul", "Sigmoid"): "silu",
    ("Div", "Mul"): "gelu",
    ("Add", "Mul", "Pow"): "gelu_tanh",
}

_TOLERANCE = 1e-4
_N_CHECKED = 16


def weights_of(path: Path, network: OnnxNetwork) -> Ensemble:
    """Read the networks of a file, and see that they compute what ONNX Runtime computes of it.

    Args:
        path: an ``.onnx`` file that ``mlplab export`` wrote.
        network: the same file, opened.

    Raises:
        ModelError: it is of another form, or the answers differ.
        UsageError: the package ``onnx`` is not installed.
    """
    graph = needs("onnx").load(str(path), load_external_data=False).graph
    try:
        networks = _networks(graph, network.input_shape)
    except (AttributeError, IndexError, KeyError, StopIteration, ValueError) as error:
        raise ModelError(
            f"{path}: expected a graph as mlplab writes it, got another: {error!r}"
        ) from error
    ensemble = Ensemble(networks, network.class_names, network.facts)
    low, high = network.facts["input"].get("range", (0, 255))
    draw = np.random.default_rng(0).uniform(low, high, (_N_CHECKED, *network.input_shape))
    x = draw.astype(network.dtype)
    difference = np.abs(ensemble.probabilities(x) - network.probabilities(x)).max()
    if not difference < _TOLERANCE:
        raise ModelError(
            f"{path}: expected weights that give ONNX Runtime's answers, got {difference:.1e} away"
        )
    return ensemble


class _Nodes:
    """The nodes of a graph, by what they take."""

    def __init__(self, nodes: list[Any], constants: dict[str, Array]) -> None:
        self._nodes, self._constants = nodes, constants

    def taking(self, name: str) -> list[Any]:
        """Return the nodes that take a value, in the order of their operators' names."""
        return sorted(
            (node for node in self._nodes if name in node.input), key=lambda node: node.op_type
        )

    def arrays(self, node: Any) -> list[Array]:
        """Return the constants among what a node takes."""
        return [self._constants[name] for name in node.input if name in self._constants]

    def after(self, node: Any) -> Any:
        """Return the one node that takes what another gives."""
        (found,) = self.taking(node.output[0])
        return found


def _networks(graph: Any, input_shape: tuple[int, ...]) -> tuple[Network, ...]:
    from onnx import numpy_helper

    constants = {one.name: np.array(numpy_helper.to_array(one)) for one in graph.initializer}
    nodes = list(graph.node)
    flat = next(node for node in nodes if node.op_type == "Flatten")
    mean = next(node for node in nodes if OUTPUT in node.output)
    first, networks = nodes.index(flat) + 1, []
    for end in mean.input:  # the networks stand one after the other
        last = next(i for i, node in enumerate(nodes) if end in node.output) + 1
        steps = _steps(_Nodes(nodes[first:last], constants), flat.output[0], end)
        networks.append(Network(input_shape, steps))
        first = max(first, last)
    return tuple(networks)


def _steps(nodes: _Nodes, name: str, end: str) -> tuple[Step, ...]:
    """Return the steps from one value to another."""
    steps = []
    while name != end:
        step, name = _step(nodes, nodes.taking(name))
        steps.append(step)
    return tuple(steps)


def _step(nodes: _Nodes, found: list[Any]) -> tuple[Step, str]:
    """Return the step that nodes begin, and what its output is called."""
    operators = tuple(node.op_type for node in found)
    if operators in _TOGETHER:
        product = found[operators.index("Mul")]
        last = product if operators == ("Mul", "Sigmoid") else nodes.after(product)
        return Activation(_TOGETHER[operators]), last.output[0]
    (node,) = found
    attributes = {attribute.name: attribute.f for attribute in node.attribute}
    arrays = nodes.arrays(node)
    if node.op_type in _ALONE:
        step: Step = Activation(_ALONE[node.op_type], attributes.get("alpha", 0.0))
    elif node.op_type == "Gemm":
        step = Dense(*arrays)
    elif node.op_type == "LayerNormalization":
        scale, shift = arrays
        step = LayerNorm(scale, shift, attributes["epsilon"])
    elif node.op_type == "Mul":
        node = nodes.after(node)
        step = Scale(*arrays, *nodes.arrays(node))
    else:
        raise ValueError(f"{node.op_type} is no step of a network")
    return step, node.output[0]
