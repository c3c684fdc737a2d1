"""The Keras words a study file may use: class names by kind, and the arguments each class takes.

Names are looked up in Keras's public namespaces and nowhere else. A study file therefore names
only what Keras itself offers, and never runs code of its own.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any, Literal, NamedTuple, cast

import keras

Kind = Literal[
    "layer",
    "optimizer",
    "loss",
    "initializer",
    "regularizer",
    "constraint",
    "schedule",
    "activation",
]


class Shelf(NamedTuple):
    """Where Keras keeps one kind of object.

    Attributes:
        namespace: the public module.
        base: what all of this kind derive from; None for activations, which are functions.
        without: names that a study file may not use.
    """

    namespace: Any
    base: type | None
    without: frozenset[str] = frozenset()


# Layers that carry code or load files: never in a study file.
CODE_LAYERS = frozenset({"FlaxLayer", "JaxLayer", "Lambda", "TFSMLayer", "TorchModuleWrapper"})

SHELVES: dict[Kind, Shelf] = {
    "layer": Shelf(keras.layers, keras.layers.Layer, CODE_LAYERS | {"InputLayer", "Wrapper"}),
    "optimizer": Shelf(keras.optimizers, keras.optimizers.Optimizer),
    "loss": Shelf(keras.losses, keras.losses.Loss),
    "initializer": Shelf(keras.initializers, keras.initializers.Initializer),
    "regularizer": Shelf(keras.regularizers, keras.regularizers.Regularizer),
    "constraint": Shelf(keras.constraints, keras.constraints.Constraint),
    "schedule": Shelf(keras.optimizers.schedules, keras.optimizers.schedules.LearningRateSchedule),
    "activation": Shelf(keras.activations, None, frozenset({"deserialize", "get", "serialize"})),
}

# Keras's own short forms, which are not names in its namespaces.
_SHORT_FORMS: dict[Kind, dict[str, str]] = {
    "loss": {
        "bce": "BinaryCrossentropy",
        "kld": "KLDivergence",
        "mae": "MeanAbsoluteError",
        "mape": "MeanAbsolutePercentageError",
        "mse": "MeanSquaredError",
        "msle": "MeanSquaredLogarithmicError",
    },
    "initializer": {"normal": "RandomNormal", "uniform": "RandomUniform"},
}

# The kind of object an argument takes, by the end of the argument's name.
_ARGUMENT_KINDS: dict[str, Kind] = {
    "initializer": "initializer",
    "regularizer": "regularizer",
    "constraint": "constraint",
    "activation": "activation",
    "learning_rate": "schedule",
    "optimizer": "optimizer",
    "layer": "layer",
    "layers": "layer",
    "cell": "layer",
    "cells": "layer",
}


@cache
def names(kind: Kind) -> dict[str, Callable[..., Any]]:
    """The objects of one kind by their public Keras names.

    Examples:
        >>> names("optimizer")["SGD"].__name__
        'SGD'
    """
    shelf = SHELVES[kind]
    found = {name: getattr(shelf.namespace, name) for name in dir(shelf.namespace)}
    return {
        name: value
        for name, value in found.items()
        if name[0] != "_" and name not in shelf.without and _is_on(shelf, value)
    }


def _is_on(shelf: Shelf, value: Any) -> bool:
    if shelf.base is None:
        return inspect.isfunction(value)
    return inspect.isclass(value) and issubclass(value, shelf.base) and value is not shelf.base


def find(kind: Kind, name: str) -> Callable[..., Any] | None:
    """The object called ``name``, or None. Keras's own spellings all lead to it.

    Examples:
        >>> find("initializer", "he_normal") is find("initializer", "HeNormal")
        True
        >>> find("layer", "Lambda") is None
        True
    """
    known = names(kind)
    return known.get(name) or _folded(kind).get(_fold(name))


@cache
def _folded(kind: Kind) -> dict[str, Callable[..., Any]]:
    known = names(kind)
    short = _SHORT_FORMS.get(kind, {})
    return {_fold(name): value for name, value in known.items()} | {
        form: known[name] for form, name in short.items()
    }


def _fold(name: str) -> str:
    return name.replace("_", "").lower()


@cache
def arguments(cls: type[Any]) -> dict[str, bool]:
    """The named arguments of a class, and whether they must be given.

    Where a class takes ``**kwargs``, those of its bases are among them, and none of these must be.

    Examples:
        >>> arguments(keras.layers.ReLU)["name"], arguments(keras.layers.Dropout)["rate"]
        (False, True)
    """
    named: dict[str, bool] = {}
    for base in cls.__mro__:
        if "__init__" not in vars(base):
            continue
        parameters = list(inspect.signature(cast(Any, base).__init__).parameters.values())[1:]
        own = not named
        for parameter in parameters:
            if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                named.setdefault(parameter.name, own and parameter.default is parameter.empty)
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            break
    return named


def argument_kind(argument: str) -> Kind | None:
    """The kind of Keras object that an argument takes, or None where it takes plain values.

    Examples:
        >>> argument_kind("kernel_initializer")
        'initializer'
        >>> argument_kind("units") is None
        True
    """
    endings = (argument, argument.rpartition("_")[2])
    return next((_ARGUMENT_KINDS[end] for end in endings if end in _ARGUMENT_KINDS), None)
