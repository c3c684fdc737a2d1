"""Made-up recipes whose true accuracies are known, and scores drawn from them.

A share ``hard`` of the examples is one that recipes may get wrong; all others they get right. On a
hard example i, seed s of recipe r is right where::

    shift[r] + easiness[i] + taste[r, i] + luck[r, s] + noise[r, s, i] > 0

with normal parts of standard deviation 1, ``spread``, ``luck`` and 1. A new test set draws easiness
and taste anew, a new seed its luck. The shift sets the true accuracy: for equal recipes it is half
of the hard examples' share below 1, whatever the other parts are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class World:
    """Recipes, and the examples they are tested on.

    Attributes:
        seeds: how many seeds each recipe has.
        luck: how much seeds differ, for each recipe.
        spread: how much recipes differ in which examples they find hard.
        hard: the share of hard examples.
        n_examples: how many test examples.
        gap: true accuracy of the first recipe minus that of the others, in percentage points.
        losses: whether the scores are losses, lognormal on the hard examples, instead of answers.
    """

    seeds: tuple[int, ...]
    luck: tuple[float, ...]
    spread: float
    hard: float = 0.03
    n_examples: int = 10_000
    gap: float = 0.0
    losses: bool = False

    def draw(self, rng: np.random.Generator) -> dict[str, Array]:
        """Return the scores of one experiment: by recipe, seeds x examples."""
        n_hard = max(int(rng.binomial(self.n_examples, self.hard)), 1)
        easiness = normal(rng, n_hard)
        names = [chr(ord("a") + i) for i in range(len(self.seeds))]
        return {name: self._recipe(rng, i, easiness) for i, name in enumerate(names)}

    def _recipe(self, rng: np.random.Generator, index: int, easiness: Array) -> Array:
        shape = (self.seeds[index], len(easiness))
        example = easiness + np.float32(self.spread) * normal(rng, shape[1])
        luck = np.float32(self.luck[index]) * normal(rng, (shape[0], 1))
        latent = normal(rng, shape) + luck + (example + np.float32(self._shift(index)))
        if self.losses:
            scores = np.full((shape[0], self.n_examples), 0.01)
            scores[:, : shape[1]] = np.exp(latent)
            return scores
        answers = np.ones((shape[0], self.n_examples), dtype=bool)
        answers[:, : shape[1]] = latent > 0
        return answers

    def _shift(self, index: int) -> float:
        if index or not self.gap:
            return 0.0
        sd = math.sqrt(2.0 + self.spread**2 + self.luck[index] ** 2)
        return sd * float(special.ndtri(0.5 + self.gap / 100 / self.hard))


def normal(rng: np.random.Generator, shape: int | tuple[int, int]) -> Array:
    """Return standard normal numbers, float32."""
    return rng.standard_normal(shape, dtype=np.float32)
