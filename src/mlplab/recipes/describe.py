"""What a model is, as plain data: the same data for the same model, whatever was built before.

Keras numbers the layers of a process (``dense``, ``dense_1``, ...), so the same code gives another
name each time. Here names are left out, and where one layer refers to another, its position stands.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import keras

from mlplab.lazy_tensorflow import tensorflow_unread

# Keys that say where a class or a name lives, or repeat what the input shape implies.
_LEFT_OUT = frozenset(
    {"build_config", "build_input_shape", "compile_config", "module", "shared_object_id"}
)


def describe_model(model: keras.Model) -> dict[str, Any]:
    """Describe a Sequential or functional model by its layers and their settings.

    Examples:
        >>> one, two = (
        ...     describe_model(keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]))
        ...     for _ in range(2)
        ... )
        >>> one == two
        True
    """
    return describe_object(model)


def describe_object(thing: Any) -> dict[str, Any]:
    """Describe any Keras object that has a config: its class and its settings."""
    with tensorflow_unread():
        described: dict[str, Any] = _plain(keras.saving.serialize_keras_object(thing), {})
    return described


def fingerprint_of(description: dict[str, Any]) -> str:
    """Return the SHA-256 of a description, as 64 hexadecimal digits."""
    text = json.dumps(description, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any, positions: dict[str, int]) -> Any:
    """Copy a config without its names; ``positions`` has the layers of the model around it."""
    if isinstance(value, list | tuple):
        return [_plain(item, positions) for item in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("config"), dict):
        return _object(value, positions)
    return {
        str(key): _references(item, positions)
        if key == "keras_history"
        else _plain(item, positions)
        for key, item in value.items()
        if key not in _LEFT_OUT
    }


def _object(value: dict[str, Any], positions: dict[str, int]) -> Any:
    """A Keras object ``{"class_name": ..., "config": {...}}``, which may be a model itself."""
    config: dict[str, Any] = value["config"]
    if value["class_name"].endswith("DTypePolicy"):
        return config["name"]  # of all names in a config, the one that matters: "float32"
    around = {key: item for key, item in value.items() if key not in ("config", "name")}
    return _plain(around, positions) | {"config": _config(config, positions)}


def _config(config: dict[str, Any], positions: dict[str, int]) -> dict[str, Any]:
    config = {key: item for key, item in config.items() if key != "name"}
    if "input_layers" not in config:
        return dict(_plain(config, positions))
    own = {layer["name"]: position for position, layer in enumerate(config["layers"])}
    ends = ("input_layers", "output_layers")
    layers = {key: item for key, item in config.items() if key not in ends}
    own_layers: dict[str, Any] = _plain(layers, own)
    return own_layers | {key: _references(config[key], own) for key in ends}


def _references(value: Any, positions: dict[str, int]) -> Any:
    """``["dense_7", 0, 0]``, or any nesting of such, with the layer's position for its name."""
    if isinstance(value, dict):
        return {key: _references(item, positions) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_references(item, positions) for item in value]
    return positions.get(value, value) if isinstance(value, str) else value
