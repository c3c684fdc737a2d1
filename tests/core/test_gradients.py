"""Gradients against central differences of the loss, along random directions."""

from __future__ import annotations

import numpy as np
import pytest

from mlplab.engine import _core
from tests.core.builders import (
    activation,
    batch_norm,
    dense,
    examples,
    layer_norm,
    network,
    one_hot,
)

N, N_INPUTS, N_OUTPUTS = 40, 21, 5


def training_loss(net, weights, x, y):
    """Return the loss of one batch in training mode; the weights stay those given."""
    net.set_weights(weights)
    return net.train_epoch(x, y, np.arange(N), N, np.zeros(1, np.float32), 0)["loss"]


def check_gradients(layers, loss, x, y, frozen, **settings):
    net = network(N_INPUTS, layers, loss, **settings)
    start = net.get_weights()
    trainable = [i for i, _ in enumerate(start) if i not in frozen]
    gradients = net.gradients(x, y, np.arange(N))
    assert all(np.array_equal(a, b) for a, b in zip(net.get_weights(), start, strict=True))
    rng = np.random.default_rng(3)
    direction = [rng.normal(size=w.shape).astype(np.float32) for w in start]
    step = np.float32(2e-3)
    losses = []
    for sign in (1, -1):
        moved = [
            w + sign * step * d if i in trainable else w
            for i, (w, d) in enumerate(zip(start, direction, strict=True))
        ]
        losses.append(training_loss(net, moved, x, y))
    numeric = (losses[0] - losses[1]) / (2 * float(step))
    analytic = sum(
        float(np.sum(g.astype(np.float64) * direction[i]))
        for g, i in zip(gradients, trainable, strict=True)
    )
    scale = np.sqrt(sum(float(np.sum(g.astype(np.float64) ** 2)) for g in gradients))
    assert numeric == pytest.approx(analytic, abs=0.02 * scale + 1e-3)
    assert scale > 0.04  # so that no gradient of zero would pass


@pytest.mark.parametrize("function", _core.activations())
def test_activations(function):
    layers = [dense(18), activation(function), dense(N_OUTPUTS)]
    check_gradients(layers, "mean_squared_error", examples(N, N_INPUTS), one_hot(N, 5), ())


@pytest.mark.parametrize("loss", _core.losses())
@pytest.mark.parametrize("from_logits", [False, True])
def test_losses(loss, from_logits):
    if loss.startswith("mean_"):
        from_logits = False
    y = one_hot(N, N_OUTPUTS)
    if loss.startswith("sparse_"):
        y = y.argmax(1).astype(np.int32)
    last = [] if from_logits else [activation("sigmoid" if "binary" in loss else "softmax")]
    layers = [dense(18), activation("tanh"), dense(N_OUTPUTS), *last]
    check_gradients(layers, loss, examples(N, N_INPUTS), y, (), from_logits=from_logits)


@pytest.mark.parametrize(
    ("norm", "frozen_weights"),
    [
        (batch_norm(center=True, scale=True), (4, 5)),
        (batch_norm(center=False, scale=True), (3, 4)),
        (batch_norm(center=True, scale=True, trainable=False), (2, 3, 4, 5)),
        (layer_norm(center=True, scale=True), ()),
        (layer_norm(center=False, scale=False), ()),
    ],
)
@pytest.mark.parametrize("threads", [1, 3])
def test_normalizations(norm, frozen_weights, threads):
    layers = [dense(18), norm, activation("tanh"), dense(N_OUTPUTS)]
    x, y = examples(N, N_INPUTS), one_hot(N, N_OUTPUTS)
    check_gradients(layers, "mean_squared_error", x, y, frozen_weights, threads=threads)


@pytest.mark.parametrize("density", [0.15, 1.0])
def test_regularizers_and_dropout(density):
    layers = [
        dense(18, kernel_l1=0.01, kernel_l2=0.02, bias_l2=0.03),
        activation("tanh"),
        {"kind": "dropout", "rate": 0.4, "key": 5},
        {"kind": "gaussian_noise", "stddev": 0.2, "key": 6},
        dense(N_OUTPUTS),
    ]
    check_gradients(layers, "mean_squared_error", examples(N, N_INPUTS, density), one_hot(N, 5), ())
