"""Gradients against central differences along a random direction, for every layer and loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlplab.engine import core
from mlplab.engine.plan_layers import ACTIVATIONS, LAYERS
from mlplab.engine.plan_losses import LOSSES
from tests.engine.reference import ReferenceNetwork
from tests.engine.reference_layers import ELEMENTWISE
from tests.engine.steps import SGD, Step, activation, dense, norm

N, N_INPUTS, N_OUTPUTS = 23, 7, 5
HIDDEN: dict[str, list[Step]] = {
    **{
        name: [dense(6), activation(name)] for name in (*ELEMENTWISE, "softmax") if name != "linear"
    },
    "no-bias": [dense(6, use_bias=False)],
    "batch_norm": [dense(6), norm("batch_norm"), activation("tanh")],
    "batch_norm-plain": [dense(6), norm("batch_norm", center=False, scale=False)],
    "batch_norm-frozen": [dense(6), norm("batch_norm", trainable=False), activation("tanh")],
    "layer_norm": [dense(6), norm("layer_norm"), activation("tanh")],
    "layer_norm-plain": [dense(6), norm("layer_norm", center=False, scale=False)],
    "dense-frozen": [dense(6, trainable=False), activation("tanh"), dense(4)],
    "penalties": [dense(6, kernel_l1=0.01, kernel_l2=0.02, bias_l1=0.03, bias_l2=0.04)],
}

# name -> (setting, last activation)
ENDS: dict[str, tuple[Step, str]] = {
    "softmax": ({"kind": "categorical_crossentropy"}, "softmax"),
    "shares": ({"kind": "categorical_crossentropy", "label_smoothing": 0.1}, "sigmoid"),
    "logits": ({"kind": "categorical_crossentropy", "from_logits": True}, ""),
    "sparse": ({"kind": "sparse_categorical_crossentropy"}, "softmax"),
    "sparse-logits": ({"kind": "sparse_categorical_crossentropy", "from_logits": True}, ""),
    "binary": ({"kind": "binary_crossentropy", "label_smoothing": 0.1}, "sigmoid"),
    "binary-logits": ({"kind": "binary_crossentropy", "from_logits": True}, ""),
    "mse": ({"kind": "mean_squared_error"}, ""),
    "mae": ({"kind": "mean_absolute_error"}, ""),
}
EVERY = [(hidden, "softmax") for hidden in HIDDEN] + [("tanh", end) for end in ENDS]


def parts(hidden: str, end: str) -> tuple[list[Step], Step]:
    setting, last = ENDS[end]
    layers = [*HIDDEN[hidden], dense(N_OUTPUTS), *([activation(last)] if last else [])]
    return layers, {"from_logits": False, "label_smoothing": 0.0, "metrics": []} | setting


def data(loss: Step) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(N, N_INPUTS)).astype(np.float32)
    classes = rng.integers(N_OUTPUTS, size=N).astype(np.int32)
    sparse = loss["kind"].startswith("sparse")
    return x, classes if sparse else np.eye(N_OUTPUTS, dtype=np.float32)[classes], rng.random(N)


def with_weights(network: Any, shapes: list[tuple[int, ...]]) -> list[np.ndarray]:
    rng = np.random.default_rng(4)
    weights = [np.abs(rng.normal(scale=0.6, size=shape)) + 0.1 for shape in shapes]
    weights = [w * rng.choice([-1, 1], size=w.shape) if w.ndim == 2 else w for w in weights]
    network.set_weights([w.astype(np.float32) for w in weights])
    return [w.astype(np.float32).astype(np.float64) for w in weights]


def slow_network(hidden: str, end: str) -> ReferenceNetwork:
    layers, loss = parts(hidden, end)
    return ReferenceNetwork(N_INPUTS, layers, loss, SGD, N, 1, dtype=np.float64)


def all_shapes(network: ReferenceNetwork) -> list[tuple[int, ...]]:
    return [shape for layer in network.layers for shape in layer.shapes]


def loss_at(network: ReferenceNetwork, weights: list[np.ndarray], args: Any) -> float:
    """Return the loss of one batch in training mode."""
    network.set_weights(weights)
    x, y, sample_weight = args
    p = network.forward(x.astype(np.float64), training=True)
    return network.losses(network.targets(y), p, sample_weight)[0]


# Layers that cannot be made without an argument.
ARGUMENTS: dict[str, Any] = {
    "Activation": "tanh", "Dense": 3, "Dropout": 0.2, "GaussianNoise": 0.1, "InputLayer": (4,),
    "Rescaling": 2.0, "Reshape": (4,),
}  # fmt: skip
IN_TESTS_OF_THE_CORE = {"affine", "dropout", "gaussian_noise"}


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.__name__)
def test_every_layer_of_the_plan_is_here(layer: Any) -> None:
    name = layer.__name__
    made = layer(ARGUMENTS[name]) if name in ARGUMENTS else layer()
    tested = {step["kind"] for steps in HIDDEN.values() for step in steps} | IN_TESTS_OF_THE_CORE
    assert {step["kind"] for step in LAYERS[layer].read(made)} <= tested


def test_every_activation_and_loss_of_the_plan_is_here() -> None:
    planned = {make()["function"] for make in ACTIVATIONS.values()} - {"linear"}
    assert planned | {"gelu_tanh"} == {*ELEMENTWISE, "softmax"} - {"linear"}
    assert {entry.kind for entry in LOSSES.values()} == {s["kind"] for s, _ in ENDS.values()}


@pytest.mark.parametrize(("hidden", "end"), EVERY)
def test_the_reference_agrees_with_central_differences(hidden: str, end: str) -> None:
    network = slow_network(hidden, end)
    weights = with_weights(network, all_shapes(network))
    args = data(network.loss)
    trained = [
        place
        for place, flag in enumerate(
            i < layer.n_trained for layer in network.layers for i in range(len(layer.shapes))
        )
        if flag
    ]
    rng = np.random.default_rng(6)
    direction = [
        rng.normal(size=w.shape) if place in trained else np.zeros_like(w)
        for place, w in enumerate(weights)
    ]
    gradients = network.gradients(args[0], args[1], np.arange(N), args[2])
    slope = sum(float((g * direction[i]).sum()) for g, i in zip(gradients, trained, strict=True))
    step = 1e-6
    ahead, behind = (
        loss_at(
            network, [w + sign * step * d for w, d in zip(weights, direction, strict=True)], args
        )
        for sign in (1, -1)
    )
    assert slope == pytest.approx((ahead - behind) / (2 * step), rel=2e-5, abs=1e-7)


@pytest.mark.parametrize(("hidden", "end"), EVERY)
def test_the_core_agrees_with_the_reference(hidden: str, end: str) -> None:
    slow = slow_network(hidden, end)
    layers, loss = parts(hidden, end)
    fast = core.make_network(N_INPUTS, layers, loss, SGD, N, 1)
    with_weights(fast, all_shapes(slow))
    with_weights(slow, all_shapes(slow))
    x, y, weight = data(loss)
    rows = np.arange(N)[::-1].copy()
    theirs = slow.gradients(x, y, rows, weight)
    before = fast.get_weights()
    ours = fast.gradients(x, y, rows, weight.astype(np.float32))
    assert [g.shape for g in ours] == [g.shape for g in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=2e-4, atol=3e-6)
    for now, then in zip(fast.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)
