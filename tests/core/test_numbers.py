"""Dropout's and noise's statistics; NaN and infinity; rows that are skipped."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from mlplab.engine import _core
from tests.core.builders import ADAM, activation, dense, dropout, examples, network, one_hot, rates


def after(random_layer, value: float, step: int, isa: str = "", width: int = 128):
    """Return what a random layer makes of 64 x width equal values in a step.

    A linear layer with zero weights follows, and example b asks for 1 in output b alone: the
    gradient of weight (i, b) is then -2 out[b][i] / (64 width), and one SGD step shows it.
    """
    layers = [random_layer, dense(width, use_bias=False)]
    net = _core.Network(width, layers, {"kind": "mean_squared_error"}, {"kind": "sgd"}, 64, 1, isa)
    net.set_weights([np.zeros((width, width), np.float32)])
    x = np.full((64, width), value, np.float32)
    y = np.zeros((64, width), np.float32)
    y[np.arange(64), np.arange(64)] = 1
    net.train_epoch(x, y, np.arange(64), 64, np.ones(1, np.float32), step)
    return net.get_weights()[0][:, :64].T * (64 * width / 2)


def kept(rate: float, step: int, key: int = 1, isa: str = "", width: int = 128):
    """Return which of 64 x width ones dropout keeps in a step."""
    return after(dropout(rate, key), 1, step, isa, width)


def noise(step: int, key: int = 3, isa: str = ""):
    """Return what noise of deviation 0.5 adds to 64 x 128 zeros in a step."""
    return after({"kind": "gaussian_noise", "stddev": 0.5, "key": key}, 0, step, isa)


def assert_independent(values):
    """Assert that neither columns nor rows, of mean 0 and deviation 1, go together."""
    for matrix in (values, values.T):
        n = len(matrix)
        between = matrix.T @ matrix / n
        off_diagonal = between[~np.eye(len(between), dtype=bool)]
        assert np.abs(off_diagonal).max() < 6 / np.sqrt(n)
        assert np.sqrt(np.mean(off_diagonal**2)) == pytest.approx(1 / np.sqrt(n), rel=0.05)


@pytest.mark.parametrize("isa", _core.isas())
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_dropout_rate_and_scale(isa, rate):
    mask = np.concatenate([kept(rate, step, isa=isa) for step in range(12)])
    values = mask[mask > 0]
    np.testing.assert_allclose(values, 1 / (1 - rate), rtol=1e-4)
    share = np.mean(mask > 0)
    deviation = np.sqrt(rate * (1 - rate) / mask.size)
    assert abs(share - (1 - rate)) < 4.5 * deviation


@pytest.mark.parametrize(("a", "b"), [((0, 1), (1, 1)), ((0, 1), (0, 2)), ((5, 3), (6, 2))])
def test_masks_of_steps_and_layers_are_independent(a, b):
    first, second = (kept(0.5, step, key) > 0 for step, key in (a, b))
    agreement = np.mean(first == second)
    assert abs(agreement - 0.5) < 4.5 * 0.5 / np.sqrt(first.size)


def test_masks_of_units_and_rows_are_independent():
    mask = np.concatenate([kept(0.5, step) > 0 for step in range(12)])
    assert_independent(2 * mask.astype(float) - 1)


@pytest.mark.parametrize("isa", _core.isas())
def test_noise_is_normal_with_its_deviation(isa):
    values = np.concatenate([noise(step, isa=isa) for step in range(12)]).ravel()
    assert stats.kstest(values, "norm", (0, 0.5)).pvalue > 1e-3
    assert np.abs(values).max() > 3.5 * 0.5  # of 98,304 values some are that far out


@pytest.mark.parametrize(("a", "b"), [((0, 1), (1, 1)), ((0, 1), (0, 2)), ((5, 3), (6, 2))])
def test_noise_of_steps_and_layers_is_independent(a, b):
    first, second = (noise(step, key).ravel() for step, key in (a, b))
    assert abs(np.corrcoef(first, second)[0, 1]) < 4.5 / np.sqrt(first.size)


def test_noise_of_units_and_rows_is_independent():
    assert_independent(np.concatenate([noise(step) for step in range(12)]) / 0.5)


@pytest.mark.parametrize("poison", [np.nan, np.inf])
@pytest.mark.parametrize("density", [0.2, 1.0])
@pytest.mark.parametrize("isa", _core.isas())
def test_a_poisoned_example_is_seen(poison, density, isa):
    x, y = examples(40, 30, density), one_hot(40, 5)
    x[7, 3] = poison
    layers = [dense(20), activation("relu"), dense(5), activation("softmax")]
    net = network(30, layers, "categorical_crossentropy", ADAM, isa=isa)
    scores = net.train_epoch(x, y, np.arange(40), 16, rates(40, 16), 0)
    assert not scores["finite"]
    net = network(30, layers, "categorical_crossentropy", ADAM, isa=isa)
    assert net.evaluate(x[:7], y[:7], 16)["finite"]


def test_weights_set_after_a_divergence_are_clean():
    x, y = examples(40, 30), one_hot(40, 5)
    layers = [dense(20), activation("relu"), dense(5)]
    net, fresh = (network(30, layers, optimizer=ADAM) for _ in range(2))
    start, slots = net.get_weights(), net.get_slots()
    bad = x.copy()
    bad[0] = np.nan
    net.train_epoch(bad, y, np.arange(40), 16, rates(40, 16), 0)
    net.set_weights(start)
    net.set_slots(slots)
    scores = [n.train_epoch(x, y, np.arange(40), 16, rates(40, 16), 0) for n in (net, fresh)]
    assert scores[0]["loss"] == scores[1]["loss"]
    for a, b in zip(net.get_weights(), fresh.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_inputs_that_fall_silent_still_move_by_their_momentum():
    """Adam goes on moving a weight whose gradient became zero; never-used inputs stay untouched."""
    x, y = examples(32, 64, 0.2), one_hot(32, 5)
    x[:, 48:] = 0
    net = network(64, [dense(5)], optimizer=ADAM)
    start = net.get_weights()[0]
    net.train_epoch(x, y, np.arange(32), 32, rates(32, 32), 0)
    used = net.get_weights()[0]
    net.train_epoch(np.zeros_like(x), y, np.arange(32), 32, rates(32, 32), 1)
    silent = net.get_weights()[0]
    assert np.all(used[:32] != silent[:32])
    np.testing.assert_array_equal(silent[48:], start[48:])
