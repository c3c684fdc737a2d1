"""One network written out in NumPy: dense, relu, dense, softmax, cross-entropy, Adam."""

from __future__ import annotations

import numpy as np
import pytest

from mlplab.engine import _core
from tests.core.builders import ADAM, activation, dense, examples, network, one_hot

LAYERS = [dense(33), activation("relu"), dense(5), activation("softmax")]


def numpy_steps(weights, x, y, batch_size, rate, epochs):
    """Train in float64; returns weights and the mean loss of the last epoch."""
    w = [v.astype(np.float64) for v in weights]
    m, v = [np.zeros_like(a) for a in w], [np.zeros_like(a) for a in w]
    t = 0
    for _ in range(epochs):
        total = 0.0
        for at in range(0, len(x), batch_size):
            xb, yb, t = x[at : at + batch_size], y[at : at + batch_size], t + 1
            h = np.maximum(xb @ w[0] + w[1], 0)
            z = h @ w[2] + w[3]
            p = np.exp(z - z.max(1, keepdims=True))
            p /= p.sum(1, keepdims=True)
            total -= np.sum(yb * np.log(np.clip(p, 1e-7, 1 - 1e-7)))
            dz = (p - yb) / len(xb)
            dh = (dz @ w[2].T) * (h > 0)
            gradient = [xb.T @ dh, dh.sum(0), h.T @ dz, dz.sum(0)]
            alpha = rate * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
            for i, g in enumerate(gradient):
                m[i] += (g - m[i]) * 0.1
                v[i] += (g * g - v[i]) * 0.001
                w[i] -= m[i] * alpha / (np.sqrt(v[i]) + 1e-7)
    return w, total / len(x)


@pytest.mark.parametrize("isa", _core.isas())
@pytest.mark.parametrize("density", [1.0, 0.2])
@pytest.mark.parametrize("threads", [1, 2])
def test_adam_on_a_classifier_as_numpy_computes_it(isa, density, threads):
    x, y = examples(101, 47, density), one_hot(101, 5)
    net = network(
        47, LAYERS, "categorical_crossentropy", ADAM, max_batch=24, threads=threads, isa=isa
    )
    expected, expected_loss = numpy_steps(net.get_weights(), x, y, 24, 0.01, epochs=4)
    for epoch in range(4):
        scores = net.train_epoch(x, y, np.arange(101), 24, np.full(5, 0.01, np.float32), epoch * 5)
    assert scores["loss"] == pytest.approx(expected_loss, rel=1e-4)
    for got, wanted in zip(net.get_weights(), expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=2e-3, atol=2e-4)


def test_scaled_bytes_floats_and_csr_are_the_same_input():
    dense_bytes = np.random.default_rng(0).integers(0, 256, (50, 30)).astype(np.uint8)
    dense_bytes[np.random.default_rng(1).random((50, 30)) < 0.8] = 0
    rows, columns = np.nonzero(dense_bytes)
    csr = (
        dense_bytes[rows, columns].astype(np.float32),
        columns.astype(np.int32),
        np.searchsorted(rows, np.arange(51)).astype(np.int64),
    )
    layers = [{"kind": "affine", "scale": 1 / 255, "offset": 0.0}, *LAYERS]
    weights = []
    for x in (dense_bytes, dense_bytes.astype(np.float32), csr):
        net = network(30, layers, "categorical_crossentropy", ADAM)
        net.train_epoch(x, one_hot(50, 5), np.arange(50), 16, np.full(4, 0.01, np.float32), 0)
        weights.append(net.get_weights())
    for other in weights[1:]:
        for a, b in zip(weights[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("offset", [0.0, -0.5])
def test_dense_and_sparse_paths_agree(offset):
    """Rows of zeros beside the data lower its density: another path, the same result."""
    x, y = examples(40, 60, 0.9), one_hot(40, 5)
    padded = np.concatenate([x, np.zeros((400, 60), np.float32)])
    targets = np.concatenate([y, one_hot(400, 5)])
    layers = [{"kind": "affine", "scale": 0.5, "offset": offset}, *LAYERS]
    results = []
    for data, labels in ((x, y), (padded, targets)):
        net = network(60, layers, "categorical_crossentropy", ADAM)
        for epoch in range(3):
            net.train_epoch(
                data, labels, np.arange(40), 16, np.full(3, 0.01, np.float32), epoch * 3
            )
        results.append(net.get_weights())
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
