"""The Keras backend: JAX where nothing has chosen one, and never against a choice."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = "import os, mlplab; print(os.environ.get('KERAS_BACKEND'))"
AFTER_KERAS = f"import sys, types; sys.modules['keras'] = types.ModuleType('keras'); {PROGRAM}"


@pytest.mark.parametrize(
    ("chosen", "program", "expected"),
    [
        (None, PROGRAM, "jax"),
        ("torch", PROGRAM, "torch"),
        (None, AFTER_KERAS, "None"),
    ],
)
def test_a_choice_stands(chosen: str | None, program: str, expected: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    if chosen is not None:
        environment["KERAS_BACKEND"] = chosen
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert result.stdout == f"{expected}\n"
