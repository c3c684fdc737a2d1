"""What scores must be to be compared. Everything that is wrong is told at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from mlplab.compare.verdict import CLAIMS, METRICS, Claim, Metric
from mlplab.errors import CompareError, did_you_mean

Array = npt.NDArray[Any]


def checked(scores: Mapping[str, npt.ArrayLike], claim: Claim, metric: Metric) -> dict[str, Array]:
    """Return scores as arrays of shape (seeds, examples), or raise what is wrong with them.

    Args:
        scores: by recipe, arrays of shape (seeds, examples); with one run each, (examples,) too.
        claim: see ``CLAIMS``.
        metric: ``"accuracy"``, scores within 0..1, or ``"loss"``, any finite numbers.

    Returns:
        Arrays in the order given: booleans where an accuracy is 0 or 1 throughout, else float64.

    Raises:
        CompareError: with a line for each thing that is wrong.

    Examples:
        >>> checked({"a": [[1, 0]], "b": [[1, 1, 0]]}, "models", "accuracy")
        Traceback (most recent call last):
        mlplab.errors.CompareError: scores: all recipes must be scored on the same examples, got
        a: 2, b: 3
    """
    check_word("claim", claim, CLAIMS)
    check_word("metric", metric, METRICS)
    if not isinstance(scores, Mapping):
        raise CompareError(
            "scores must be a mapping from recipe to an array (seeds x examples), "
            f"got {type(scores).__name__}"
        )
    if len(scores) < 2:
        got = f"only {next(iter(scores))!r}" if scores else "none"
        raise CompareError(f"comparing takes at least two recipes, got {got}")
    names = Counter(map(str, scores))
    if twice := [name for name, n in names.items() if n > 1]:
        raise CompareError(
            f"the names of recipes must differ as text, got {', '.join(twice)} more than once"
        )
    arrays = {str(name): _as_array(str(name), given) for name, given in scores.items()}
    problems = [p for name, y in arrays.items() for p in _problems(name, y, claim, metric)]
    problems = problems or list(_mismatches(arrays))
    if problems:
        raise CompareError("\n  ".join([f"scores: {problems[0]}", *problems[1:]]))
    return {name: _compact(y, metric) for name, y in arrays.items()}


def chosen_pairs(
    recipes: Sequence[str], pairs: Iterable[tuple[str, str]] | None
) -> list[tuple[str, str]]:
    """Return the pairs to compare: those asked for, or all.

    Raises:
        CompareError: no pair, one of a recipe that is not there or twice the same, or one twice.

    Examples:
        >>> chosen_pairs(["a", "b", "c"], None)
        [('a', 'b'), ('a', 'c'), ('b', 'c')]
    """
    if pairs is None:
        return list(combinations(recipes, 2))
    given = list(pairs)
    for one in given:
        if isinstance(one, str) or len(one) != 2:
            raise CompareError(f"expected pairs of two recipes, as ('a', 'b'), got {one!r}")
    asked = [(str(a), str(b)) for a, b in given]
    known = set(combinations(recipes, 2))
    wrong = [f"{a}, {b}" for a, b in asked if not {(a, b), (b, a)} & known]
    if wrong or len(set(map(frozenset, asked))) < len(asked) or not asked:
        got = "; ".join(wrong) if wrong else "a pair twice" if asked else "none"
        raise CompareError(
            f"pairs must be of two different recipes out of {', '.join(recipes)}, each pair once, "
            f"got {got}"
        )
    return asked


def check_word(what: str, given: str, known: tuple[str, ...]) -> None:
    """Refuse a word that is not among those known."""
    if given not in known:
        hint = did_you_mean(str(given), known)
        raise CompareError(f"{what} must be one of {', '.join(known)}, got {given!r}{hint}")


def check_share(what: str, value: float) -> None:
    """Refuse what does not lie between 0 and 1."""
    if not 0 < value < 1:
        raise CompareError(f"{what} must lie between 0 and 1, got {value:g}")


def check_margin(margin: float) -> None:
    """Refuse a margin that is no length."""
    if not 0 <= margin < np.inf:
        raise CompareError(f"margin must be 0 or more, got {margin:g}")


def _as_array(name: str, given: npt.ArrayLike) -> Array:
    try:
        y = np.asarray(given)
    except ValueError as error:
        raise CompareError(f"scores of {name}: its seeds have unequal numbers of scores") from error
    if y.dtype.kind not in "buif":
        raise CompareError(f"scores of {name} must be real numbers, got {y.dtype}")
    return y[np.newaxis] if y.ndim == 1 else y


def _problems(name: str, y: Array, claim: Claim, metric: Metric) -> Iterator[str]:
    """Yield what is wrong with the scores of one recipe."""
    if y.ndim != 2:
        yield f"{name} must have two axes, seeds x examples, got shape {y.shape}"
        return
    if min(y.shape) == 0 or y.shape[1] < 2:
        yield f"{name} must have at least one seed and two examples, got shape {y.shape}"
        return
    yield from _wrong_values(name, y, claim, metric)
    yield from _too_few_seeds(name, len(y), claim)


def _wrong_values(name: str, y: Array, claim: Claim, metric: Metric) -> Iterator[str]:
    if y.dtype.kind == "b":
        return
    low, high = y.min(), y.max()  # NaN if anything is
    if not (np.isfinite(low) and np.isfinite(high)):
        yield f"{name} has {_first(~np.isfinite(y), y)}: every score must be a number"
    elif metric == "accuracy" and (low < 0 or high > 1):
        yield (
            f"{name} has {_first((y < 0) | (y > 1), y)}: "
            "accuracy takes 1 for right, 0 for wrong, or shares between; "
            'for losses say metric="loss"'
        )
    elif metric == "accuracy" and claim == "models" and (wrong := (y != 0) & (y != 1)).any():
        yield (
            f"{name} has {_first(wrong, y)}: the claim models counts answers, "
            "1 for right and 0 for wrong"
        )


def _first(wrong: Array, y: Array) -> str:
    seed, example = np.argwhere(wrong)[0].tolist()
    n = int(wrong.sum())
    return f"{n:,} unusable score{'s' * (n > 1)}, first {y[seed, example]:g} at [{seed}, {example}]"


def _too_few_seeds(name: str, n_seeds: int, claim: Claim) -> Iterator[str]:
    if claim == "models" and n_seeds > 1:
        yield (
            f"{name} has {n_seeds} seeds: the claim models compares one trained model of each; "
            "choose one seed, or the claim recipes"
        )
    if claim != "models" and n_seeds < 2:
        yield (
            f"{name} has one seed: the claim {claim} takes at least two a recipe, since one cannot "
            "show how much seeds differ; add seeds, or make the claim models"
        )


def _mismatches(arrays: Mapping[str, Array]) -> Iterator[str]:
    """Yield how arrays that are right by themselves do not go together."""
    if len({y.shape[1] for y in arrays.values()}) > 1:
        counts = ", ".join(f"{name}: {y.shape[1]}" for name, y in arrays.items())
        yield f"all recipes must be scored on the same examples, got {counts}"


def _compact(y: Array, metric: Metric) -> Array:
    if y.dtype.kind == "b" and metric == "accuracy":
        return y
    if metric == "accuracy" and (y.dtype.kind in "ui" or bool(((y == 0) | (y == 1)).all())):
        return y.astype(bool)
    return y.astype(np.float64, copy=False)
