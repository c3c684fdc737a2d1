"""Parity: an exported file, read back and run over the test set, beside what Keras computes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mlplab.errors import ParityError

Array = npt.NDArray[np.float32]

TOLERANCE = 1e-4
"""The largest difference of a probability that arithmetic in another order may make."""


@dataclass(frozen=True)
class Parity:
    """How the answers of a file differ from those of the models it was made from.

    Attributes:
        reader: what read the file, with its version.
        reference: what it is compared with.
        n_examples: how many test examples both read.
        largest_difference: of two probabilities, over all examples and classes.
        labels_that_differ: examples whose likeliest class is another.
        accuracy: the share of the test set that the file reads right.
    """

    reader: str
    reference: str
    n_examples: int
    largest_difference: float
    labels_that_differ: int
    accuracy: float

    @property
    def holds(self) -> bool:
        """Whether the file computes what the models compute."""
        return self.labels_that_differ == 0 and self.largest_difference <= TOLERANCE

    def as_facts(self) -> dict[str, Any]:
        """Return it as plain data, as files keep it."""
        return asdict(self)

    def sentence(self) -> str:
        """Return what to print of it."""
        differ = self.labels_that_differ or "none"
        return (
            f"run by {self.reader} over {self.n_examples:,} test examples and compared with "
            f"{self.reference}: largest difference of probabilities "
            f"{self.largest_difference:.1e}, labels that differ: {differ}"
        )


def compare(
    got: Array, expected: Array, labels: npt.NDArray[Any], reader: str, reference: str
) -> Parity:
    """Compare probabilities of shape (n_examples, n_classes).

    Examples:
        >>> ours, keras_s = np.float32([[0.75, 0.25]]), np.float32([[0.5, 0.5]])
        >>> compare(ours, keras_s, np.array([0]), "NumPy", "Keras").largest_difference
        0.25
    """
    if got.shape != expected.shape:
        raise ParityError(
            f"expected probabilities of shape {expected.shape}, {reader} gives {got.shape}"
        )
    difference = np.abs(got.astype(np.float64) - expected)
    answers = got.argmax(axis=1)
    return Parity(
        reader=reader,
        reference=reference,
        n_examples=len(got),
        largest_difference=float(difference.max()),  # NaN where there is one
        labels_that_differ=int((answers != expected.argmax(axis=1)).sum()),
        accuracy=float((answers == labels).mean()),
    )


def check(parity: Parity, path: Path) -> None:
    """Raise ParityError, in words for whoever exports to a path, unless parity holds."""
    if not parity.holds:
        raise ParityError(
            f"{path}: expected a file that computes what {parity.reference} computes, to "
            f"{TOLERANCE:g} and with no label that differs; got one that, {parity.sentence()}; "
            "nothing is written"
        )
