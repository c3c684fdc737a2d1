"""Scores in, a comparison out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy.typing as npt

from mlplab.compare.comparison import Comparison, Pair, RecipeScores, seconds_of
from mlplab.compare.crossed import crossed
from mlplab.compare.estimate import SMALLEST_P, Estimated
from mlplab.compare.looks import Look
from mlplab.compare.models import answers, losses
from mlplab.compare.moments import Moments, moments
from mlplab.compare.multiplicity import error_of_each, holm
from mlplab.compare.needed import Ahead
from mlplab.compare.scores import check_margin, check_share, checked, chosen_pairs
from mlplab.compare.seeds import paired as paired_seeds
from mlplab.compare.seeds import welch
from mlplab.compare.verdict import DEFAULT_MARGIN, SCALE, UNDECIDED, Claim, Metric, verdict
from mlplab.errors import CompareError


def compare_scores(
    scores: Mapping[str, npt.ArrayLike],
    claim: Claim = "recipes",
    margin: float | None = None,
    level: float = 0.95,
    metric: Metric = "accuracy",
    *,
    pairs: Iterable[tuple[str, str]] | None = None,
    paired: bool = False,
    look: Look | None = None,
    seconds_a_run: Mapping[str, float] | float | None = None,
) -> Comparison:
    """Compare recipes by their scores: which differences are real?

    The claim comes first, because it decides the test:

    - ``recipes``: which recipe is better on new examples, whatever the seed? Seeds and examples are
      both samples. At least two seeds a recipe.
    - ``recipes-this-test``: which is better on this very test set, whatever the seed? Seeds alone
      are a sample; says nothing of new examples. At least two seeds a recipe.
    - ``models``: of these trained models, which is better on new examples? One run each.

    Args:
        scores: by recipe, an array of shape (seeds, examples): 1 for a right answer and 0 for a
            wrong one, or losses. Column i is the same example in all. One run each may have shape
            (examples,).
        claim: see above.
        margin: the difference from which on it matters: percentage points of accuracy, 0.1 where
            None, or units of loss, 0.01 where None.
        level: how often the intervals of all pairs hold at once.
        metric: ``"accuracy"``, more is better, or ``"loss"``, less is better.
        pairs: the pairs (a, b) to compare, chosen before the scores were seen; all where None. The
            fewer, the narrower are the intervals that hold for all of them at once.
        paired: for ``recipes-this-test``: row s of every recipe has something in common by design,
            such as the validation split.
        look: which of several planned looks this is (``Looks.at``); the rate of error is spent over
            them.
        seconds_a_run: measured seconds of a run, for all or by recipe; then the comparison says how
            many minutes the seeds that are needed would take.

    Returns:
        Every pair, or those chosen, with its difference, interval and verdict.

    Raises:
        CompareError: if the scores cannot be used or cannot carry the claim.

    Reference:
        docs/statistics.md has the formulas and their sources.

    Examples:
        >>> import numpy as np
        >>> rng = np.random.default_rng(1)
        >>> small, large = (rng.random((5, 10_000)) < p for p in (0.975, 0.985))
        >>> found = compare_scores({"small": small, "large": large})
        >>> found.pairs[0].verdict
        'b better'
        >>> found.groups()
        {'large': 'a', 'small': 'b'}
    """
    check_share("level", level)
    arrays = checked(scores, claim, metric)
    margin = DEFAULT_MARGIN[metric] if margin is None else margin
    check_margin(margin)
    _check_options(claim, level, look, paired=paired)
    names = chosen_pairs(list(arrays), pairs)
    found = {name: moments(y) for name, y in arrays.items()}
    asked = _Asked(claim, metric, margin, level, *_errors(level, look, len(names)))
    estimates = _estimates(names, found, claim, metric, paired=paired)
    adjusted = holm([one.p for one in estimates])
    return Comparison(
        claim=claim,
        metric=metric,
        margin=margin,
        level=level,
        n_examples=next(iter(found.values())).n_examples,
        recipes=tuple(_summary(name, one) for name, one in found.items()),
        pairs=tuple(
            _pair(pair, one, p, asked, seconds_of(pair, seconds_a_run))
            for pair, one, p in zip(names, estimates, adjusted, strict=True)
        ),
        look=look,
    )


def _check_options(claim: Claim, level: float, look: Look | None, *, paired: bool) -> None:
    if paired and claim != "recipes-this-test":
        raise CompareError(f"paired goes with the claim recipes-this-test, got {claim}")
    if look and not math.isclose(look.looks.level, level):
        raise CompareError(f"the looks were planned for level {look.looks.level:g}, got {level:g}")
    if look and claim == "models":
        raise CompareError("looks are for adding seeds; the claim models has one run each")


def _errors(level: float, look: Look | None, n_pairs: int) -> tuple[float, float, Ahead]:
    """Return how often the interval of one pair may miss: at this look, the last, those between.

    A look that may miss less than once in 1e12 decides nothing, and is not among these.
    """
    if look is None:
        error = error_of_each(level, n_pairs)
        return error, error, ()
    ahead = [(one.seeds, one.error_of_each(n_pairs)) for one in look.following]
    deciding = tuple((seeds, error) for seeds, error in ahead if error >= SMALLEST_P)
    return look.error_of_each(n_pairs), look.last.error_of_each(n_pairs), deciding


def _estimates(
    names: Sequence[tuple[str, str]],
    found: Mapping[str, Moments],
    claim: Claim,
    metric: Metric,
    *,
    paired: bool,
) -> list[Estimated]:
    """Return the difference of each pair as its claim estimates it, in the unit of the metric."""
    scale = SCALE[metric]
    if claim == "models" and metric == "accuracy":
        return [answers(found[a], found[b], scale) for a, b in names]
    estimate = _ESTIMATES[claim, paired]
    answer = scale if metric == "accuracy" else 0.0
    scaled = {name: one.times(scale) for name, one in found.items()}
    return [estimate(scaled[a], scaled[b], answer) for a, b in names]


_ESTIMATES: dict[tuple[Claim, bool], Callable[[Moments, Moments, float], Estimated]] = {
    ("models", False): lambda a, b, answer: losses(a, b),
    ("recipes", False): crossed,
    ("recipes-this-test", False): lambda a, b, answer: welch(a, b),
    ("recipes-this-test", True): lambda a, b, answer: paired_seeds(a, b),
}
"""By claim and whether the seeds are paired."""


@dataclass(frozen=True)
class _Asked:
    """What is asked of every pair, and how often the interval of one may miss."""

    claim: Claim
    metric: Metric
    margin: float
    level: float
    alpha: float
    alpha_last: float
    ahead: Ahead


def _pair(
    names: tuple[str, str],
    found: Estimated,
    p_holm: float,
    asked: _Asked,
    seconds: tuple[float, float] | None,
) -> Pair:
    alpha, split = max(asked.alpha, SMALLEST_P), found.split
    low, high = found.interval(alpha)
    word = verdict(low, high, asked.margin, asked.metric)
    return Pair(
        *names,
        claim=asked.claim,
        metric=asked.metric,
        margin=asked.margin,
        level=asked.level,
        difference=found.difference,
        low=low,
        high=high,
        verdict=word if asked.alpha >= SMALLEST_P else UNDECIDED,
        p=found.p,
        p_holm=p_holm,
        sd_seeds=math.sqrt(split.seeds),
        sd_examples=math.sqrt(split.examples),
        sd_within=math.sqrt(max(split.within, 0.0)),
        alpha=alpha,
        alpha_last=max(asked.alpha_last, SMALLEST_P),
        components=found.components,
        seconds_a_run=seconds,
        ahead=asked.ahead,
    )


def _summary(name: str, one: Moments) -> RecipeScores:
    sd = math.sqrt(one.seed_variance) if one.n_seeds > 1 else None
    return RecipeScores(name, one.n_seeds, one.mean, sd)
