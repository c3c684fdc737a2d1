"""The random streams of a run."""

from __future__ import annotations

import random
from dataclasses import replace

import keras
import numpy as np
import pytest

from mlplab import UsageError
from mlplab.engine import Streams, initial_weights

NAMES = ("init", "order", "dropout", "split", "augment")


def dense_kernel(streams: Streams) -> np.ndarray:
    with initial_weights(streams):
        model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(7)])
    return model.layers[0].kernel.numpy()


@pytest.mark.parametrize("varied", NAMES)
def test_one_stream_can_be_varied_alone(varied: str) -> None:
    base, other = Streams.of(1), replace(Streams.of(1), **{varied: 2})
    for name in NAMES:
        same = np.array_equal(
            base.rng(name).integers(2**32, size=8), other.rng(name).integers(2**32, size=8)
        )
        assert same == (name != varied)


def test_streams_of_one_seed_differ_from_each_other() -> None:
    draws = {name: int(Streams.of(0).rng(name).integers(2**62)) for name in NAMES}
    assert len(set(draws.values())) == len(NAMES)


def test_epoch_order_is_a_permutation_that_changes_with_the_epoch() -> None:
    orders = [Streams.of(3).epoch_order(epoch, 500) for epoch in range(3)]
    for order in orders:
        assert np.array_equal(np.sort(order), np.arange(500))
    assert not np.array_equal(orders[0], orders[1])
    assert np.array_equal(orders[2], Streams.of(3).epoch_order(2, 500))


def test_initial_weights_come_from_the_init_stream_alone() -> None:
    first = dense_kernel(Streams.of(4))
    keras.layers.Dense(3).build((None, 3))  # something drawn in between
    assert np.array_equal(first, dense_kernel(replace(Streams.of(4), order=9, dropout=9, split=9)))
    assert not np.array_equal(first, dense_kernel(replace(Streams.of(4), init=5)))


def test_initial_weights_leave_the_callers_generators_alone() -> None:
    random.seed(11)
    np.random.seed(11)  # noqa: NPY002
    expected = random.random(), np.random.random()  # noqa: NPY002, S311
    random.seed(11)
    np.random.seed(11)  # noqa: NPY002
    dense_kernel(Streams.of(0))
    assert (random.random(), np.random.random()) == expected  # noqa: NPY002, S311


@pytest.mark.parametrize("seed", [-1, 1.5, "0"])
def test_seeds_are_integers_from_zero(seed: object) -> None:
    with pytest.raises(UsageError, match="expected a seed that is an integer >= 0, got init="):
        Streams.of(seed)  # type: ignore[arg-type]
