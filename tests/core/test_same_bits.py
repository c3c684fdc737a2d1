"""The same seed, the same bits: threads, repeats, resumed runs; other instruction sets nearly."""

from __future__ import annotations

import numpy as np
import pytest

from mlplab.engine import _core
from tests.core.builders import (
    ADAM,
    activation,
    batch_norm,
    dense,
    dropout,
    examples,
    layer_norm,
    network,
    one_hot,
    rates,
    train,
)

OPTIMIZERS = {
    "sgd": {"kind": "sgd"},
    "nesterov": {"kind": "sgd", "momentum": 0.9, "nesterov": True, "clipnorm": 0.3},
    "adam": ADAM,
    "adamw": {**ADAM, "weight_decay": 0.01, "ema_momentum": 0.9, "clipvalue": 0.1},
    "rmsprop": {
        "kind": "rmsprop", "rho": 0.9, "momentum": 0.5, "epsilon": 1e-3, "centered": True,
        "global_clipnorm": 0.5,
    },
}  # fmt: skip
LAYERS = [
    dense(100, max_norm=3.0),
    activation("relu"),
    batch_norm(),
    dropout(0.3),
    dense(37, kernel_l2=0.01),
    layer_norm(),
    activation("gelu"),
    {"kind": "gaussian_noise", "stddev": 0.1, "key": 9},
    dense(6),
    activation("softmax"),
]


def make(optimizer, **settings):
    return network(
        50, LAYERS, "categorical_crossentropy", optimizer, max_batch=32,
        metrics=[{"kind": "categorical_accuracy"}], **settings,
    )  # fmt: skip


def assert_same(a, b):
    for x, y in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(x, y)
    for xs, ys in zip(a.get_slots(), b.get_slots(), strict=True):
        for x, y in zip(xs, ys, strict=True):
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("density", [0.2, 1.0])
@pytest.mark.parametrize("threads", [2, 4, 7])
def test_any_number_of_threads(name, density, threads):
    x, y = examples(133, 50, density), one_hot(133, 6)
    alone, team = make(OPTIMIZERS[name]), make(OPTIMIZERS[name], threads=threads)
    a, b = train(alone, x, y, 32, epochs=2), train(team, x, y, 32, epochs=2)
    assert (a["loss"], a["metrics"]) == (b["loss"], b["metrics"])
    assert_same(alone, team)
    assert alone.evaluate(x, y, 32) == team.evaluate(x, y, 32)
    np.testing.assert_array_equal(alone.predict(x, 32), team.predict(x, 32))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_resumed_run_ends_where_an_unbroken_one_does(name):
    x, y = examples(90, 50, 0.2), one_hot(90, 6)
    unbroken, first, second = (make(OPTIMIZERS[name], seed=s) for s in (0, 0, 1))
    steps = rates(90, 32)
    for epoch in range(4):
        unbroken.train_epoch(x, y, np.arange(90), 32, steps, epoch * 3)
    for epoch in range(2):
        first.train_epoch(x, y, np.arange(90), 32, steps, epoch * 3)
    second.set_weights(first.get_weights())
    second.set_slots(first.get_slots())
    for epoch in range(2, 4):
        second.train_epoch(x, y, np.arange(90), 32, steps, epoch * 3)
    assert_same(unbroken, second)


@pytest.mark.parametrize("isa", _core.isas()[1:])
@pytest.mark.parametrize("density", [0.2, 1.0])
def test_instruction_sets_agree_to_rounding(isa, density):
    x, y = examples(133, 50, density), one_hot(133, 6)
    best, other = make(ADAM), make(ADAM, isa=isa)
    assert other.isa == isa
    for net in (best, other):
        train(net, x, y, 32, epochs=2)
    for a, b in zip(best.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-3)


def test_prediction_depends_on_neither_batch_nor_neighbours():
    x = examples(70, 50)
    net = make(ADAM)
    whole = net.predict(x, 32)
    rows = np.array([64, 3, 3, 12])
    np.testing.assert_array_equal(net.predict(x, 1, rows), whole[rows])
