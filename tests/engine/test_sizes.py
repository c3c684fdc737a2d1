"""Sizes past 2^31: rows there are read where they lie; what would not fit is refused."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import mlplab
from mlplab import DataError, EngineError
from mlplab.engine import core
from tests.engine.steps import SGD, activation, dense

N_INPUTS, N_ROWS = 784, 2**31 // 784 + 50


def network() -> core.Network:
    loss = {"kind": "sparse_categorical_crossentropy", "from_logits": False, "metrics": []}
    net = core.make_network(N_INPUTS, [dense(3), activation("softmax")], loss, SGD, 16, 1)
    rng = np.random.default_rng(0)
    net.set_weights([rng.normal(size=(N_INPUTS, 3)).astype(np.float32) / 99, np.zeros(3, "f4")])
    return net


def test_rows_past_two_to_the_31_elements(tmp_path: Path) -> None:
    # A file of zeros that takes no room on the disk, but for its last rows.
    x = np.memmap(tmp_path / "x", np.uint8, "w+", shape=(N_ROWS, N_INPUTS))
    assert x.size > 2**31
    x[-40:] = np.random.default_rng(1).integers(0, 256, size=(40, N_INPUTS))
    y = np.zeros(N_ROWS, np.int32)
    y[-40:] = np.arange(40) % 3
    far, near = network(), network()
    rates = np.full(3, 1e-4, np.float32)
    rows = np.arange(N_ROWS - 40, N_ROWS)
    far.train_epoch(x, y, rows, 16, rates, 0)
    near.train_epoch(np.array(x[-40:]), y[-40:].copy(), np.arange(40), 16, rates, 0)
    for one, other in zip(far.get_weights(), near.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    assert not np.array_equal(far.get_weights()[0], network().get_weights()[0])


def test_more_inputs_than_32_bits_count_are_refused() -> None:
    model = keras.Sequential([keras.Input((2**16, 2**15)), keras.layers.Flatten()])
    with pytest.raises(EngineError) as caught:
        mlplab.predict(model, np.broadcast_to(np.float32(0), (1, 2**16, 2**15)), engine="native")
    assert str(caught.value) == (
        "the model takes 2147483648 numbers an example, where the native engine counts to "
        "2147483647"
    )


def test_a_class_past_32_bits_does_not_wrap() -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(DataError, match="expected classes from 0 to 2 in y, got 0 to 4294967297"):
        mlplab.fit(model, np.ones((2, 2), np.float32), np.array([0, 2**32 + 1]), verbose=0)
