"""Keras objects written as plain data: checked, then made.

A Keras object is its class name (``"Adam"``), or a table whose key ``class`` names the Keras class
and whose other keys are its Keras arguments (``{"class": "SGD", "momentum": 0.9}``). Tables nest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlplab.errors import did_you_mean
from mlplab.recipes.locate import Path
from mlplab.recipes.problems import Problem, sentence, shown
from mlplab.recipes.vocabulary import CODE_LAYERS, Kind, argument_kind, arguments, find, names

# The word for "as many units as there are classes", and a number to check arguments with.
CLASSES = "classes"
_ANY_N_CLASSES = 10


def make(kind: Kind, written: Any, n_classes: int = _ANY_N_CLASSES) -> Any:
    """Make the Keras object that ``written`` describes; it must have passed :func:`problems_of`.

    Args:
        kind: what it is: a layer, an optimizer, ...
        written: a class name, or a table with the key ``class``.
        n_classes: what ``units = "classes"`` stands for.

    Examples:
        >>> make("layer", {"class": "Dense", "units": "classes"}, n_classes=3).units
        3
    """
    kind, name, given = _read(kind, written)
    found = find(kind, name)
    if found is None:
        raise KeyError(f"no {kind} {name!r}")
    if kind == "activation":
        return found
    return found(**{key: _argument(key, value, n_classes) for key, value in given.items()})


def problems_of(kind: Kind, written: Any, path: Path) -> list[Problem]:
    """Everything that is wrong with an object, without a dataset at hand.

    Names and arguments are checked against Keras's classes; where these are right the object is
    made once, so that Keras's own checks of the values have their say.
    """
    return (
        list(_name_problems(kind, written, path))
        or list(_argument_problems(kind, written, path))
        or list(_keras_problems(kind, written, path))
    )


def _read(kind: Kind, written: str | dict[str, Any]) -> tuple[Kind, str, dict[str, Any]]:
    """The kind, the name and the arguments. An activation in a table is a layer, as in Keras."""
    if isinstance(written, str):
        return kind, written, {}
    arguments = {key: value for key, value in written.items() if key != "class"}
    return "layer" if kind == "activation" else kind, written["class"], arguments


def _argument(name: str, value: Any, n_classes: int) -> Any:
    if name == "units" and value == CLASSES:
        return n_classes
    kind = argument_kind(name)
    if isinstance(value, list):
        return [_argument(name, item, n_classes) for item in value]
    return make(kind, value, n_classes) if kind and _is_object(kind, value) else value


def _is_object(kind: Kind, value: Any) -> bool:
    """Whether a value for an argument of this kind describes an object: a rate may be a number."""
    return isinstance(value, dict | str) and not (kind == "schedule" and isinstance(value, str))


def _name_problems(kind: Kind, written: Any, path: Path) -> Iterator[Problem]:
    if isinstance(written, dict):
        if "class" not in written:
            yield Problem(path, f"a table for {_a(kind)} needs the key 'class'{_meant(written)}")
            return
        name, path = written["class"], (*path, "class")
        kind = "layer" if kind == "activation" else kind
    else:
        name = written
    if not isinstance(name, str):
        yield Problem(path, f"expected the Keras name of {_a(kind)}, or a table, got {shown(name)}")
    elif name in CODE_LAYERS:
        yield Problem(path, f"{name} carries code; a file may not. Write the recipe in Python")
    elif find(kind, name) is None:
        yield Problem(path, f"unknown {kind} {name!r}{did_you_mean(name, names(kind))}")


def _meant(written: dict[str, Any]) -> str:
    """The hint for a table in which ``class`` itself is misspelt."""
    likely = [key for key in written if did_you_mean(key, ["class"])]
    return f", got {likely[0]!r}" if likely else ""


def _a(kind: Kind) -> str:
    return f"an {kind}" if kind[0] in "aio" else f"a {kind}"


def _argument_problems(kind: Kind, written: Any, path: Path) -> Iterator[Problem]:
    kind, name, given = _read(kind, written)
    cls: Any = find(kind, name)
    if not isinstance(cls, type):  # an activation, which is a function and takes no arguments
        return
    known = arguments(cls)
    meant = set()
    for key, value in given.items():
        if key in known:
            yield from _value_problems(key, value, (*path, key))
        else:
            hint = did_you_mean(key, known)
            meant |= {word for word in known if repr(word) in hint}
            yield Problem((*path, key), f"unknown argument {key!r} of {name}{hint}")
    for key, required in known.items():
        if required and key not in meant.union(given):
            yield Problem(path, f"{name} needs the argument {key!r}")


def _value_problems(key: str, value: Any, path: Path) -> Iterator[Problem]:
    kind = argument_kind(key)
    if key == "units" and isinstance(value, str) and value != CLASSES:
        yield Problem(path, f"expected a whole number above 0, or {CLASSES!r}, got {value!r}")
    elif kind is None:
        return
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _value_problems(key, item, (*path, index))
    elif _is_object(kind, value):
        yield from problems_of(kind, value, path)


def _keras_problems(kind: Kind, written: Any, path: Path) -> Iterator[Problem]:
    try:
        make(kind, written)
    except Exception as error:  # Keras raises whatever its code trips over; its sentence is shown
        yield Problem(path, f"Keras says of {_read(kind, written)[1]}: {sentence(error)}")
