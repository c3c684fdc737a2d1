"""The settings of the seam between Python and the core, written short for tests."""

from __future__ import annotations

from typing import Any

Step = dict[str, Any]

SGD: Step = {"kind": "sgd", "momentum": 0.0, "nesterov": False, "weight_decay": 0.0}
SGD |= {"clipvalue": 0.0, "clipnorm": 0.0, "global_clipnorm": 0.0, "ema_momentum": 0.0}

_COMMON = {name: value for name, value in SGD.items() if name not in ("momentum", "nesterov")}
ADAM: Step = _COMMON | {"kind": "adam", "beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-3}
RMSPROP: Step = _COMMON | {"kind": "rmsprop", "rho": 0.9, "momentum": 0.0, "epsilon": 1e-2}
RMSPROP |= {"centered": False}


def dense(units: int, **settings: Any) -> Step:
    names = ("kernel_l1", "kernel_l2", "bias_l1", "bias_l2", "max_norm", "max_norm_bias")
    return (
        {"kind": "dense", "units": units, "use_bias": True} | dict.fromkeys(names, 0.0) | settings
    )


def activation(function: str) -> Step:
    return {"kind": "activation", "function": function, "alpha": 0.3}


def norm(kind: str, **settings: Any) -> Step:
    common = {"kind": kind, "epsilon": 1e-3, "center": True, "scale": True}
    return common | ({"momentum": 0.9} if kind == "batch_norm" else {}) | settings
