"""Two trained models on new examples: one run each, paired by example."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from scipy import special, stats

from mlplab.compare.estimate import Components, Estimate, Split
from mlplab.compare.moments import Moments


@dataclass(frozen=True)
class Discordant:
    """Two models' answers to the same examples; they differ in so many.

    Attributes:
        only_a: examples that a got right and b wrong.
        only_b: the reverse.
        n_examples: all examples.
        scale: what a share is multiplied by; 100 for percentage points.
    """

    only_a: int
    only_b: int
    n_examples: int
    scale: float = 1.0

    @property
    def difference(self) -> float:
        """Accuracy of a minus accuracy of b, times the scale."""
        return self.scale * (self.only_a - self.only_b) / self.n_examples

    @property
    def components(self) -> Components:
        """The variance between examples; seeds have no part in it."""
        n, share = self.n_examples, (self.only_a - self.only_b) / self.n_examples
        variance = self.scale**2 * ((self.only_a + self.only_b) / n - share**2) * n / (n - 1)
        return Components(variance, (), (), (), n, answer=self.scale)

    @property
    def split(self) -> Split:
        """All from the examples."""
        return Split(seeds=0.0, examples=self.components.examples / self.n_examples, within=0.0)

    @cached_property
    def p(self) -> float:
        """McNemar's exact p: of the discordant examples, half would favour each of two equals.

        Reference:
            Q. McNemar (1947); T. G. Dietterich (1998) on its use for classifiers.
        """
        n = self.only_a + self.only_b
        return float(stats.binomtest(self.only_a, n).pvalue) if n else 1.0

    def interval(self, alpha: float) -> tuple[float, float]:
        """Return Tango's score interval, held to what the exact test says.

        The score interval holds each difference d that the score test of it does not reject::

            |only_a - only_b - N d| <= z sqrt(N (2 q + d (1 - d)))

        with q the likeliest share of ``only_b`` if d were true. Where the exact test cannot tell
        the models apart and the score interval just can, it is extended to zero.

        Reference:
            T. Tango (1998), Equivalence test and confidence interval for the difference in
            proportions for the paired-sample design.
        """
        z = -float(special.ndtri(alpha / 2))
        d = (self.only_a - self.only_b) / self.n_examples
        low, high = self._bound(d, -1.0, z), self._bound(d, 1.0, z)
        if self.p > alpha:
            low, high = min(low, 0.0), max(high, 0.0)
        return self.scale * low, self.scale * high

    def _bound(self, inside: float, outside: float, z: float) -> float:
        """Return where the score test begins to reject, by halving."""
        for _ in range(60):
            middle = (inside + outside) / 2
            if abs(self._score(middle)) <= z:
                inside = middle
            else:
                outside = middle
        return inside

    def _score(self, d: float) -> float:
        n, b, c = self.n_examples, self.only_a, self.only_b
        # q solves 2 n q^2 + linear q + constant = 0
        linear = -b - c + (2 * n - b + c) * d
        constant = -c * d * (1 - d)
        q = (math.sqrt(max(linear**2 - 8 * n * constant, 0.0)) - linear) / (4 * n)
        variance = n * (2 * q + d * (1 - d))
        gap = b - c - n * d
        return gap / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, gap)


def answers(a: Moments, b: Moments, scale: float) -> Discordant:
    """Return how the answers of two models differ.

    Args:
        a: the answers of one model, 1 for right and 0 for wrong.
        b: those of the other.
        scale: see ``Discordant``.

    Examples:
        >>> import numpy as np
        >>> from mlplab.compare.moments import moments
        >>> found = answers(moments(np.eye(4)[:1]), moments(np.zeros((1, 4))), scale=1.0)
        >>> found.only_a, found.only_b, found.p
        (1, 0, 1.0)
    """
    d = a.example_means - b.example_means
    return Discordant(int((d > 0.5).sum()), int((d < -0.5).sum()), len(d), scale)


def losses(a: Moments, b: Moments) -> Estimate:
    """Return the difference a - b of two models' losses, paired by example.

    ``V = var_i(y_a[i] - y_b[i]) / N`` (ddof = 1), N - 1 degrees of freedom.
    """
    d = a.example_means - b.example_means
    variance, n = float(d.var(ddof=1)), len(d)
    return Estimate(
        difference=float(d.mean()),
        split=Split(seeds=0.0, examples=variance / n, within=0.0),
        seeds=(),
        examples_df=n - 1,
        components=Components(variance, (), (), (), n),
    )
