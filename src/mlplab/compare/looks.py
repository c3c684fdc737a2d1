"""Looking several times while seeds are added, without erring more often for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import special

from mlplab.compare.multiplicity import error_of_each
from mlplab.compare.scores import check_share
from mlplab.errors import CompareError

_NODES = 129  # of the integration between two looks; 65 and 257 agree with it to seven digits

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Looks:
    """Planned moments of looking, and the error rate spent over them.

    Looking after every few seeds and stopping once a difference shows makes many chances to be
    wrong. Here each look may err only so often that all of them together keep the level. The rate
    is spent as O'Brien and Fleming's boundary does it, little at first and most of it at the end::

        t        = seeds / seeds of the last look
        spent(t) = 4 (1 - Phi(z / sqrt(t))),   z = Phi^-1(1 - alpha / 4)

    The boundary takes the share of the seeds for the share of the information. Where the test set
    is a part of the uncertainty the looks have more in common than that, and the whole errs less.

    Attributes:
        planned: numbers of seeds at which to look, rising, from 2 on.
        level: how often the verdicts of all looks and pairs are all to hold.

    Raises:
        CompareError: if the moments or the level cannot be used.

    Reference:
        K. K. G. Lan and D. L. DeMets (1983), Discrete sequential boundaries for clinical trials;
        P. C. O'Brien and T. R. Fleming (1979).

    Examples:
        >>> looks = Looks((6, 12, 18, 24, 30), level=0.95)
        >>> [round(look.error_of_each(1), 5) for look in map(looks.at, looks.planned)]
        [0.0, 0.00079, 0.00736, 0.02203, 0.04225]
    """

    planned: tuple[int, ...] = (3, 5, 10, 20, 30)
    level: float = 0.95

    def __post_init__(self) -> None:
        check_share("level", self.level)
        rising = list(self.planned) == sorted(set(self.planned))
        if not self.planned or self.planned[0] < 2 or not rising:
            raise CompareError(
                f"planned looks must be rising numbers of seeds from 2 on, got {self.planned}"
            )

    def at(self, seeds: int) -> Look:
        """Return the look planned at so many seeds.

        Raises:
            CompareError: if none is.
        """
        if seeds not in self.planned:
            planned = ", ".join(map(str, self.planned))
            raise CompareError(f"no look is planned at {seeds} seeds; planned are {planned}")
        return Look(self, self.planned.index(seeds) + 1)


@dataclass(frozen=True)
class Look:
    """One of the planned looks.

    Attributes:
        looks: all of them.
        number: which one, from 1.
    """

    looks: Looks
    number: int

    @property
    def seeds(self) -> int:
        """At how many seeds a recipe."""
        return self.looks.planned[self.number - 1]

    @property
    def last(self) -> Look:
        """The last of the planned looks."""
        return Look(self.looks, len(self.looks.planned))

    @property
    def following(self) -> list[Look]:
        """The planned looks after this one."""
        return [Look(self.looks, n + 1) for n in range(self.number, len(self.looks.planned))]

    def error_of_each(self, n_pairs: int) -> float:
        """Return how often the interval of one of so many pairs may miss at this look."""
        errors = nominal_errors(self.looks.planned, error_of_each(self.looks.level, n_pairs))
        return errors[self.number - 1]

    def __str__(self) -> str:
        """Return which look this is."""
        return f"look {self.number} of {len(self.looks.planned)} planned, at {self.seeds} seeds"


def spent(t: float, alpha: float) -> float:
    """Return how much of ``alpha`` is spent when a share ``t`` of the information is in.

    Examples:
        >>> round(spent(0.5, 0.05), 5), round(spent(1.0, 0.05), 5)
        (0.00305, 0.05)
    """
    z = -float(special.ndtri(alpha / 4))
    return 4.0 * float(special.ndtr(-z / math.sqrt(t)))


@lru_cache(maxsize=64)
def nominal_errors(planned: tuple[int, ...], alpha: float) -> tuple[float, ...]:
    """Return for each look the two-sided error of a single test that spends what is due.

    The sum of what came in so far is a Brownian motion W(t). With f_k its density at look k where
    no look before has stopped, the boundary b_k solves::

        2 integral f_{k-1}(y) (1 - Phi((b_k sqrt(t_k) - y) / sqrt(t_k - t_{k-1}))) dy
            = spent(t_k) - spent(t_{k-1})

    over ``|y| < b_{k-1} sqrt(t_{k-1})`` (Armitage, McPherson and Rowe 1969).
    """
    times = [seeds / planned[-1] for seeds in planned]
    errors: list[float] = []
    y, mass, before, gone = np.zeros(1), np.ones(1), 0.0, 0.0
    for t in times:
        due, step = spent(t, alpha) - gone, math.sqrt(t - before)
        edge = _edge(y, mass, step, due)
        errors.append(2.0 * float(special.ndtr(-edge / math.sqrt(t))))
        y, mass = _carry_on(y, mass, step, edge)
        before, gone = t, spent(t, alpha)
    return tuple(errors)


def _edge(y: FloatArray, mass: FloatArray, step: float, due: float) -> float:
    """Return the edge that the motion crosses next with probability ``due``."""
    low, high = 0.0, float(np.abs(y).max()) + 40.0 * step
    for _ in range(80):
        middle = (low + high) / 2
        if 2.0 * float(mass @ special.ndtr((y - middle) / step)) > due:
            low = middle
        else:
            high = middle
    return high


def _carry_on(
    y: FloatArray, mass: FloatArray, step: float, edge: float
) -> tuple[FloatArray, FloatArray]:
    """Return points between the edges and the probability each stands for."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    # Where the edge lies far out, the points go where the motion can be.
    reach = min(edge, float(np.abs(y).max()) + 9.0 * step)
    x = nodes * reach
    density = np.exp(-0.5 * ((x[:, np.newaxis] - y) / step) ** 2) @ mass
    density /= step * math.sqrt(2.0 * math.pi)
    return x, density * weights * reach


def planned_up_to(max_seeds: int, usual: Sequence[int] = (3, 5, 10, 20, 30)) -> tuple[int, ...]:
    """Return moments of looking for at most so many seeds, the last of them at the end.

    Examples:
        >>> planned_up_to(12), planned_up_to(60)
        ((3, 5, 10, 12), (3, 5, 10, 20, 30, 60))
    """
    return (*(seeds for seeds in usual if seeds < max_seeds), max_seeds)
