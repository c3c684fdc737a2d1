"""Reading a written page back: its data and its code, and its networks as arrays."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from mlplab.errors import ModelError
from mlplab.export.ensemble import Ensemble
from mlplab.export.network import Activation, Array, Dense, LayerNorm, Network, Scale, Step

_DATA = re.compile(r'<script id="model" type="application/json">(.*?)</script>', re.DOTALL)
_CODE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def page_parts(path: str | Path) -> tuple[str, str]:
    """Return a page's data, as JSON, and its code that reads pictures.

    Raises:
        ModelError: the file is no page that mlplab wrote.
    """
    text = Path(path).read_text(encoding="utf-8", errors="replace")
    data, code = _DATA.search(text), _CODE.search(text)
    if not data or not code:
        raise ModelError(f"{path}: expected a page written by mlplab, got another file")
    return data[1], code[1]


def read(path: str | Path) -> Ensemble:
    """Return the networks of a page, their weights rounded as it holds them.

    Raises:
        ModelError: the file is no page that mlplab wrote.
    """
    data: dict[str, Any] = json.loads(page_parts(path)[0])
    shape, kind = (data["height"], data["width"]), np.dtype(data["weights"]).newbyteorder("<")
    networks = tuple(
        Network(shape, tuple(_step(step, kind) for step in network["steps"]))
        for network in data["networks"]
    )
    return Ensemble(networks, tuple(data["classes"]), data["facts"])


def _step(step: dict[str, Any], kind: np.dtype[Any]) -> Step:
    if step["kind"] == "activation":
        return Activation(step["function"], step["alpha"])
    if step["kind"] == "dense":
        values = _numbers(step["kernel"], kind).reshape(-1, step["units"])
        return Dense(values * _numbers(step["column"]), _numbers(step["bias"]))
    scale, shift = _numbers(step["scale"]), _numbers(step["shift"])
    if step["kind"] == "layer_norm":
        return LayerNorm(scale, shift, step["epsilon"])
    return Scale(scale, shift)


def _numbers(text: str, kind: np.dtype[Any] | str = "<f4") -> Array:
    """Return what ``page_material`` wrote as base64."""
    return np.frombuffer(base64.b64decode(text), kind).astype(np.float32)
