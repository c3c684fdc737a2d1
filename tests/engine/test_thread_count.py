"""Networks too small to share get one thread, the others all cores."""

from __future__ import annotations

import keras
import pytest

from mlplab.engine import core, thread_count
from mlplab.engine.plan import plan_layers


def dense_network(inputs: int, *widths: int) -> keras.Model:
    return keras.Sequential([keras.Input((inputs,)), *map(keras.layers.Dense, widths)])


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "usable_cores", lambda: 8)


@pytest.mark.parametrize(
    ("widths", "batch_size", "threads"),
    [
        ((16, 64, 10), 16, 1),
        ((784, *16 * [32], 10), 16, 1),
        ((784, 512, 512, 10), 156, 8),
        ((784, 512, 512, 10), 16, 8),
        ((64, 64, 10), 4096, 8),
    ],
)
def test_training_shares_what_is_worth_sharing(
    widths: tuple[int, ...], batch_size: int, threads: int
) -> None:
    planned = plan_layers(dense_network(*widths))
    assert thread_count.to_train(planned, batch_size) == threads


def test_predicting_shares_what_is_worth_sharing() -> None:
    planned = plan_layers(dense_network(784, 512, 512, 10))
    assert thread_count.to_predict(planned, 1) == 1
    assert thread_count.to_predict(planned, 10_000) == 8
