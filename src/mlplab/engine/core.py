"""The door to the compiled core: whether it is there, and which instruction set it uses."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from mlplab.compiled import chosen_isa, load, wanted_isa

__all__ = [
    "Features",
    "Network",
    "chosen_isa",
    "load",
    "make_network",
    "usable_cores",
    "wanted_isa",
]

Array = npt.NDArray[Any]
Features = Array | tuple[Array, Array, Array]

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


class Network(Protocol):
    """What the engine asks of a network; the compiled core's ``Network`` is the one that ships.

    It is made as ``Network(n_inputs, layers, loss, optimizer, max_batch, threads, isa)``. Features
    are (n, n_inputs), uint8, float32 or float64, or the three arrays of a CSR matrix. Weights and
    slots are float32, in Keras's shapes and order.
    """

    def set_weights(self, weights: list[Array]) -> None: ...  # noqa: D102
    def get_weights(self) -> list[Array]: ...  # noqa: D102
    def set_slots(self, slots: list[list[Array]]) -> None: ...  # noqa: D102
    def get_slots(self) -> list[list[Array]]: ...  # noqa: D102
    def slot_names(self) -> list[str]: ...  # noqa: D102

    def train_epoch(  # noqa: D102
        self,
        x: Features,
        y: Array,
        order: npt.NDArray[np.int64],
        batch_size: int,
        learning_rates: npt.NDArray[np.float32],
        first_step: int,
        sample_weight: Array | None = None,
    ) -> dict[str, Any]: ...

    def evaluate(  # noqa: D102
        self, x: Features, y: Array, batch_size: int, sample_weight: Array | None = None
    ) -> dict[str, Any]: ...

    def predict(self, x: Features, batch_size: int) -> Array: ...  # noqa: D102


def make_network(
    n_inputs: int,
    layers: list[dict[str, Any]],
    loss: dict[str, Any],
    optimizer: dict[str, Any],
    max_batch: int,
    threads: int,
) -> Network:
    """Return a network of the compiled core, for the instruction set that ``MLPLAB_ISA`` names."""
    core = load()
    network: Network = core.Network(
        n_inputs, layers, loss, optimizer, max_batch, threads, chosen_isa(core)
    )
    return network


def usable_cores() -> int:
    """Return the number of processor cores this process may use.

    A container's share of processor time counts too: threads beyond it would wait for each other.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(allowed or 1, _cores_of_quota(_QUOTA)))


def _cores_of_quota(path: Path) -> int:
    """Return the cores that a control group's limit on processor time amounts to, rounded up.

    Args:
        path: the file ``cpu.max`` of Linux's control groups, version 2: microseconds a period, or
            ``max``, and the period. Where it is not there, nothing limits.

    Examples:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "cpu.max"
        >>> path.write_text("150000 100000"), _cores_of_quota(path)
        (13, 2)
    """
    try:
        quota, period = path.read_text().split()
        return math.ceil(int(quota) / int(period))
    except (OSError, ValueError):  # no such file, or no limit: "max"
        return sys.maxsize
