"""The plan: a Keras model read as the steps that the compiled core runs, or the reason it cannot.

The tables of what is covered stand in ``plan_layers``, ``plan_losses`` and ``plan_optimizers``.
This file follows the chain of layers from input to output and puts their steps together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import keras

from mlplab.engine import keras_private
from mlplab.engine.plan_layers import ANY_LAYER, LAYERS, Step, check_fixed
from mlplab.engine.plan_losses import is_sparse, read_loss, read_metrics
from mlplab.engine.plan_optimizers import Groups, read_optimizer
from mlplab.engine.streams import Streams
from mlplab.errors import Unplannable

MOST_INPUTS = 2**31 - 1  # the core numbers the inputs of an example in 32 bits
RANDOM_KINDS = ("dropout", "gaussian_noise")


@dataclass(frozen=True)
class Plan:
    """What the core needs to know of a Keras model.

    Attributes:
        input_shape: the shape of one example, before flattening.
        n_outputs: units of the last layer.
        layers: the steps, in order; see the core's ``Network``.
        weights: the model's weights in the order of the steps.
        trained: those that the optimizer moves.
        loss: the setting of the loss, its metrics included.
        sparse: whether targets are class numbers, shape (n,), rather than vectors.
        metric_names: the names History gives the metrics.
        optimizer: the setting of the optimizer.
        slot_groups: the optimizer's slots, in the order Keras creates them.
    """

    input_shape: tuple[int, ...]
    n_outputs: int
    layers: list[Step]
    weights: list[keras.Variable] = field(repr=False)
    trained: list[keras.Variable] = field(repr=False)
    loss: Step = field(default_factory=dict)
    sparse: bool = False
    metric_names: list[str] = field(default_factory=list)
    optimizer: Step = field(default_factory=dict)
    slot_groups: Groups = field(default_factory=list)

    @property
    def n_inputs(self) -> int:
        """Features of one example after flattening."""
        return math.prod(self.input_shape)

    @property
    def slot_names(self) -> list[str]:
        """The optimizer's slots in the core's order: the running average comes last."""
        names = [name for group in self.slot_groups for name in group]
        return sorted(names, key=lambda name: name == "average")

    def keyed_layers(self, streams: Streams) -> list[Step]:
        """Return the steps with a key for each random layer, from the ``dropout`` stream."""
        keyed, place = [], 0
        for step in self.layers:
            if step["kind"] in RANDOM_KINDS:
                key = int(streams.rng("dropout", place).integers(2**63))
                step, place = step | {"key": key}, place + 1
            keyed.append(step)
        return keyed


def plan(model: keras.Model, target_shape: tuple[int | None, ...] | None = None) -> Plan:
    """Return the plan of a compiled, built Keras model.

    Args:
        model: a Sequential model, or a functional one whose layers form a chain.
        target_shape: the shape of y with None for the samples, from which Keras tells what
            ``metrics=["accuracy"]`` means; where it is None, the loss tells.

    Raises:
        Unplannable: the native engine does not cover something; the message is one sentence.

    Examples:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, "relu")])
        >>> model.compile("sgd", "mse")
        >>> [step["kind"] for step in plan(model).layers]
        ['dense', 'activation']
    """
    drawn = plan_layers(model)
    if not getattr(model, "compiled", False):
        raise Unplannable("the model is not compiled")
    if model.run_eagerly:
        raise Unplannable("the model is compiled with run_eagerly=True, which only Keras can do")
    if target_shape is None:
        target_shape = (None,) if is_sparse(model.loss) else (None, drawn.n_outputs)
    loss, sparse = read_loss(model, target_shape)
    expected = () if sparse else (drawn.n_outputs,)
    if not fits(target_shape[1:], expected):
        raise Unplannable(
            f"y has examples of shape {target_shape[1:]}, where the loss takes {expected}"
        )
    metrics, metric_names = read_metrics(model, target_shape, sparse)
    optimizer, groups = read_optimizer(model.optimizer, drawn.trained)
    return replace(
        drawn,
        loss=loss | {"metrics": metrics},
        sparse=sparse,
        metric_names=metric_names,
        optimizer=optimizer,
        slot_groups=groups,
    )


def fits(given: tuple[int | None, ...], expected: tuple[int, ...]) -> bool:
    """Return whether Keras takes examples of one shape for another: but for a last size of 1."""
    return given == expected or (*given, 1) == expected or given == (*expected, 1)


def plan_layers(model: keras.Model) -> Plan:
    """Return the plan of a model's layers alone, which is enough to predict.

    Raises:
        Unplannable: the native engine does not cover something; the message is one sentence.
    """
    if type(model) not in keras_private.MODEL_CLASSES:
        raise Unplannable(
            f"the model is of class {type(model).__name__}, where the native engine reads "
            "Sequential and functional models"
        )
    if not model.built:
        raise Unplannable("the model is not built; begin it with keras.Input(shape)")
    layers = list(_chain(model))
    shape = input_shape = _example_shape(model)
    if (n_inputs := math.prod(shape)) > MOST_INPUTS:
        raise Unplannable(
            f"the model takes {n_inputs} numbers an example, where the native engine counts to "
            f"{MOST_INPUTS}"
        )
    steps: list[Step] = []
    for place, layer in enumerate(layers):
        try:
            added, shape = _read_layer(layer, shape, first=not steps)
        except Unplannable as problem:
            name = f"layer {place} ({type(layer).__name__} {layer.name!r})"
            raise Unplannable(f"{name} {problem}") from None
        steps += added
    if len(shape) != 1:
        raise Unplannable(f"the model's output has shape {shape} an example, not one row")
    weights = [variable for layer in layers for variable in layer.weights]
    trained = [variable for layer in layers for variable in layer.trainable_weights]
    _check_same(weights, model.weights)
    _check_same(trained, model.trainable_variables)
    return Plan(input_shape, shape[0], steps, weights, trained)


def _chain(model: keras.Model) -> Iterator[Any]:
    """Yield the layers in order, those of nested models in their place."""
    layers = model.layers if isinstance(model, keras.Sequential) else _functional_chain(model)
    for layer in layers:
        if type(layer) in keras_private.MODEL_CLASSES:
            yield from _chain(layer)
        elif not isinstance(layer, keras.layers.InputLayer):
            yield layer


def _functional_chain(model: keras.Model) -> list[Any]:
    if len(model.inputs) != 1 or isinstance(model.output, (list, tuple, dict)):
        raise Unplannable("the model has several inputs or outputs, or holds them in a list")
    layers: list[Any] = []
    tensor = model.outputs[0]
    while tensor is not model.inputs[0]:
        layer, call = keras_private.producer(tensor)
        if layer in layers:
            raise Unplannable(f"the layer {layer.name!r} is used more than once")
        if len(call.input_tensors) != 1:
            raise Unplannable(
                f"the model is no chain: {layer.name!r} joins {len(call.input_tensors)} tensors"
            )
        given = {name: value for name, value in call.arguments.kwargs.items() if value is not None}
        if given:
            raise Unplannable(f"the layer {layer.name!r} is called with {given}")
        layers.append(layer)
        tensor = call.input_tensors[0]
    return layers[::-1]


def _example_shape(model: keras.Model) -> tuple[int, ...]:
    shape = model.input_shape
    if not isinstance(shape, tuple) or not all(isinstance(size, int) for size in shape[1:]):
        raise Unplannable(
            f"the model's input has the shape {shape}, where every size must be known"
        )
    if shape[0] is not None:
        raise Unplannable(f"the model's input has a fixed batch size, {shape[0]}")
    return shape[1:]


def _read_layer(
    layer: Any, shape: tuple[int, ...], *, first: bool
) -> tuple[list[Step], tuple[int, ...]]:
    """Return a layer's steps and the shape of its output for one example."""
    entry = LAYERS.get(type(layer))
    if entry is None:
        raise Unplannable("is not one the native engine trains")
    if layer.dtype_policy.name != "float32":
        raise Unplannable(f"has dtype {layer.dtype_policy.name}, where the engine covers float32")
    check_fixed(layer, ANY_LAYER | entry.fixed)
    if entry.flat and len(shape) != 1:
        raise Unplannable(f"takes examples of shape {shape}; put a Flatten before it")
    steps = entry.read(layer)
    if any(step["kind"] == "affine" for step in steps) and not first:
        raise Unplannable("does not stand at the input, where alone the native engine rescales")
    return [step | _frozen(layer) for step in steps], layer.compute_output_shape((None, *shape))[1:]


def _frozen(layer: Any) -> Step:
    """Return {"trainable": False} for a layer with weights that are not trained."""
    own = [v for v in layer.weights if "moving_" not in v.name]
    n_trained = len(layer.trainable_weights)
    if n_trained not in (0, len(own)):
        raise Unplannable("trains a part of its weights only")
    return {"trainable": False} if layer.weights and not layer.trainable else {}


def _check_same(chained: list[keras.Variable], models: list[keras.Variable]) -> None:
    if [id(variable) for variable in chained] != [id(variable) for variable in models]:
        raise Unplannable("the model has weights outside its layers, or shares them between layers")
