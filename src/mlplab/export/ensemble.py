"""What is exported: one network, or several whose probabilities are averaged, and what they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mlplab.export.network import Array, Network


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Networks of one recipe; a single one is an ensemble of one.

    Attributes:
        networks: at least one, all of one input shape and number of classes.
        class_names: the names of the classes, in the order of the outputs.
        facts: what is known of them, as JSON can hold it: the recipe, the seeds, the dataset's
            name and fingerprint, scores, the parity check. It goes into every file.

    Examples:
        >>> from mlplab.export.network import Activation
        >>> pair = Ensemble((Network((2,), ()), Network((2,), (Activation("relu"),))), ("a", "b"))
        >>> pair.probabilities(np.array([[-1, 1]]))
        array([[-0.5,  1. ]], dtype=float32)
    """

    networks: tuple[Network, ...]
    class_names: tuple[str, ...]
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one example, (28, 28) for a picture of MNIST."""
        return self.networks[0].input_shape

    def probabilities(self, x: npt.ArrayLike, batch_size: int = 1024) -> Array:
        """Return the mean of the networks' outputs, (n, *input_shape) -> (n, n_classes)."""
        each = [network.probabilities(x, batch_size) for network in self.networks]
        mean: Array = np.mean(each, axis=0, dtype=np.float32)
        return mean
