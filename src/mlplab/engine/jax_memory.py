"""How many copies of a model fit the memory at once.

For S copies, with b(A) the bytes of the arrays A of one copy,

    bytes(S) = b(data) + S (b(own) + 3 b(state) + b(batch) + 2 b(order))

``data`` are the examples on the device, once for all copies; ``own`` is what each copy has for
itself: its examples under augmentation, and its answers to a test set. ``state`` is what training
changes: as it is given, as it is carried from step to step, and as it is fetched at the end.
``batch`` is every result of one step of training, as if none of them were freed or fused: more than
a compiler keeps. ``order`` is an epoch's, and the next one's.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import jax
import numpy as np

from mlplab.engine.jax_program import Data, Program, State

SHARE = 0.7  # of the memory that is free; the rest is for what XLA needs to work
MOST_ON_CPU = 4  # copies; more of them save no time on a processor, and all end at once
_UNKNOWN = 2**31  # bytes, where a system does not tell


def free_bytes() -> int:
    """Return the bytes that the device has free; half of the machine's where it is the CPU.

    Of the machine's, what the system holds of files counts as free: it gives that back.
    """
    device = jax.devices()[0]
    if device.platform != "cpu":
        stats = device.memory_stats() or {}
        return int(stats.get("bytes_limit", _UNKNOWN) - stats.get("bytes_in_use", 0))
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:  # macOS has no such file
        return _UNKNOWN
    named = dict(line.split(":") for line in lines)
    return int(named["MemAvailable"].split()[0]) * 1024 // 2


def most_copies(
    program: Program,
    state: State,
    data: Data,
    n_rows: int,
    limit: int | None = None,
    own_bytes: int = 0,
) -> int:
    """Return how many copies of a model fit, at least 1.

    Args:
        program: of the model.
        state: of one copy.
        data: what all copies share.
        n_rows: examples an epoch.
        limit: bytes to stay within; where it is None, a share of what is free.
        own_bytes: of what each copy has for itself.

    Returns:
        The largest S of the formula above.
    """
    within = int(SHARE * free_bytes()) if limit is None else limit - n_bytes(data)
    own = own_bytes + 3 * n_bytes(state) + step_bytes(program, state, data, n_rows) + 2 * 4 * n_rows
    most = max(1, within // own)
    return min(most, MOST_ON_CPU) if jax.default_backend() == "cpu" else most


def n_bytes(arrays: Any) -> int:
    """Return the bytes of all arrays in a nest of them."""
    return sum(math.prod(a.shape) * int(a.dtype.itemsize) for a in jax.tree.leaves(arrays))


def step_bytes(program: Program, state: State, data: Data, n_rows: int) -> int:
    """Return the bytes of every result in a step of training one copy."""
    rows = np.zeros(min(program.batch_size, n_rows), np.int32)
    return _bytes_of_results(program.traced(state, data, rows).jaxpr)


def _bytes_of_results(jaxpr: Any) -> int:
    """Add up what all equations give; one that holds others counts as these."""
    total = 0
    for equation in jaxpr.eqns:
        inner = [
            getattr(value, "jaxpr", value)
            for value in equation.params.values()
            if hasattr(value, "eqns") or hasattr(getattr(value, "jaxpr", None), "eqns")
        ]
        if inner:
            total += sum(_bytes_of_results(part) for part in inner)
        else:
            total += n_bytes([variable.aval for variable in equation.outvars])
    return total
