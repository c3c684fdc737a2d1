"""Two recipes on new examples, whatever the seed: seeds and examples are both samples."""

from __future__ import annotations

from mlplab.compare.estimate import Components, Estimate, Seeds, Split
from mlplab.compare.moments import Moments


def crossed(a: Moments, b: Moments, answer: float = 0.0) -> Estimate:
    """Return the difference a - b with the variance of a crossed design.

    With y[r, s, i] the score of example i under seed s of recipe r, d[i] the difference of the
    recipes' means over seeds, and S seeds and N examples::

        V_examples = var_i(d[i]) / N                              carries the within-run noise once
        V_seeds    = sum over r of var_s(mean_i y[r, s, i]) / S_r     carries it once more
        V_within   = sum over r of mean_i var_s(y[r, s, i]) / (S_r N)
        V          = max(V_examples + V_seeds - V_within, V_examples, V_seeds)

    all variances with ddof = 1. Where no example has told the recipes apart yet, answers that are
    right or wrong show no variance, and there is some all the same: V_examples is taken to be at
    least ``(answer / N)^2``, what one such example makes it.

    Args:
        a: scores of one recipe, at least two seeds.
        b: scores of the other, on the same examples.
        answer: what a right answer scores; 0 for losses.

    Reference:
        C. E. Rasmussen (1996), Evaluation of Gaussian processes and other methods for non-linear
        regression, chapter 2; A. B. Owen (2007), The pigeonhole bootstrap, for the variance of a
        mean over two crossed samples.

    Examples:
        >>> import numpy as np
        >>> from mlplab.compare.moments import moments
        >>> a = moments(np.array([[1.0, 1, 1, 0], [1, 1, 0, 1]]))
        >>> b = moments(np.array([[1.0, 0, 1, 0], [1, 0, 0, 0]]))
        >>> found = crossed(a, b)
        >>> round(found.difference, 4), round(found.split.total, 4)
        (0.375, 0.0573)
    """
    n = a.n_examples
    d = a.example_means - b.example_means
    within = [r.within / (r.n_seeds * n) for r in (a, b)]
    seeds = [r.seed_variance / r.n_seeds for r in (a, b)]
    v_examples = max(float(d.var(ddof=1)) / n, (answer / n) ** 2)
    v_seeds, v_within = sum(seeds), sum(within)
    total = max(v_examples + v_seeds - v_within, v_examples, v_seeds)
    from_seeds, from_examples = max(v_seeds - v_within, 0.0), max(v_examples - v_within, 0.0)
    return Estimate(
        difference=a.mean - b.mean,
        split=Split(from_seeds, from_examples, total - from_seeds - from_examples),
        seeds=tuple(Seeds(v, r.n_seeds) for v, r in zip(seeds, (a, b), strict=True)),
        examples_df=n - 1,
        components=Components(
            examples=from_examples * n,
            seeds=tuple(
                max(v - w, 0.0) * r.n_seeds for v, w, r in zip(seeds, within, (a, b), strict=True)
            ),
            within=(a.within, b.within),
            n_seeds=(a.n_seeds, b.n_seeds),
            n_examples=n,
        ),
    )
