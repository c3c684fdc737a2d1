"""Ensembles in ``.npz`` files: arrays and one JSON text, no pickles, read with NumPy alone.

The array ``config`` is a JSON text: ``format``, ``input_shape``, ``class_names``, ``facts``, and
``networks``: for each network its steps, as ``{"kind": "dense", "arrays": {"kernel": "0.1.kernel",
...}}``, numbers beside the kind, the names of arrays of the file under ``arrays``.
"""

from __future__ import annotations

import json
import math
from dataclasses import fields
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from mlplab.data.files import DAMAGED
from mlplab.errors import ModelError
from mlplab.export.ensemble import Ensemble
from mlplab.export.network import (
    ACTIVATIONS,
    Activation,
    AnyArray,
    Array,
    Dense,
    LayerNorm,
    Network,
    Scale,
    Step,
)

FORMAT = 1
"""Rises when a file of an older mlplab's can no longer be read as it is, or the reverse."""

READER = "npz_reader.py"
"""The name of the module that reads these files and needs NumPy alone."""

_KINDS: dict[str, type[Step]] = {"scale": Scale, "dense": Dense, "layer_norm": LayerNorm}


def reader_source() -> bytes:
    """Return the module that reads these files with NumPy alone, to be copied beside one."""
    return files("mlplab.export").joinpath(READER).read_bytes()


def write(ensemble: Ensemble, path: str | PathLike[str]) -> None:
    """Write an ensemble into an ``.npz`` file.

    Examples:
        >>> layer = Dense(np.eye(2, dtype=np.float32), np.zeros(2, np.float32))
        >>> write(Ensemble((Network((2,), (layer,)),), ("a", "b")), "eye.npz")
        >>> read("eye.npz").probabilities([[1, 2]])
        array([[1., 2.]], dtype=float32)
    """
    arrays: dict[str, AnyArray] = {}
    config = {
        "format": FORMAT,
        "input_shape": list(ensemble.input_shape),
        "class_names": list(ensemble.class_names),
        "networks": [
            [_described(step, f"{i}.{j}", arrays) for j, step in enumerate(network.steps)]
            for i, network in enumerate(ensemble.networks)
        ],
        "facts": ensemble.facts,
    }
    with Path(path).open("wb") as stream:
        np.savez(stream, config=np.array(json.dumps(config)), **arrays)  # type: ignore[arg-type]


def _described(step: Step, place: str, arrays: dict[str, AnyArray]) -> dict[str, Any]:
    """Return a step as plain data, and put its arrays among the file's."""
    if isinstance(step, Activation):
        return {"kind": step.function, "alpha": step.alpha}
    kind = next(name for name, class_ in _KINDS.items() if isinstance(step, class_))
    described: dict[str, Any] = {"kind": kind, "arrays": {}}
    for field in fields(step):
        value = getattr(step, field.name)
        if isinstance(value, np.ndarray):
            described["arrays"][field.name] = f"{place}.{field.name}"
            arrays[f"{place}.{field.name}"] = value
        else:
            described[field.name] = value
    return described


def read(path: str | PathLike[str]) -> Ensemble:
    """Read an ensemble from an ``.npz`` file; neither Keras nor JAX is imported.

    Raises:
        ModelError: there is no such file, or it is not one that ``write`` wrote.
    """
    path = Path(path)
    expected = f"{path}: expected a network exported by mlplab as .npz"
    if not path.is_file():
        raise ModelError(f"{expected}, got {'a folder' if path.is_dir() else 'no such file'}")
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (*DAMAGED, TypeError) as error:
        raise ModelError(f"{expected}, got a file that is none, or a damaged one") from error
    if "config" not in arrays:
        raise ModelError(f"{expected}, got an archive of {', '.join(sorted(arrays)) or 'nothing'}")
    try:
        return _ensemble(json.loads(str(arrays["config"])), arrays)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{expected}, got one that does not hold together: {error}") from error


def _ensemble(config: dict[str, Any], arrays: dict[str, AnyArray]) -> Ensemble:
    if config["format"] != FORMAT:
        raise ValueError(f"its format is {config['format']}, this mlplab reads {FORMAT}")
    shape = tuple(int(size) for size in config["input_shape"])
    names = tuple(str(name) for name in config["class_names"])
    networks = tuple(
        Network(shape, tuple(_step(step, arrays) for step in steps)) for steps in config["networks"]
    )
    if not networks:
        raise ValueError("it holds no network")
    for network in networks:
        _check_widths(network, len(names))
    return Ensemble(networks, names, dict(config["facts"]))


def _step(described: dict[str, Any], arrays: dict[str, AnyArray]) -> Step:
    kind = described["kind"]
    if kind in ACTIVATIONS:
        return Activation(kind, float(described["alpha"]))
    if kind not in _KINDS:
        raise ValueError(f"it has a step of an unknown kind, {kind!r}")
    class_ = _KINDS[kind]
    values: dict[str, Any] = {
        name: _finite(arrays[key], name) for name, key in described["arrays"].items()
    }
    if class_ is LayerNorm:
        values["epsilon"] = float(described["epsilon"])
    return class_(**values)


def _finite(array: AnyArray, name: str) -> Array:
    if array.dtype != np.float32 or not np.isfinite(array).all():
        raise ValueError(f"expected finite float32 numbers in {name}")
    return array


def _check_widths(network: Network, n_classes: int) -> None:
    """Raise ValueError unless each step takes what the one before it gives."""
    width = math.prod(network.input_shape)
    for step in network.steps:
        if isinstance(step, Dense):
            if step.kernel.ndim != 2 or step.kernel.shape[0] != width:
                raise ValueError(f"expected a kernel for {width} inputs, got {step.kernel.shape}")
            width = step.kernel.shape[1]
            vectors = {"bias": step.bias}
        elif isinstance(step, Activation):
            continue
        else:
            vectors = {"scale": step.scale, "shift": step.shift}
        for name, vector in vectors.items():
            if vector.shape not in ((width,), (1,)):
                raise ValueError(f"expected a {name} of shape ({width},), got {vector.shape}")
    if width != n_classes:
        raise ValueError(f"expected an output for each of {n_classes} classes, got {width}")
