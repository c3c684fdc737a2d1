"""The optimizers of the slow, obvious network, as Keras writes them.

``step(weight, gradient, slots, settings, rate, t)`` changes one weight and its slots in place;
``t`` counts steps from 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Settings = dict[str, Any]


def sgd(w: Array, g: Array, slots: list[Array], s: Settings, rate: Any, t: int) -> None:
    """m = momentum m - rate g; w += m, or w += momentum m - rate g (Nesterov)."""
    if not s["momentum"]:
        w -= g * rate
        return
    (m,) = slots
    momentum = w.dtype.type(s["momentum"])
    m[:] = m * momentum - g * rate
    w += m * momentum - g * rate if s["nesterov"] else m


def adam(w: Array, g: Array, slots: list[Array], s: Settings, rate: Any, t: int) -> None:
    """m += (g - m)(1 - b1); v += (g^2 - v)(1 - b2); w -= m alpha / (sqrt(v) + epsilon)

    with alpha = rate sqrt(1 - b2^t) / (1 - b1^t).
    """
    m, v = slots
    kind = w.dtype.type
    power_1, power_2 = kind(s["beta_1"]) ** kind(t), kind(s["beta_2"]) ** kind(t)
    alpha = rate * np.sqrt(1 - power_2) / (1 - power_1)
    m += (g - m) * kind(1 - s["beta_1"])
    v += (np.square(g) - v) * kind(1 - s["beta_2"])
    w -= m * alpha / (np.sqrt(v) + kind(s["epsilon"]))


def rmsprop(w: Array, g: Array, slots: list[Array], s: Settings, rate: Any, t: int) -> None:
    """v = rho v + (1 - rho) g^2; w -= rate g / sqrt(v + epsilon); v - a^2 for v if centered."""
    kind = w.dtype.type
    names = slot_names({**s, "ema_momentum": 0})
    named = dict(zip(names, slots, strict=True))
    rho = kind(s["rho"])
    named["velocity"][:] = rho * named["velocity"] + kind(1 - s["rho"]) * np.square(g)
    denominator = named["velocity"] + kind(s["epsilon"])
    if s["centered"]:
        average = named["average_gradient"]
        average[:] = rho * average + kind(1 - s["rho"]) * g
        denominator = named["velocity"] - np.square(average) + kind(s["epsilon"])
    increment = rate * g / np.sqrt(denominator)
    if s["momentum"]:
        named["momentum"][:] = kind(s["momentum"]) * named["momentum"] + increment
        increment = named["momentum"]
    w -= increment


Step = Callable[[Array, Array, list[Array], Settings, Any, int], None]
STEPS: dict[str, Step] = {"sgd": sgd, "adam": adam, "rmsprop": rmsprop}


def slot_names(settings: Settings) -> list[str]:
    """Return the names of an optimizer's slots, in the order of the seam."""
    names = {
        "sgd": ["momentum"] if settings.get("momentum") else [],
        "adam": ["m", "v"],
        "rmsprop": [
            "velocity",
            *(["momentum"] if settings.get("momentum") else []),
            *(["average_gradient"] if settings.get("centered") else []),
        ],
    }[settings["kind"]]
    return names + (["average"] if settings.get("ema_momentum") else [])


def clip(gradients: list[Array], settings: Settings) -> list[Array]:
    """Return the gradients clipped by value, by the norm of each, or by the norm of all."""
    if limit := settings.get("clipnorm"):
        norms = [np.sqrt(np.square(g).sum()) for g in gradients]
        return [
            g * g.dtype.type(limit) / max(norm, limit)
            for g, norm in zip(gradients, norms, strict=True)
        ]
    if limit := settings.get("global_clipnorm"):
        norm = np.sqrt(sum(np.square(g).sum() for g in gradients))
        scale = limit * min(1 / norm, 1 / limit) if norm > 0 else 1.0
        return [g * g.dtype.type(scale) for g in gradients]
    if limit := settings.get("clipvalue"):
        return [np.clip(g, -limit, limit) for g in gradients]
    return gradients
