"""The notebook's four networks as numbers, for the peers that build them by hand."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

BATCH_SIZE = 156
N_INPUTS, N_CLASSES = 784, 10
N_TRAIN = 60_000


@dataclass(frozen=True)
class Network:
    """A network of the notebook.

    Attributes:
        name: its name, as in ``mlplab.notebook_recipes``.
        units: the units of each hidden layer.
        deviations: the standard deviation of each hidden layer's first weights.
        regularized: whether batch normalization and dropout of half follow each hidden layer.
        floor: the test accuracy that three epochs reach at least; below it nothing was learned.
    """

    name: str
    units: tuple[int, ...]
    deviations: tuple[float, ...]
    regularized: bool
    floor: float

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """(fan_in, fan_out) of each dense layer."""
        return list(pairwise((N_INPUTS, *self.units, N_CLASSES)))

    @property
    def operations(self) -> int:
        """Operations an epoch if every input were treated as dense.

        A weight costs each sample 2 operations in the forward product, 2 in the weight gradient
        and 2 in the input gradient, which the first layer does not need.
        """
        weights = [fan_in * fan_out for fan_in, fan_out in self.shapes]
        return N_TRAIN * (6 * sum(weights) - 2 * weights[0])


# fmt: off
NETWORKS = {
    network.name: network
    for network in (
        Network("softmax", (), (), regularized=False, floor=0.80),
        Network("relu-2", (556, 156), (0.059, 0.113), regularized=False, floor=0.96),
        Network("bn-dropout-3", (580, 325, 125), (0.058, 0.078, 0.126),
                regularized=True, floor=0.95),
        Network("bn-dropout-5", (658, 525, 410, 350, 150), (0.055, 0.061, 0.069, 0.075, 0.115),
                regularized=True, floor=0.94),
    )
}
# fmt: on
