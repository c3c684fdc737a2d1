"""``mlplab.fit_many``: copies of a model in one program end where each would end by itself."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import mlplab
from mlplab import Dataset, EngineError, UsageError
from mlplab.engine import Streams, jax_memory, many
from mlplab.engine.jax_engine import build
from mlplab.engine.jax_program import BATCHED, LOOP, Program, on_device, state_of
from tests.engine.test_jax_engine import (
    BATCH,
    Data,
    alone,
    assert_same,
    assert_same_history,
    images,
    make,
)

__all__ = ["images"]  # the fixture

SEEDS = [5, 6, 7]


def together(
    models: list[keras.Model], images: tuple[Data, Data], **options: Any
) -> list[dict[str, list[float]]]:
    asked = {"seeds": SEEDS, "batch_size": BATCH, "epochs": 2, "validation_data": images[1]}
    return [h.history for h in mlplab.fit_many(models, *images[0], **asked | options)]


@pytest.mark.parametrize(
    ("name", "way"),
    [("bn-dropout-3", BATCHED), ("relu-2", LOOP), ("conv", BATCHED)],
)
def test_each_is_as_if_trained_alone(
    name: str,
    way: str,
    mnist: Dataset,
    images: tuple[Data, Data],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(many, "way_here", lambda: way)
    models = [make(name, mnist, seed) for seed in SEEDS]
    histories = together(models, images)
    theirs, expected = alone(name, SEEDS[1], mnist, images)
    assert_same_history(histories[1], expected)
    assert_same(models[1], theirs, close=3e-5)
    assert len({history["loss"][-1] for history in histories}) == 3


@pytest.mark.parametrize("way", [BATCHED, LOOP])
def test_one_that_diverges_leaves_the_others_alone(
    way: str, mnist: Dataset, images: tuple[Data, Data], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many, "way_here", lambda: way)
    models = [make("tiny", mnist, seed) for seed in SEEDS]
    models[1].optimizer.learning_rate = 1e30
    histories = together(models, images)
    assert not np.isfinite(histories[1]["loss"][-1])
    for place in (0, 2):
        theirs, expected = alone("tiny", SEEDS[place], mnist, images)
        assert_same_history(histories[place], expected)
        assert_same(models[place], theirs, close=3e-5)


def test_copies_that_do_not_fit_wait_and_end_the_same(
    mnist: Dataset, images: tuple[Data, Data]
) -> None:
    (x, y), _ = images
    first = make("tiny", mnist)
    build(first, (x, y, None))
    program, data = Program(first, BATCH), on_device(x, y)

    def fitting(limit: int) -> int:
        return jax_memory.most_copies(program, state_of(first), data, len(y), limit)

    state_bytes = jax_memory.n_bytes(state_of(first))
    counters = 4 + 4 + 8  # steps; the rate of learning; dropout's key and count
    assert state_bytes == 3 * 4 * first.count_params() + counters  # weights and two moments
    two_copies = next(limit for limit in range(0, 10**9, 10**6) if fitting(limit) == 2)
    assert two_copies > jax_memory.n_bytes(data) + 2 * 3 * state_bytes
    assert fitting(0) == 1

    at_once, in_parts = ([make("tiny", mnist, seed) for seed in SEEDS] for _ in range(2))
    expected = together(at_once, images)
    assert together(in_parts, images, most_bytes=two_copies) == expected
    for one, other in zip(in_parts, at_once, strict=True):
        assert_same(one, other, close=0)


def test_models_that_differ_are_refused(mnist: Dataset, images: tuple[Data, Data]) -> None:
    one, other = make("tiny", mnist), make("conv", mnist)
    with pytest.raises(UsageError, match="got another at place 1 than at place 0"):
        together([one, other], images, seeds=[0, 1])
    with pytest.raises(UsageError, match="expected models and a seed for each, got 1 and 3"):
        together([one], images)
    with pytest.raises(UsageError, match="got one of them more than once"):
        together([one, one], images, seeds=[0, 1])
    with pytest.raises(
        UsageError, match="expected compiled models, got one that is not at place 0"
    ):
        together([keras.Sequential([keras.Input((3,))])], images, seeds=[0])
    with pytest.raises(EngineError, match="where the jax engine takes"):
        together([one], images, seeds=[0], validation_data=5)


def test_streams_may_differ_in_one_source_alone(mnist: Dataset, images: tuple[Data, Data]) -> None:
    same_start = [make("tiny", mnist, 1) for _ in range(2)]
    streams = [Streams.of(1), Streams(init=1, order=2, dropout=1, split=1, augment=1)]
    first, second = together(same_start, images, seeds=streams)
    assert first["loss"] != second["loss"]


def small_model() -> keras.Model:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def test_plain_lists_will_do_as_for_fit() -> None:
    x, y = [[0.0, 1.0], [1.0, 0.0]], [[0.0], [1.0]]
    of_lists, of_arrays = (
        mlplab.fit_many([small_model()], *data, seeds=[0], epochs=2, validation_data=data)
        for data in ((x, y), (np.array(x), np.array(y)))
    )
    assert len(of_lists[0].history["val_loss"]) == 2
    assert set(of_lists[0].history) == set(of_arrays[0].history)


def test_a_shape_that_no_model_takes_is_refused() -> None:
    with pytest.raises(mlplab.DataError) as raised:
        mlplab.fit_many([small_model()], np.zeros((4, 3)), np.zeros((4, 1)), seeds=[0])
    assert str(raised.value) == "expected x of shape (n, 2), as the model takes, got (4, 3)"
