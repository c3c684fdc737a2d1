"""What the core refuses: each with what was expected and what came."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlplab.engine import _core
from tests.core.builders import activation, dense, examples, network, one_hot

X, Y, ORDER = examples(20, 6), one_hot(20, 3), np.arange(20)
RATES = np.full(3, 0.1, np.float32)


def make(**changes: Any) -> _core.Network:
    arguments: dict[str, Any] = {
        "n_inputs": 6,
        "layers": [dense(3)],
        "loss": {"kind": "mean_squared_error"},
        "optimizer": {"kind": "sgd"},
        "max_batch": 8,
        "threads": 1,
    }
    return _core.Network(**{**arguments, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_inputs": 0}, "n_inputs: expected 1 or more, got 0"),
        ({"max_batch": 0}, "max_batch: expected 1 to"),
        ({"threads": 0}, "threads: expected 1 to 1024, got 0"),
        ({"isa": "mmx"}, "isa: expected one of .*portable, got 'mmx'"),
        ({"layers": [{"kind": "conv"}]}, r"layers\[0\]\[kind\]: expected one of affine, dense"),
        ({"layers": [dense(0)]}, r"layers\[0\]\[units\]: expected 1 or more, got 0"),
        ({"layers": [activation("relo")]}, r"layers\[0\]\[function\]: expected one of relu"),
        ({"layers": [dense(3, colour=1)]}, r"layers\[0\]: expected no key 'colour'"),
        (
            {"layers": [{"kind": "dropout", "rate": 1.5}]},
            r"layers\[0\]\[rate\]: expected 0 to 1, got 1\.5$",
        ),
        ({"layers": [dense("ten")]}, r"\[units\]: expected a whole number, got 'ten'$"),
        ({"layers": [dense(3, use_bias=[])]}, r"\[use_bias\]: expected True or False, got \[\]$"),
        (
            {"layers": [{"kind": "dropout", "key": -1}]},
            r"\[key\]: expected a whole number from 0 on, got -1$",
        ),
        ({"layers": [dense(3), {"kind": "affine"}]}, "affine as the first layer only"),
        ({"layers": [dense(1 << 40), dense(1 << 40)]}, "arrays of at most 2\\^40 elements"),
        ({"loss": {"kind": "hinge"}}, r"loss\[kind\]: expected one of categorical_crossentropy"),
        ({"optimizer": {"kind": "lion"}}, r"optimizer\[kind\]: expected one of sgd"),
        ({"optimizer": {"kind": "sgd", "decay_mask": [True]}}, "decay_mask: expected 2 values"),
        (
            {"loss": {"kind": "mean_squared_error", "metrics": [{"kind": "sparse_top_k"}]}},
            r"metrics\[0\]: expected a metric of dense targets, got sparse_top_k",
        ),
    ],
)
def test_construction(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": X[:, :5].copy()}, "x: expected 6 columns, got 5"),
        ({"x": X.astype(np.int64)}, "x: expected a uint8, float32 or float64 matrix whose rows"),
        ({"x": np.asfortranarray(X)}, "whose rows are contiguous, got elements 20 apart"),
        ({"y": Y[:19]}, "y: expected 20 rows, as x has, got 19"),
        ({"y": Y[:, :2].copy()}, "y: expected 3 columns, got 2"),
        ({"order": np.array([0, 20])}, "rows: expected rows from 0 to 19, got 20"),
        ({"order": np.array([-1])}, "rows: expected rows from 0 to 19, got -1"),
        ({"order": np.array([], np.int64)}, "rows: expected at least one row, got none"),
        ({"batch_size": 9}, r"batch_size: expected 1 to 8 \(max_batch\), got 9"),
        ({"learning_rates": RATES[:2]}, "learning_rates: expected 3 values, one a step, got 2"),
        ({"first_step": -1}, "first_step: expected 0 or more, got -1"),
        ({"sample_weight": np.ones(3, np.float32)}, "sample_weight: expected 20 values, got 3"),
    ],
)
def test_an_epoch(changes, message):
    arguments = {"x": X, "y": Y, "order": ORDER, "batch_size": 8, "learning_rates": RATES}
    with pytest.raises(ValueError, match=message):
        make().train_epoch(**{**arguments, "first_step": 0, **changes})


@pytest.mark.parametrize(
    ("indices", "indptr", "message"),
    [
        ([0, 6], [0, 1, 2], "increasing column indices below 6, got 6 in row 1"),
        ([3, 3], [0, 2, 2], "increasing column indices below 6, got 3 in row 0"),
        ([0, 1], [0, 2, 3], "indptr within the 2 values, got 3"),
        ([0, 1], [0, 2, 1], "indptr that does not fall"),
    ],
)
def test_compressed_rows(indices, indptr, message):
    csr = (np.ones(2, np.float32), np.array(indices, np.int32), np.array(indptr, np.int64))
    with pytest.raises(ValueError, match=message):
        make().predict(csr, 8)


def test_labels_outside_the_classes():
    net = network(6, [dense(3)], "sparse_categorical_crossentropy", from_logits=True)
    labels = np.zeros(20, np.int32)
    labels[4] = 3
    with pytest.raises(ValueError, match="y: expected labels from 0 to 2, got 3 in row 4"):
        net.evaluate(X, labels, 8)


def test_weights_of_another_shape():
    net = make()
    with pytest.raises(ValueError, match=r"weights: expected 2 arrays, got 1"):
        net.set_weights(net.get_weights()[:1])
    with pytest.raises(ValueError, match=r"weights\[0\]: expected shape \(6, 3\), got \(3, 6\)"):
        net.set_weights([np.zeros((3, 6), np.float32), np.zeros(3, np.float32)])


@pytest.mark.parametrize("density", [0.2, 1.0])
@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("n_inputs", [1, 6, 37])
def test_rows_are_read_where_they_lie(tmp_path, kind, density, n_inputs):
    x = (100 * examples(20, n_inputs, density)).astype(kind)
    np.save(tmp_path / "x.npy", np.repeat(np.hstack([x, x]), 2, axis=0))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    net = network(n_inputs, [dense(3)])
    expected = net.predict(x.astype(np.float32), 8)
    for rows in (x, mapped[::2, :n_inputs], mapped[::-2, n_inputs:]):
        np.testing.assert_array_equal(
            net.predict(rows, 8), expected[::-1] if rows.strides[0] < 0 else expected
        )
