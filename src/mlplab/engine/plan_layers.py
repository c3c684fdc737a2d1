"""The layers and activations that the native engine trains: one entry each.

An entry says which options must stand at which values, and how the layer becomes steps of the core.
A step is a dict of plain numbers; ``mlplab.engine._core.Network`` says which kinds there are.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras

from mlplab.errors import Unplannable

Step = dict[str, Any]
Options = dict[str, tuple[Any, ...]]


@dataclass(frozen=True)
class LayerEntry:
    """How one Keras layer class becomes steps.

    Attributes:
        read: returns the steps of a layer.
        fixed: option -> the values of it that are covered.
        flat: whether the layer wants one row of features an example, shape (n, n_features).
    """

    read: Callable[[Any], list[Step]]
    fixed: Options = field(default_factory=dict)
    flat: bool = True


def check_fixed(thing: Any, fixed: Options) -> None:
    """Raise Unplannable, without naming ``thing``, where an option has a value not covered."""
    for option, covered in fixed.items():
        value = getattr(thing, option, covered[0])
        if value not in covered:
            raise Unplannable(
                f"has {option}={_show(value)}, where the native engine covers {_show(covered[0])}"
            )


def _show(value: Any) -> str:
    """Return a value as the reader wrote it: Keras objects by class, not by address."""
    plain = isinstance(value, (bool, int, float, str, tuple, list, type(None)))
    return repr(value) if plain else type(value).__name__


# --- activations ---------------------------------------------------------------------------------


def _relu(
    negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Step:
    if max_value is not None or threshold:
        raise Unplannable("has a ReLU with max_value or threshold, which the native engine lacks")
    if negative_slope:
        return {"function": "leaky_relu", "alpha": float(negative_slope)}
    return {"function": "relu"}


def _leaky_relu(negative_slope: float = 0.2) -> Step:
    return {"function": "leaky_relu", "alpha": float(negative_slope)}


def _elu(alpha: float = 1.0) -> Step:
    return {"function": "elu", "alpha": float(alpha)}


def _gelu(approximate: bool = False) -> Step:
    return {"function": "gelu_tanh" if approximate else "gelu"}


def _softmax(axis: int = -1) -> Step:
    if axis not in (-1, 1):
        raise Unplannable(f"has a softmax over axis {axis}, where the native engine covers -1")
    return {"function": "softmax"}


def _named(name: str) -> Callable[[], Step]:
    return lambda: {"function": name}


# A function of keras.activations -> the step it becomes, from the function's own arguments.
ACTIVATIONS: dict[Any, Callable[..., Step]] = {
    keras.activations.linear: _named("linear"),
    keras.activations.relu: _relu,
    keras.activations.leaky_relu: _leaky_relu,
    keras.activations.elu: _elu,
    keras.activations.selu: _named("selu"),
    keras.activations.gelu: _gelu,
    keras.activations.silu: _named("silu"),
    keras.activations.sigmoid: _named("sigmoid"),
    keras.activations.tanh: _named("tanh"),
    keras.activations.softplus: _named("softplus"),
    keras.activations.softmax: _softmax,
}


def activation_steps(function: Any) -> list[Step]:
    """Return the steps of an activation function; none for the linear one.

    ``functools.partial`` sets a Keras function's arguments: ``partial(gelu, approximate=True)``.
    """
    settings: dict[str, Any] = {}
    if isinstance(function, functools.partial) and not function.args:
        function, settings = function.func, function.keywords
    if function not in ACTIVATIONS:
        name = getattr(function, "__name__", type(function).__name__)
        raise Unplannable(f"has the activation {name!r}, which the native engine lacks")
    step = ACTIVATIONS[function](**settings)
    return [] if step["function"] == "linear" else [{"kind": "activation"} | step]


# --- layers --------------------------------------------------------------------------------------


def _penalties(regularizer: Any, name: str) -> Step:
    kinds = (keras.regularizers.L1, keras.regularizers.L2, keras.regularizers.L1L2)
    if regularizer is not None and type(regularizer) not in kinds:
        raise Unplannable(
            f"has the {name} regularizer {type(regularizer).__name__}; the native engine covers "
            "L1, L2 and L1L2"
        )
    return {
        f"{name}_{norm}": float(getattr(regularizer, norm, None) or 0.0) for norm in ("l1", "l2")
    }


def _max_norm(constraint: Any, name: str) -> float:
    if constraint is None:
        return 0.0
    if type(constraint) is not keras.constraints.MaxNorm or constraint.axis != 0:
        raise Unplannable(
            f"has the {name} constraint {type(constraint).__name__}; the native engine covers "
            "MaxNorm over axis 0"
        )
    if not constraint.max_value > 0:
        raise Unplannable(
            f"has the {name} constraint MaxNorm({constraint.max_value:g}); the native engine takes "
            "a norm above 0"
        )
    return float(constraint.max_value)


def _dense(layer: Any) -> list[Step]:
    step = {
        "kind": "dense",
        "units": int(layer.units),
        "use_bias": bool(layer.use_bias),
        **_penalties(layer.kernel_regularizer, "kernel"),
        **_penalties(layer.bias_regularizer, "bias"),
        "max_norm": _max_norm(layer.kernel_constraint, "kernel"),
        "max_norm_bias": _max_norm(layer.bias_constraint, "bias"),
    }
    return [step, *activation_steps(layer.activation)]


def _rescaling(layer: Any) -> list[Step]:
    if not all(isinstance(value, (int, float)) for value in (layer.scale, layer.offset)):
        raise Unplannable("has a scale or an offset that is no single number")
    return [{"kind": "affine", "scale": float(layer.scale), "offset": float(layer.offset)}]


def _batch_norm(layer: Any) -> list[Step]:
    names = ("momentum", "epsilon", "center", "scale")
    return [{"kind": "batch_norm"} | {name: getattr(layer, name) for name in names}]


def _layer_norm(layer: Any) -> list[Step]:
    names = ("epsilon", "center", "scale")
    return [{"kind": "layer_norm"} | {name: getattr(layer, name) for name in names}]


def _dropout(layer: Any) -> list[Step]:
    return [{"kind": "dropout", "rate": float(layer.rate)}] if layer.rate else []


def _gaussian_noise(layer: Any) -> list[Step]:
    return [{"kind": "gaussian_noise", "stddev": float(layer.stddev)}] if layer.stddev else []


def _relu_layer(layer: Any) -> list[Step]:
    step = _relu(layer.negative_slope or 0.0, layer.max_value, layer.threshold or 0.0)
    return [{"kind": "activation"} | step]


def _nothing(layer: Any) -> list[Step]:
    return []


_NORM_OPTIONS: Options = {
    "axis": (-1, 1, [-1], [1]),
    **{
        f"{weight}_{hook}": (None,)
        for weight in ("gamma", "beta")
        for hook in ("regularizer", "constraint")
    },
}

# Options that no layer may have, whatever its class.
ANY_LAYER: Options = {"activity_regularizer": (None,)}

LAYERS: dict[type, LayerEntry] = {
    keras.layers.InputLayer: LayerEntry(_nothing, flat=False),
    keras.layers.Flatten: LayerEntry(_nothing, {"data_format": ("channels_last",)}, flat=False),
    keras.layers.Reshape: LayerEntry(_nothing, flat=False),
    keras.layers.Identity: LayerEntry(_nothing, flat=False),
    keras.layers.Rescaling: LayerEntry(_rescaling, flat=False),
    keras.layers.Dense: LayerEntry(_dense, {"lora_rank": (None,), "quantization_mode": (None,)}),
    keras.layers.Activation: LayerEntry(lambda layer: activation_steps(layer.activation)),
    keras.layers.ReLU: LayerEntry(_relu_layer, {"max_value": (None,), "threshold": (0.0, None)}),
    keras.layers.LeakyReLU: LayerEntry(
        lambda layer: [{"kind": "activation"} | _leaky_relu(layer.negative_slope)]
    ),
    keras.layers.ELU: LayerEntry(lambda layer: [{"kind": "activation"} | _elu(layer.alpha)]),
    keras.layers.Softmax: LayerEntry(
        lambda layer: [{"kind": "activation", "function": "softmax"}], {"axis": (-1, 1)}
    ),
    keras.layers.BatchNormalization: LayerEntry(
        _batch_norm, _NORM_OPTIONS | {"synchronized": (False,), "renorm": (False,)}
    ),
    keras.layers.LayerNormalization: LayerEntry(
        _layer_norm, _NORM_OPTIONS | {"rms_scaling": (False,)}
    ),
    keras.layers.Dropout: LayerEntry(_dropout, {"noise_shape": (None,)}),
    keras.layers.GaussianNoise: LayerEntry(_gaussian_noise),
}
