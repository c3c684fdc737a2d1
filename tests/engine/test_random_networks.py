"""Networks drawn at random: the core trains, evaluates and predicts like the reference.

The reference runs twice, in float64 for the truth and in float32 for how far rounding leads.
"""

from __future__ import annotations

from typing import Any

import hypothesis
import numpy as np
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from mlplab.engine import core
from tests.engine.helpers import KINKED, assert_near
from tests.engine.reference import ReferenceNetwork
from tests.engine.reference_layers import ELEMENTWISE
from tests.engine.steps import ADAM, RMSPROP, SGD, Step, activation, dense, norm
from tests.engine.test_gradients import ENDS, all_shapes

OPTIMIZERS: list[Step] = [
    SGD,
    SGD | {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    SGD | {"momentum": 0.5, "clipvalue": 0.01},
    ADAM,
    ADAM | {"weight_decay": 0.02, "global_clipnorm": 0.3},
    ADAM | {"ema_momentum": 0.9, "clipnorm": 0.1},
    RMSPROP,
    RMSPROP | {"momentum": 0.5, "centered": True},
]
METRICS: dict[bool, list[Step]] = {
    True: [{"kind": "sparse_categorical_accuracy"}, {"kind": "sparse_top_k", "k": 3}],
    False: [
        {"kind": "categorical_accuracy"},
        {"kind": "binary_accuracy", "threshold": 0.5},
        {"kind": "top_k", "k": 2},
        {"kind": "mse"},
        {"kind": "mae"},
    ],
}

widths = st.integers(1, 300)


@st.composite
def hidden(draw: Any) -> list[Step]:
    """Return up to six hidden blocks: a Dense, perhaps a normalisation, an activation."""
    steps: list[Step] = []
    for _ in range(draw(st.integers(0, 6))):
        kind = draw(st.sampled_from(["", "", "batch_norm", "layer_norm"]))
        steps.append(dense(draw(widths), use_bias=kind != "batch_norm"))
        if kind:
            steps.append(norm(kind, epsilon=0.1))
        function = draw(st.sampled_from([*ELEMENTWISE, "softmax"]))
        steps += [] if function == "linear" else [activation(function)]
    return steps


drawn = st.fixed_dictionaries(
    {
        "n_inputs": widths,
        "n_outputs": st.integers(2, 40),
        "hidden": hidden(),
        "end": st.sampled_from(sorted(ENDS)),
        "optimizer": st.sampled_from(OPTIMIZERS),
        "batch_size": st.integers(1, 300),
        "n_batches": st.floats(0.1, 6.0),
        "density": st.sampled_from([0.02, 0.2, 0.6, 1.0]),
        "form": st.sampled_from(["bytes", "floats", "csr"]),
        "weighted": st.booleans(),
        "threads": st.integers(1, 3),
        "seed": st.integers(0, 999),
    }
)


def make_data(how: dict[str, Any], sparse: bool) -> tuple[Any, np.ndarray, np.ndarray | None]:
    rng = np.random.default_rng(how["seed"])
    n_samples = max(2, int(how["n_batches"] * how["batch_size"]))
    size = (n_samples, how["n_inputs"])
    x: Any = rng.normal(size=size).astype(np.float32)
    if how["form"] == "bytes":
        x = rng.integers(0, 256, size=size, dtype=np.uint8)
    x[rng.random(size) >= how["density"]] = 0
    if how["form"] == "csr":
        matrix = scipy.sparse.csr_array(x)
        x = (matrix.data, matrix.indices.astype(np.int32), matrix.indptr.astype(np.int64))
    classes = rng.integers(how["n_outputs"], size=n_samples).astype(np.int32)
    y = classes if sparse else np.eye(how["n_outputs"], dtype=np.float32)[classes]
    return x, y, rng.random(n_samples).astype(np.float32) if how["weighted"] else None


def settings(how: dict[str, Any]) -> tuple[list[Step], Step, Step]:
    """Return the layers, the loss and the optimizer of a drawn network."""
    loss, last = ENDS[how["end"]]
    first = [{"kind": "affine", "scale": 1 / 255, "offset": 0.0}] if how["form"] == "bytes" else []
    layers = [*first, *how["hidden"], dense(how["n_outputs"])]
    layers += [activation(last)] if last else []
    sparse = loss["kind"].startswith("sparse")
    setting = {"from_logits": False, "label_smoothing": 0.0, "metrics": METRICS[sparse]} | loss
    return layers, setting, how["optimizer"]


def start_weights(shapes: list[tuple[int, ...]], seed: int) -> list[np.ndarray]:
    """Return Glorot's weights, and 1 for everything that is no matrix."""
    rng = np.random.default_rng(seed)
    return [
        rng.normal(scale=np.sqrt(2 / sum(shape)), size=shape).astype(np.float32)
        if len(shape) == 2
        else np.ones(shape, np.float32)
        for shape in shapes
    ]


def outcome(network: Any, how: dict[str, Any], first: list[np.ndarray]) -> list[np.ndarray]:
    """Train for two epochs; return weights, slots, losses and predictions."""
    x, y, weight = make_data(how, settings(how)[1]["kind"].startswith("sparse"))
    n_steps = -(-len(y) // how["batch_size"])
    network.set_weights(first)
    losses = []
    for epoch in range(2):
        order = np.random.default_rng(epoch).permutation(len(y))
        rates = np.linspace(0.02, 0.01, n_steps, dtype=np.float32)
        first_step = epoch * n_steps
        result = network.train_epoch(x, y, order, how["batch_size"], rates, first_step, weight)
        losses.append(result["loss"])
    losses.append(network.evaluate(x, y, how["batch_size"], weight)["loss"])
    slots = [slot for group in network.get_slots() for slot in group]
    predictions = network.predict(x, how["batch_size"])
    return [*network.get_weights(), *slots, np.array(losses), predictions]


@hypothesis.settings(max_examples=300)  # in every profile: together they take seconds
@given(drawn)
def test_the_core_is_as_near_the_truth_as_numpy(how: dict[str, Any]) -> None:
    size = how["n_inputs"], *settings(how), how["batch_size"]
    slow = ReferenceNetwork(*size, 1)
    first = start_weights(all_shapes(slow), how["seed"])
    with np.errstate(all="ignore"):
        rounded = outcome(slow, how, first)
        exact = outcome(ReferenceNetwork(*size, 1, dtype=np.float64), how, first)
    hypothesis.assume(all(np.isfinite(near).all() for near in rounded))  # it did not diverge
    ours = outcome(core.make_network(*size, how["threads"]), how, first)
    functions = [how["end"], *(step.get("function") for step in how["hidden"])]
    kinked = any(function in KINKED for function in functions)
    for mine, near, true in zip(ours, rounded, exact, strict=True):
        assert_near(mine, near, true, kinked=kinked)
