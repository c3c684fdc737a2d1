"""Weights in fewer bits: what a page holds, and the network that it then is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mlplab.errors import ParityError, UsageError, did_you_mean
from mlplab.export.ensemble import Ensemble
from mlplab.export.network import Array, Dense, Network

_LEVELS = 127  # of int8 on either side of zero


@dataclass(frozen=True, eq=False)
class Packed:
    """A kernel in fewer bits: ``kernel = values * scale``.

    Attributes:
        values: float16 or int8, shape (n_inputs, n_units).
        scale: float32, shape (n_units,) for int8: one number a column; shape (1,), a one,
            for float16.
    """

    values: npt.NDArray[Any]
    scale: Array

    def unpacked(self) -> Array:
        """Return the kernel as float32, rounded as ``values`` hold it."""
        return self.values.astype(np.float32) * self.scale


def _float16(kernel: Array) -> Packed:
    largest = float(np.finfo(np.float16).max)
    return Packed(kernel.clip(-largest, largest).astype(np.float16), np.ones(1, np.float32))


def _int8(kernel: Array) -> Packed:
    """Round each column to 255 levels from ``-max|w|`` to ``max|w|``."""
    peak = np.abs(kernel).max(axis=0)
    scale = np.where(peak > 0, peak / _LEVELS, 1).astype(np.float32)
    return Packed(np.rint(kernel / scale).clip(-_LEVELS, _LEVELS).astype(np.int8), scale)


KINDS: dict[str, Callable[[Array], Packed]] = {"int8": _int8, "float16": _float16}
"""How kernels can be packed, by the name of the type; that of the fewest bits first."""

LARGEST_LOSS = 0.002
"""The share of the test set that rounding may lose before weights are kept in more bits."""


def pack(kernel: Array, kind: str) -> Packed:
    """Return a kernel in fewer bits.

    Args:
        kernel: float32, shape (n_inputs, n_units).
        kind: ``"float16"`` or ``"int8"``.

    Raises:
        UsageError: there is no such kind.

    Examples:
        >>> packed = pack(np.array([[0.5, -2], [0.25, 1]], np.float32), "int8")
        >>> packed.values
        array([[ 127, -127],
               [  64,   64]], dtype=int8)
        >>> packed.unpacked().round(3)
        array([[ 0.5  , -2.   ],
               [ 0.252,  1.008]], dtype=float32)
    """
    if kind not in KINDS:
        raise UsageError(
            f"expected weights as {' or '.join(KINDS)}, got {kind!r}{did_you_mean(kind, KINDS)}"
        )
    return KINDS[kind](kernel)


def quantize(ensemble: Ensemble, kind: str) -> Ensemble:
    """Return the ensemble as it is once its kernels were packed: the one that a page computes.

    Biases, scales and shifts, which are few, stay float32.

    Args:
        ensemble: any.
        kind: ``"float16"`` or ``"int8"``.

    Raises:
        UsageError: there is no such kind.

    Examples:
        >>> kernel = np.array([[0.5, -2], [0.25, 1]], np.float32)
        >>> network = Network((2,), (Dense(kernel, np.zeros(2, np.float32)),))
        >>> rounded = quantize(Ensemble((network,), ("a", "b")), "int8")
        >>> rounded.probabilities([[0, 1]])
        array([[0.2519685, 1.007874 ]], dtype=float32)
    """
    return replace(
        ensemble, networks=tuple(_rounded(network, kind) for network in ensemble.networks)
    )


def _rounded(network: Network, kind: str) -> Network:
    return Network(
        network.input_shape,
        tuple(
            Dense(pack(step.kernel, kind).unpacked(), step.bias)
            if isinstance(step, Dense)
            else step
            for step in network.steps
        ),
    )


@dataclass(frozen=True)
class RoundingCost:
    """What packing the weights costs, over the whole test set.

    Attributes:
        kind: ``"float16"`` or ``"int8"``.
        n_examples: test examples.
        accuracy: share read right with the weights as trained.
        accuracy_rounded: share read right with the weights packed.
        labels_changed: test examples whose answer is another one.
        largest_difference: the largest difference of two probabilities.
    """

    kind: str
    n_examples: int
    accuracy: float
    accuracy_rounded: float
    labels_changed: int
    largest_difference: float

    @property
    def holds(self) -> bool:
        """Whether it loses 0.2 points of accuracy at most, or one answer of a small test set."""
        lost = round((self.accuracy - self.accuracy_rounded) * self.n_examples)
        return lost <= max(1, LARGEST_LOSS * self.n_examples)

    def sentence(self) -> str:
        """Return the cost in words.

        Examples:
            >>> cost = RoundingCost("int8", 10_000, 0.9841, 0.984, 3, 0.0123)
            >>> for part in cost.sentence().split(", "):
            ...     print(part)
            weights as int8: 98.40 % instead of 98.41 % of 10,000 test examples read right
            3 answers changed
            probabilities at most 0.012 away
        """
        answers = "1 answer" if self.labels_changed == 1 else f"{self.labels_changed} answers"
        return (
            f"weights as {self.kind}: {100 * self.accuracy_rounded:.2f} % instead of "
            f"{100 * self.accuracy:.2f} % of {self.n_examples:,} test examples read right, "
            f"{answers} changed, probabilities at most {self.largest_difference:.2g} away"
        )


def rounding_cost(
    ensemble: Ensemble, kind: str, x: npt.NDArray[Any], labels: npt.NDArray[Any]
) -> tuple[RoundingCost, Array]:
    """Return what packing the weights costs, and the probabilities with packed weights.

    Args:
        ensemble: with its weights as trained.
        kind: ``"float16"`` or ``"int8"``.
        x: examples, shape (n, *input_shape).
        labels: shape (n,).

    Raises:
        UsageError: there is no such kind.
    """
    rounded = quantize(ensemble, kind).probabilities(x)
    exact = ensemble.probabilities(x)
    before, after = exact.argmax(axis=1), rounded.argmax(axis=1)
    cost = RoundingCost(
        kind=kind,
        n_examples=len(labels),
        accuracy=float(np.mean(before == labels)),
        accuracy_rounded=float(np.mean(after == labels)),
        labels_changed=int(np.count_nonzero(before != after)),
        largest_difference=float(np.abs(exact - rounded).max()),
    )
    return cost, rounded


def fewest_bits(
    ensemble: Ensemble, x: npt.NDArray[Any], labels: npt.NDArray[Any]
) -> tuple[RoundingCost, list[RoundingCost]]:
    """Return the cost of the fewest bits whose cost holds, and those of fewer, which does not.

    int8 is taken unless it loses more than 0.2 points of accuracy; then float16 is.

    Args:
        ensemble: with its weights as trained.
        x: examples, shape (n, *input_shape).
        labels: shape (n,).

    Raises:
        ParityError: no kind holds.

    Examples:
        >>> kernel = np.array([[1, 1.001], [0, 100]], np.float32)  # the first row needs its digits
        >>> network = Network((2,), (Dense(kernel, np.zeros(2, np.float32)),))
        >>> x, labels = np.tile([[1, 0]], (1000, 1)), np.ones(1000)
        >>> taken, refused = fewest_bits(Ensemble((network,), ("a", "b")), x, labels)
        >>> taken.kind, [cost.kind for cost in refused]
        ('float16', ['int8'])
    """
    refused: list[RoundingCost] = []
    for kind in KINDS:
        cost, _ = rounding_cost(ensemble, kind, x, labels)
        if cost.holds:
            return cost, refused
        refused.append(cost)
    raise ParityError(
        f"expected weights that lose {100 * LARGEST_LOSS:g} points of accuracy at most when they "
        f"are rounded, got {'; '.join(cost.sentence() for cost in refused)}; export to onnx, "
        "which rounds nothing"
    )


def refusal(cost: RoundingCost) -> str:
    """Return why a kind of weights was not taken.

    Examples:
        >>> print(refusal(RoundingCost("int8", 10_000, 0.9841, 0.96, 300, 0.4)))
        int8 would read 96.00 % instead of 98.41 %, which loses more than 0.2 points, so float16 \
is taken
    """
    return (
        f"{cost.kind} would read {100 * cost.accuracy_rounded:.2f} % instead of "
        f"{100 * cost.accuracy:.2f} %, which loses more than {100 * LARGEST_LOSS:g} points, so "
        "float16 is taken"
    )
