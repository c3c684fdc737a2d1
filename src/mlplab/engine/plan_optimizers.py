"""The optimizers that the native engine runs: one entry each.

An optimizer's slots are the arrays it keeps for every trained weight: Adam's two moments, for
instance. Keras creates them in groups; a group is created weight by weight, all its names together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from mlplab.engine import keras_private
from mlplab.engine.plan_layers import Options, Step, check_fixed
from mlplab.errors import Unplannable

Groups = list[list[str]]


@dataclass(frozen=True)
class OptimizerEntry:
    """How one Keras optimizer class becomes a setting of the core.

    Attributes:
        kind: the core's name for it.
        options: attributes that are read.
        groups: the slots that a setting brings, in the order Keras creates them.
        fixed: attributes that must stand at one of these values.
    """

    kind: str
    options: tuple[str, ...]
    groups: Callable[[Step], Groups]
    fixed: Options


ANY_OPTIMIZER: Options = {
    "loss_scale_factor": (None,),
    "gradient_accumulation_steps": (None,),
    "ema_overwrite_frequency": (None,),
}
CLIPPING = ("clipvalue", "clipnorm", "global_clipnorm")


def _sgd_groups(setting: Step) -> Groups:
    return [["momentum"]] if setting["momentum"] else []


def _adam_groups(setting: Step) -> Groups:
    return [["m", "v"]]


def _rmsprop_groups(setting: Step) -> Groups:
    momentum: Groups = [["momentum"]] if setting["momentum"] else []
    return [["velocity"], *momentum, *([["average_gradient"]] if setting["centered"] else [])]


_ADAM = OptimizerEntry("adam", ("beta_1", "beta_2", "epsilon"), _adam_groups, {"amsgrad": (False,)})

OPTIMIZERS: dict[type, OptimizerEntry] = {
    keras.optimizers.SGD: OptimizerEntry("sgd", ("momentum", "nesterov"), _sgd_groups, {}),
    keras.optimizers.Adam: _ADAM,
    keras.optimizers.AdamW: _ADAM,
    keras.optimizers.RMSprop: OptimizerEntry(
        "rmsprop", ("rho", "momentum", "epsilon", "centered"), _rmsprop_groups, {}
    ),
}


def read_optimizer(optimizer: Any, trained: list[keras.Variable]) -> tuple[Step, Groups]:
    """Return the core's setting for an optimizer, and the groups of its slots.

    Args:
        optimizer: the model's optimizer, built or not.
        trained: the model's trainable variables.

    Raises:
        Unplannable: the optimizer is not covered, or was built for other variables.
    """
    entry = OPTIMIZERS.get(keras_private.optimizer_class(optimizer))
    if entry is None:
        raise Unplannable(
            f"the optimizer {type(optimizer).__name__} is not one the native engine runs"
        )
    try:
        check_fixed(optimizer, ANY_OPTIMIZER | entry.fixed)
    except Unplannable as problem:
        raise Unplannable(f"the optimizer {type(optimizer).__name__} {problem}") from None
    if optimizer.use_ema and not optimizer.ema_momentum > 0:
        raise Unplannable(
            f"the optimizer {type(optimizer).__name__} averages weights with ema_momentum "
            f"{optimizer.ema_momentum:g}, where the native engine takes one above 0"
        )
    _check_rate(optimizer)
    _check_built_for(optimizer, trained)
    setting: Step = {"kind": entry.kind} | {
        name: getattr(optimizer, name) for name in entry.options
    }
    setting |= {name: float(getattr(optimizer, name) or 0.0) for name in CLIPPING}
    setting["ema_momentum"] = float(optimizer.ema_momentum) if optimizer.use_ema else 0.0
    setting["weight_decay"] = float(optimizer.weight_decay or 0.0)
    setting["decay_mask"] = [keras_private.decays(optimizer, variable) for variable in trained]
    average: Groups = [["average"]] if optimizer.use_ema else []
    return setting, average + entry.groups(setting)


def _check_rate(optimizer: Any) -> None:
    source = keras_private.rate_source(optimizer)
    schedule = keras.optimizers.schedules.LearningRateSchedule
    if not isinstance(source, (keras.Variable, schedule)):
        raise Unplannable(
            "the optimizer's learning rate is a function, where the native engine takes a number "
            "or a LearningRateSchedule"
        )


def _check_built_for(optimizer: Any, trained: list[keras.Variable]) -> None:
    if not optimizer.built:
        return
    known = keras_private.optimized_variables(optimizer)
    if [id(variable) for variable in known] != [id(variable) for variable in trained]:
        raise Unplannable(
            "the optimizer was built for other weights than the model now trains; compile it again"
        )


def slot_variables(
    optimizer: Any, groups: Groups, n_trained: int
) -> list[dict[str, keras.Variable]]:
    """Return a dict for each trained weight: slot name -> the Keras optimizer's variable.

    They are the last of the optimizer's variables, group after group.
    """
    n_slots = sum(len(group) for group in groups)
    variables = iter(optimizer.variables[len(optimizer.variables) - n_slots * n_trained :])
    slots: list[dict[str, keras.Variable]] = [{} for _ in range(n_trained)]
    for group in groups:
        for named in slots:
            named.update({name: next(variables) for name in group})
    return slots


def learning_rates(optimizer: Any, first_step: int, n_steps: int) -> npt.NDArray[np.float32]:
    """Return the learning rate of each of an epoch's steps, shape (n_steps,)."""
    source = keras_private.rate_source(optimizer)
    if isinstance(source, keras.Variable):
        return np.full(n_steps, keras.ops.convert_to_numpy(source), np.float32)
    steps = keras.ops.arange(first_step, first_step + n_steps, dtype="int32")
    if keras.backend.backend() == "torch":  # its vmap refuses a schedule that chooses (warm-up)
        rates = keras.ops.stack([keras.ops.convert_to_tensor(source(step)) for step in steps])
    else:
        rates = keras.ops.vectorized_map(source, steps)
    return np.array(keras.ops.convert_to_numpy(rates), np.float32).reshape(n_steps)
