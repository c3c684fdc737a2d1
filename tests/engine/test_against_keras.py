"""200 steps from the same weights in the same order end where Keras on JAX ends."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import mlplab
from tests.engine.helpers import NETWORKS, distance, state, train
from tests.engine.models import BATCH, EPOCHS, Case, covering_cases

OPTIONS: dict[str, Any] = {
    "batch_size": BATCH,
    "epochs": EPOCHS,
    "validation_split": 0.1,
    "validation_freq": EPOCHS,
}
CLOSE = 2e-3  # relative to an array's largest entry; one step agrees to 1e-6


@functools.cache
def trained_by_keras(case: Case) -> tuple[dict[str, Any], dict[str, list[float]]]:
    model = case.model()
    history = mlplab.fit(model, *case.data(), seed=4, engine="keras", verbose=0, **OPTIONS)
    return state(model), history.history


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("case", covering_cases(), ids=str)
def test_weights_moments_and_history_are_keras_own(case: Case, network: str) -> None:
    expected, expected_history = trained_by_keras(case)
    model = case.model()
    history = train(network, model, *case.data(), seed=4, **OPTIONS).history
    ours = state(model)
    assert [a.shape for a in ours.values()] == [a.shape for a in expected.values()]
    far = {
        path: distance(mine, theirs)
        for (path, mine), theirs in zip(ours.items(), expected.values(), strict=True)
    }
    assert not {path: value for path, value in far.items() if value > CLOSE}
    assert history.keys() == expected_history.keys()
    for name in history:
        np.testing.assert_allclose(
            history[name], expected_history[name], rtol=2e-3, atol=0.02 if "acc" in name else 1e-4
        )
