"""Letters for recipes: those that share one have not been told apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import count, islice


def letters(names: Iterable[str], apart: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the compact letter display of recipes.

    Two recipes share a letter if and only if they were not told apart. Insert and absorb: begin
    with one group of all; for each pair told apart, split every group that holds both into two,
    each without one of them, and drop groups that lie within others.

    Args:
        names: the recipes, best first; letters are given in this order.
        apart: the pairs of which one is better.

    Reference:
        H.-P. Piepho (2004), An algorithm for a letter-based representation of all-pairwise
        comparisons.

    Examples:
        >>> letters(["x", "y", "z"], [("x", "z")])
        {'x': 'a', 'y': 'ab', 'z': 'b'}
    """
    order = list(names)
    groups = {frozenset(order)}
    for one, other in apart:
        split = {group for group in groups if one in group and other in group}
        parts = {group - {name} for group in split for name in (one, other)}
        groups = _maximal((groups - split) | parts)
    ranked = sorted(groups, key=lambda group: [name not in group for name in order])
    named = dict(zip(ranked, islice(_labels(), len(ranked)), strict=True))
    return {name: "".join(named[group] for group in ranked if name in group) for name in order}


def ordered(means: Mapping[str, float], *, rising: bool) -> list[str]:
    """Return the recipes, best first."""
    return sorted(means, key=lambda name: means[name] if rising else -means[name])


def _maximal(groups: set[frozenset[str]]) -> set[frozenset[str]]:
    return {group for group in groups if not any(group < other for other in groups)}


def _labels() -> Iterator[str]:
    """Yield a, b, ..., z, then a1, b1, ..."""
    for round_ in count():
        for letter in "abcdefghijklmnopqrstuvwxyz":
            yield letter if round_ == 0 else f"{letter}{round_}"
