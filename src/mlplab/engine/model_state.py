"""Moving a model's state between Keras and a network: weights, optimizer slots, step count."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from mlplab.engine.core import Network
from mlplab.engine.plan import Plan
from mlplab.engine.plan_optimizers import slot_variables

Array = npt.NDArray[Any]


def to_array(variable: keras.Variable) -> npt.NDArray[np.float32]:
    """Return a variable's value as the core reads it, whatever the backend."""
    return np.ascontiguousarray(keras.ops.convert_to_numpy(variable.value), np.float32)


class ModelState:
    """The state of one model under training: what Keras holds, in the core's order.

    Args:
        model: the model; its optimizer is built here if it is not yet.
        plan: the model's plan.
    """

    def __init__(self, model: keras.Model, plan: Plan) -> None:
        self.optimizer, self.weights = model.optimizer, plan.weights
        if not self.optimizer.built:
            self.optimizer.build(model.trainable_variables)
        named = slot_variables(self.optimizer, plan.slot_groups, len(plan.trained))
        self.slots = [[slots[name] for name in plan.slot_names] for slots in named]

    @property
    def steps_done(self) -> int:
        """The optimizer's count of steps."""
        return int(keras.ops.convert_to_numpy(self.optimizer.iterations))

    def read_into(self, network: Network) -> None:
        """Give a network the state that Keras holds."""
        network.set_weights([to_array(weight) for weight in self.weights])
        network.set_slots([[to_array(slot) for slot in slots] for slots in self.slots])

    def write_from(self, network: Network) -> None:
        """Give Keras the state of a network."""
        for variable, value in zip(self.weights, network.get_weights(), strict=True):
            variable.assign(value)
        for variables, values in zip(self.slots, network.get_slots(), strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)

    def count_steps(self, steps_done: int) -> None:
        """Set the optimizer's count of steps, which schedules and callbacks read."""
        self.optimizer.iterations.assign(steps_done)
