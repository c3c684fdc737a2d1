"""Two recipes on this very test set, whatever the seed: the seeds alone are a sample."""

from __future__ import annotations

import numpy as np

from mlplab.compare.estimate import Components, Estimate, Seeds, Split
from mlplab.compare.moments import Moments, variance
from mlplab.errors import CompareError


def welch(a: Moments, b: Moments) -> Estimate:
    """Return the difference a - b with Welch's variance over seeds.

    ``V = var_s(a_s) / S_a + var_s(b_s) / S_b`` (ddof = 1), a_s and b_s the means over the examples.
    Where the seeds of a recipe scored all the same though they answered differently, chance made it
    so, and the variance is taken from the answers: ``mean_i var_s(y[s, i]) / N``.

    Args:
        a: scores of one recipe, at least two seeds.
        b: scores of the other.

    Reference:
        B. L. Welch (1947), The generalization of "Student's" problem when several different
        population variances are involved.

    Examples:
        >>> import numpy as np
        >>> from mlplab.compare.moments import moments
        >>> a = moments(np.array([[1.0, 1, 1, 0], [1, 1, 1, 1]]))
        >>> b = moments(np.array([[1.0, 0, 1, 0], [0, 0, 1, 0]]))
        >>> found = welch(a, b)
        >>> found.difference, found.split.total
        (0.5, 0.03125)
    """
    variances = [r.seed_variance or r.within / r.n_examples for r in (a, b)]
    seeds = tuple(Seeds(v / r.n_seeds, r.n_seeds) for v, r in zip(variances, (a, b), strict=True))
    return _over_seeds(a.mean - b.mean, seeds, a.n_examples)


def paired(a: Moments, b: Moments) -> Estimate:
    """Return the difference a - b with the variance over pairs of seeds, ``var_s(a_s - b_s) / S``.

    For seeds that are paired by design: seed s of a and seed s of b had something in common, such
    as the same validation split.

    Raises:
        CompareError: if the recipes have unequal numbers of seeds.
    """
    if a.n_seeds != b.n_seeds:
        raise CompareError(
            f"paired seeds must be as many for both recipes, got {a.n_seeds} and {b.n_seeds}; "
            "leave out paired, or the seeds without a partner"
        )
    d = a.seed_means - b.seed_means
    size = float(np.abs([a.seed_means, b.seed_means]).max())
    of_pairs = variance(d, size) or (a.within + b.within) / a.n_examples
    return _over_seeds(float(d.mean()), (Seeds(of_pairs / len(d), len(d)),), a.n_examples)


def _over_seeds(difference: float, seeds: tuple[Seeds, ...], n_examples: int) -> Estimate:
    return Estimate(
        difference=difference,
        split=Split(seeds=sum(one.variance for one in seeds), examples=0.0, within=0.0),
        seeds=seeds,
        examples_df=n_examples - 1,
        components=Components(
            examples=0.0,
            seeds=tuple(one.variance * one.n for one in seeds),
            within=(0.0,) * len(seeds),
            n_seeds=tuple(one.n for one in seeds),
            n_examples=n_examples,
        ),
    )
