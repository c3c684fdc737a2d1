"""What the plan reads of an optimizer is what Keras's signature says, epsilon included."""

from __future__ import annotations

import inspect
from typing import Any

import keras
import pytest

from mlplab.engine.plan_optimizers import CLIPPING, OPTIMIZERS, read_optimizer


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda cls: cls.__name__)
def test_optimizer_defaults_are_keras_own(optimizer: Any) -> None:
    parameters = inspect.signature(optimizer.__init__).parameters
    defaults = {name: parameter.default for name, parameter in parameters.items()}
    setting, groups = read_optimizer(optimizer(), [])
    for name in OPTIMIZERS[optimizer].options:
        assert setting[name] == defaults[name], name
    for name in (*CLIPPING, "weight_decay"):
        assert setting[name] == (defaults[name] or 0.0), name
    assert setting["ema_momentum"] == 0.0
    assert not defaults["use_ema"]
    assert ["average"] not in groups


def test_adams_epsilon_and_moments() -> None:
    setting, groups = read_optimizer(keras.optimizers.Adam(), [])
    assert (setting["beta_1"], setting["beta_2"], setting["epsilon"]) == (0.9, 0.999, 1e-7)
    assert groups == [["m", "v"]]
