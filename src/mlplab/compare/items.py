"""Item by item: which examples make the difference, which nobody reads, which are up to luck."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from mlplab.errors import CompareError

# An answer is that of most seeds where more than this share of them gave it.
_MOST = 0.5


def right_shares(right: Mapping[str, npt.ArrayLike]) -> pd.DataFrame:
    """Return a row an example, a column a recipe: the share of seeds that got it right.

    Args:
        right: by recipe, 1 for a right answer and 0 for a wrong one, shape (seeds, examples).

    Raises:
        CompareError: if they are anything else, or of unequal numbers of examples.

    Examples:
        >>> right_shares({"x": [[1, 0], [1, 1]], "y": [[0, 0], [1, 0]]})
             x    y
        0  1.0  0.5
        1  0.5  0.0
    """
    arrays = {name: np.atleast_2d(np.asarray(y)) for name, y in right.items()}
    for name, y in arrays.items():
        if y.ndim != 2 or y.size == 0 or not np.isin(y, (0, 1)).all():
            raise CompareError(
                f"{name} must have 1 for a right and 0 for a wrong answer, "
                f"shape (seeds, examples), got {y.dtype} of shape {y.shape}"
            )
    if len({y.shape[1] for y in arrays.values()}) > 1:
        counts = ", ".join(f"{name}: {y.shape[1]}" for name, y in arrays.items())
        raise CompareError(f"all recipes must answer the same examples, got {counts}")
    return pd.DataFrame({name: y.mean(axis=0) for name, y in arrays.items()})


def told_apart(shares: pd.DataFrame, a: str, b: str) -> pd.DataFrame:
    """Return the examples that most seeds of a get right and most seeds of b wrong.

    Args:
        shares: what ``right_shares`` returns.
        a: a recipe.
        b: the other one.

    Returns:
        A row an example: its number as the index, columns a and b with the shares; the widest gaps
        first, then by number.

    Examples:
        >>> told_apart(pd.DataFrame({"x": [1.0, 0.6, 0.4], "y": [0.4, 0.0, 0.0]}), "x", "y")
             x    y
        0  1.0  0.4
        1  0.6  0.0
    """
    rows = shares.loc[(shares[a] > _MOST) & (shares[b] < _MOST), [a, b]]
    return rows.loc[_ranked(rows[a] - rows[b])]


def always_wrong(shares: pd.DataFrame) -> npt.NDArray[np.intp]:
    """Return the numbers of the examples that no seed of any recipe gets right.

    They are the first to look at for wrong labels.
    """
    return shares.index.to_numpy()[(shares == 0).all(axis=1)]


def seed_dependent(shares: pd.DataFrame) -> npt.NDArray[np.intp]:
    """Return the numbers of the examples on which seeds of a recipe differ, most even splits first.

    Ranked by the variance of an answer, summed over the recipes: ``sum_r q_r (1 - q_r)`` with q_r
    the share of recipe r.

    Examples:
        >>> seed_dependent(pd.DataFrame({"x": [1.0, 0.5, 0.9], "y": [0.0, 1.0, 1.0]})).tolist()
        [1, 2]
    """
    variance = (shares * (1 - shares)).sum(axis=1)
    return _ranked(variance[variance > 0])


def scores_without(right: Mapping[str, npt.ArrayLike], left_out: npt.ArrayLike) -> pd.DataFrame:
    """Return each recipe's mean accuracy on all examples and without some.

    Args:
        right: as for ``right_shares``.
        left_out: numbers of examples, for instance those with disputed labels.

    Returns:
        A row a recipe: recipe, accuracy, without (both shares), and wrong_left_out, how many of the
        examples left out a seed gets wrong, on average.

    Raises:
        CompareError: if an example is left out that is not there, or all are.

    Examples:
        >>> scores_without({"x": [[1, 1, 0, 1]], "y": [[0, 1, 0, 1]]}, [2]).round(3)
          recipe  accuracy  without  wrong_left_out
        0      x      0.75    1.000             1.0
        1      y      0.50    0.667             1.0
    """
    shares = right_shares(right)
    out = np.unique(np.asarray(left_out, dtype=np.intp))
    if len(out) and not 0 <= out[0] <= out[-1] < len(shares):
        raise CompareError(
            f"examples left out must be numbers from 0 to {len(shares) - 1}, "
            f"got {out[0]} to {out[-1]}"
        )
    kept = shares.drop(index=out.tolist())
    if kept.empty:
        raise CompareError(f"expected some of {len(shares)} examples to be kept, got all left out")
    return pd.DataFrame(
        {
            "recipe": shares.columns,
            "accuracy": shares.mean().to_numpy(),
            "without": kept.mean().to_numpy(),
            "wrong_left_out": (1 - shares.loc[out]).sum().to_numpy(),
        }
    )


def _ranked(values: pd.Series[float]) -> npt.NDArray[np.intp]:
    """Return the index by falling value, equals by number."""
    return values.index.to_numpy()[np.lexsort((values.index, -values.to_numpy().round(12)))]
