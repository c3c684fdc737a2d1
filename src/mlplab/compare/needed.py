"""What would settle it: seeds, or test examples where no number of seeds can."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlplab.compare.estimate import Components
from mlplab.compare.verdict import Claim

if TYPE_CHECKING:
    from mlplab.compare.comparison import Pair

MOST_SEEDS = 10_000
MOST_EXAMPLES = 10**9
MANY_SEEDS = 30

Ahead = tuple[tuple[int, float], ...]
"""Planned looks: the seeds of each, and how often an interval may miss at it."""


@dataclass(frozen=True)
class Needed:
    """What is expected to decide a pair, if its difference stays as it is.

    Attributes:
        seeds: seeds a recipe with the examples there are; None where no number of them can.
        examples: where ``seeds`` is None, examples that can; None where not even they.
        seeds_then: the seeds a recipe that go with ``examples``.
    """

    seeds: int | None = None
    examples: int | None = None
    seeds_then: int | None = None


def expected_half_width(pair: Pair, seeds: int, examples: int | None = None) -> float:
    """Return half the width that the interval of a pair is expected to have.

    Where several looks are planned, it is that at the last of them.

    Args:
        pair: a pair of a comparison.
        seeds: how many seeds a recipe, at least 2; the claim ``models`` does without.
        examples: how many test examples; those there are by default.

    Returns:
        In the unit of the difference: percentage points, or units of loss.

    Examples:
        >>> import numpy as np
        >>> from mlplab import compare_scores
        >>> rng = np.random.default_rng(0)
        >>> scores = {name: rng.random((5, 2000)) < p for name, p in [("a", 0.95), ("b", 0.94)]}
        >>> (pair,) = compare_scores(scores).pairs
        >>> widths = [expected_half_width(pair, seeds) for seeds in (5, 10, 30)]
        >>> widths == sorted(widths, reverse=True)
        True
    """
    return pair.components.half_width(pair.alpha_last, seeds, examples)


def needed(
    components: Components,
    alpha: float,
    difference: float,
    margin: float,
    claim: Claim,
    ahead: Ahead = (),
) -> Needed:
    """Return what decides a pair whose difference is ``difference``.

    The interval has to keep clear of zero or to lie within the margin: its half-width must be below
    ``max(|difference|, margin - |difference|)``.

    Args:
        components: where the variance comes from.
        alpha: how often the interval may miss.
        difference: the present estimate.
        margin: the difference from which on it matters.
        claim: ``models`` does without seeds, ``recipes-this-test`` without more examples.
        ahead: planned looks, seeds and ``alpha`` of each: the first that decides is meant, and
            where none does, more seeds than the last of them.
    """
    target = max(abs(difference), margin - abs(difference))

    def decides(seeds: int, examples: int) -> bool:
        return components.half_width(alpha, seeds, examples) < target

    now = components.n_examples
    if claim == "models":
        return Needed(examples=_smallest(lambda n: decides(2, n), 2, MOST_EXAMPLES))
    for seeds_then, error in ahead:
        if components.half_width(error, seeds_then, now) < target:
            return Needed(seeds_then)
    more = min(components.n_seeds) + 1  # what there is did not decide, whatever was expected of it
    seeds = _smallest(lambda s: decides(s, now), more, MOST_SEEDS)
    if seeds is not None or claim == "recipes-this-test":
        return Needed(seeds)
    then = max(MANY_SEEDS, *components.n_seeds)
    while then <= MOST_SEEDS:
        examples = _smallest(lambda n: decides(then, n), now, MOST_EXAMPLES)  # noqa: B023
        if examples is not None:
            return Needed(None, examples, then)
        then *= 2
    return Needed()


def _smallest(holds: Callable[[int], bool], first: int, last: int) -> int | None:
    """Return the smallest number for which something holds that holds for all above it too."""
    if not holds(last):
        return None
    low, high = first - 1, last
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
