"""Verdicts from some seeds and images, held against other seeds and other images: real runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.tables import table
from mlplab import compare_scores
from mlplab.compare import Claim, Pair
from mlplab.data import Dataset, Split, carve, load

HELD_OUT = Path("build/held-out.study")
N_HELD_OUT = 10_000
DRAWS = 500
CLAIMS: tuple[Claim, ...] = ("recipes-this-test", "recipes")

Scores = Mapping[str, np.ndarray[Any, np.dtype[np.bool_]]]


@dataclass(frozen=True)
class Held:
    """A pair judged twice: on some seeds and images, and on others.

    Attributes:
        draw: which draw of seeds and images.
        made: the pair with its verdict.
        other: the same pair on the others.
    """

    draw: int
    made: Pair
    other: Pair

    @property
    def words(self) -> str:
        """The verdict, whichever recipe it names."""
        return self.made.verdict[2:] if self.made.better else self.made.verdict

    @property
    def denied(self) -> bool:
        """Whether the other estimate, taken for the truth, makes the verdict wrong."""
        if not self.made.decided:
            return False
        seen, margin = self.other.difference, self.made.margin
        turned = self.made.better is not None and seen * self.made.difference <= 0
        return turned or (self.words != "better" and abs(seen) >= margin)

    @property
    def contradicted(self) -> bool:
        """Whether the two verdicts name different recipes as the better one."""
        named = {self.made.better, self.other.better} - {None}
        return len(named) == 2

    @property
    def apart(self) -> bool:
        """Whether the two estimates lie further apart than both intervals together allow."""
        half, other = ((pair.high - pair.low) / 2 for pair in (self.made, self.other))
        return abs(self.made.difference - self.other.difference) > float(np.hypot(half, other))


def held_out() -> Dataset:
    """Return MNIST with 10,000 images of its training set held out, put before its test images."""
    mnist = load("mnist")
    stays, out = carve(mnist.train.y, N_HELD_OUT, np.random.default_rng(0))
    (x, y), test = mnist.train, mnist.test
    return Dataset(
        "mnist, 10,000 training images held out",
        Split(x[stays], y[stays]),
        Split(np.concatenate([x[out], test.x]), np.concatenate([y[out], test.y])),
        mnist.class_names,
    )


def halves_of_the_test_set(right: Scores, claim: Claim) -> Iterator[Held]:
    """Yield verdicts from half the seeds and images, beside the other half; each draw both ways."""
    n_seeds, n_images = next(iter(right.values())).shape
    rng = np.random.default_rng(0)
    for draw in range(DRAWS):
        images, seeds = rng.permutation(n_images), rng.permutation(n_seeds)
        halves = [(seeds[: n_seeds // 2], images[: n_images // 2])]
        halves += [(seeds[n_seeds // 2 :], images[n_images // 2 :])]
        yield from _both_ways(right, halves, claim, draw)


def test_against_held_out(right: Scores, claim: Claim) -> Iterator[Held]:
    """Yield verdicts from half the seeds on the test images, beside the others on those held out.

    The first ``N_HELD_OUT`` examples are those held out.
    """
    n_seeds, n_images = next(iter(right.values())).shape
    rng, images = np.random.default_rng(0), np.arange(n_images)
    for draw in range(DRAWS):
        seeds = rng.permutation(n_seeds)
        sides = [(seeds[: n_seeds // 2], images[N_HELD_OUT:])]
        sides += [(seeds[n_seeds // 2 :], images[:N_HELD_OUT])]
        yield from _both_ways(right, sides, claim, draw)


def _both_ways(
    right: Scores, sides: list[tuple[Any, Any]], claim: Claim, draw: int
) -> Iterator[Held]:
    one, other = (
        compare_scores({name: y[np.ix_(*side)] for name, y in right.items()}, claim).pairs
        for side in sides
    )
    for a, b in zip(one, other, strict=True):
        yield Held(draw, a, b)
        yield Held(draw, b, a)


def tables(held: Mapping[Claim, list[Held]]) -> str:
    """Return verdicts, and what the other seeds and images say of them."""
    rows = [row for claim, found in held.items() for row in _verdict_rows(claim, found)]
    head = ["claim", "verdict", "made", "denied by the other estimate", "other verdict opposed"]
    draws = [
        [
            claim,
            _share_of_draws(found, "denied"),
            _share_of_draws(found, "contradicted"),
            _share_of_draws(found, "apart"),
        ]
        for claim, found in held.items()
    ]
    of_draws = ["draws with any pair", "denied", "opposed", "further apart than both intervals"]
    return "\n\n".join([table(head, rows), table(of_draws, draws)])


def _verdict_rows(claim: Claim, found: list[Held]) -> Iterator[list[str]]:
    for words, n in sorted(Counter(one.words for one in found).items()):
        alike = [one for one in found if one.words == words]
        if alike[0].made.decided:
            denied = f"{sum(one.denied for one in alike) / n:.1%}"
            opposed = f"{sum(one.contradicted for one in alike) / n:.1%}"
        else:
            denied = opposed = "–"
        yield [claim, words, f"{n:,}", denied, opposed]


def _share_of_draws(found: list[Held], what: str) -> str:
    draws = {one.draw for one in found}
    return f"{len({one.draw for one in found if getattr(one, what)}) / len(draws):.1%}"
