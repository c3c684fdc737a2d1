"""Ensembles in ``.onnx`` files, written with the ``onnx`` package and read by ONNX Runtime.

The graph takes examples as they are in the dataset, ``images`` of shape (n, *input_shape) and the
dataset's own type, and gives ``probabilities``, (n, n_classes), for any n. Rescaling is part of it;
of several networks it is the mean. What is known of them is the file's metadata.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mlplab import __version__
from mlplab.errors import ModelError
from mlplab.export.ensemble import Ensemble
from mlplab.export.network import Activation, Array, Dense, Network, Scale, Step
from mlplab.extras import needed

OPSET = 17
IR_VERSION = 8
"""Both of 2022, so that ONNX Runtime opens the file from its version 1.12 on."""

INPUT, OUTPUT = "images", "probabilities"
_KEY = "mlplab"  # of the metadata that hold class names and facts, as JSON


def needs(package: str) -> Any:
    """Import a package of the extra ``onnx``.

    Raises:
        UsageError: it is not installed; says how to.
    """
    with needed("onnx"):
        return importlib.import_module(package)


@dataclass
class _Graph:
    """Nodes and constants of a graph in the making; each node's output is called by a number."""

    helper: Any
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def add(self, operator: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """Add a node and return what its output is called."""
        name = name or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(self.helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def constant(self, value: npt.ArrayLike) -> str:
        """Add a constant and return what it is called."""
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        array = np.asarray(value, np.float32)
        self.constants.append(numpy_helper.from_array(array, name))
        return name


def _gelu(graph: _Graph, x: str, _: float) -> str:
    inner = graph.add("Erf", graph.add("Div", x, graph.constant(np.sqrt(2))))
    return _half_of(graph, x, inner)


def _gelu_tanh(graph: _Graph, x: str, _: float) -> str:
    cube = graph.add("Mul", graph.constant(0.044715), graph.add("Pow", x, graph.constant(3)))
    root = graph.constant(np.sqrt(2 / np.pi))
    return _half_of(graph, x, graph.add("Tanh", graph.add("Mul", root, graph.add("Add", x, cube))))


def _half_of(graph: _Graph, x: str, inner: str) -> str:
    """Return x (1 + inner) / 2."""
    half = graph.add("Mul", graph.constant(0.5), x)
    return graph.add("Mul", half, graph.add("Add", graph.constant(1), inner))


def _plain(operator: str, **attributes: Any) -> Callable[[_Graph, str, float], str]:
    return lambda graph, x, _: graph.add(operator, x, **attributes)


# Activation -> how it is added to a graph; the names are those of ``network.ACTIVATIONS``.
_ACTIVATIONS: dict[str, Callable[[_Graph, str, float], str]] = {
    "relu": _plain("Relu"),
    "leaky_relu": lambda graph, x, alpha: graph.add("LeakyRelu", x, alpha=alpha),
    "elu": lambda graph, x, alpha: graph.add("Elu", x, alpha=alpha),
    "selu": _plain("Selu"),
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "silu": lambda graph, x, _: graph.add("Mul", x, graph.add("Sigmoid", x)),
    "sigmoid": _plain("Sigmoid"),
    "tanh": _plain("Tanh"),
    "softplus": _plain("Softplus"),
    "softmax": _plain("Softmax", axis=1),
}


def _added(graph: _Graph, step: Step, x: str, width: int) -> str:
    """Add a step on x, (n, width), and return what its output is called."""
    if isinstance(step, Dense):
        return graph.add("Gemm", x, graph.constant(step.kernel), graph.constant(step.bias))
    if isinstance(step, Activation):
        return _ACTIVATIONS[step.function](graph, x, step.alpha)
    if isinstance(step, Scale):
        scaled = graph.add("Mul", x, graph.constant(step.scale))
        return graph.add("Add", scaled, graph.constant(step.shift))
    vectors = [graph.constant(np.broadcast_to(part, (width,))) for part in (step.scale, step.shift)]
    return graph.add("LayerNormalization", x, *vectors, axis=-1, epsilon=step.epsilon)


def _network(graph: _Graph, network: Network, x: str) -> str:
    width = network.n_inputs
    for step in network.steps:
        x = _added(graph, step, x, width)
        width = step.kernel.shape[1] if isinstance(step, Dense) else width
    return x


def write(ensemble: Ensemble, path: str | PathLike[str]) -> None:
    """Write an ensemble into an ``.onnx`` file.

    Args:
        ensemble: its fact ``input`` says of which type examples are: ``{"dtype": "uint8"}``.
        path: the file.

    Raises:
        UsageError: the package ``onnx`` is not installed.
    """
    onnx = needs("onnx")
    helper, types = onnx.helper, onnx.TensorProto
    graph = _Graph(helper)
    x = graph.add("Flatten", graph.add("Cast", INPUT, to=types.FLOAT), axis=1)
    each = [_network(graph, network, x) for network in ensemble.networks]
    graph.add("Mean", *each, name=OUTPUT)
    dtype = helper.np_dtype_to_tensor_dtype(np.dtype(ensemble.facts["input"]["dtype"]))
    taken = helper.make_tensor_value_info(INPUT, dtype, ["n", *ensemble.input_shape])
    given = helper.make_tensor_value_info(OUTPUT, types.FLOAT, ["n", len(ensemble.class_names)])
    model = helper.make_model(
        helper.make_graph(graph.nodes, "mlplab", [taken], [given], graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="mlplab",
        producer_version=__version__,
    )
    about = {"class_names": list(ensemble.class_names), "facts": ensemble.facts}
    helper.set_model_props(model, {_KEY: json.dumps(about)})
    onnx.checker.check_model(model, full_check=True)
    Path(path).write_bytes(model.SerializeToString())


class OnnxNetwork:
    """A network in an ``.onnx`` file that mlplab wrote, run by ONNX Runtime; no Keras, no JAX.

    Args:
        path: the file.
        threads: that one call may use; None leaves it to ONNX Runtime, which uses all cores.

    Attributes:
        class_names: the names of the classes, in the order of the outputs.
        facts: what is known of the network; see ``Ensemble``.
        input_shape: the shape of one example.
        dtype: the type of its numbers.

    Raises:
        UsageError: the package ``onnxruntime`` is not installed.
        ModelError: there is no such file, or it is not one that ``write`` wrote.
    """

    def __init__(self, path: str | PathLike[str], threads: int | None = None) -> None:
        runtime = needs("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        path = Path(path)
        expected = f"{path}: expected a network exported by mlplab as .onnx"
        if not path.is_file():
            raise ModelError(f"{expected}, got {'a folder' if path.is_dir() else 'no such file'}")
        try:
            # from memory: a model read from a path may name further files to read
            self._session = runtime.InferenceSession(
                path.read_bytes(), options, providers=["CPUExecutionProvider"]
            )
        # ONNX Runtime raises a class of its own for each kind of damage.
        except Exception as error:
            reason = str(error).strip().splitlines()[0]
            raise ModelError(f"{expected}, got a file that cannot be opened: {reason}") from error
        about = self._session.get_modelmeta().custom_metadata_map.get(_KEY)
        if about is None:
            raise ModelError(f"{expected}, got one that another program wrote")
        try:
            content = json.loads(about)
            self.class_names = tuple(str(name) for name in content["class_names"])
            self.facts: dict[str, Any] = dict(content["facts"])
            self.input_shape = tuple(int(size) for size in self.facts["input"]["shape"])
            self.dtype = np.dtype(self.facts["input"]["dtype"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"{expected}, got one whose metadata do not hold together: {error}"
            ) from error
        self.reader = f"ONNX Runtime {runtime.__version__}"

    def probabilities(self, x: npt.ArrayLike, batch_size: int = 1024) -> Array:
        """Return the network's output for x, shape (n, *input_shape) -> (n, n_classes)."""
        x = np.asarray(x, self.dtype)
        if not len(x):
            return np.empty((0, len(self.class_names)), np.float32)
        parts: list[Array] = [
            self._session.run([OUTPUT], {INPUT: x[first : first + batch_size]})[0]
            for first in range(0, len(x), batch_size)
        ]
        return np.concatenate(parts)
