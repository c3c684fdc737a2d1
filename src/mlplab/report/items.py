"""Test examples one by one, as frames: what tells two recipes apart, what none reads, luck."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from mlplab.compare import always_wrong, seed_dependent, told_apart
from mlplab.report.misreads import count_answers

if TYPE_CHECKING:
    from mlplab.report.compared import Compared

COLUMNS = ["group", "right", "wrong", "test_index", "truth", "answers", "disputed"]


def only_one(compared: Compared, right: str, wrong: str) -> pd.DataFrame:
    """Return the examples that most seeds of one recipe get right and most of another wrong.

    Answers are those of the recipe that is wrong; the widest gaps come first.
    """
    indices = told_apart(compared.shares, right, wrong).index.to_numpy()
    return _rows(compared, indices, [wrong])


def nobody(compared: Compared) -> pd.DataFrame:
    """Return the examples that no run of any recipe gets right, the surest of them first.

    Sure is an example to which all runs give one wrong answer: its label may be wrong.
    """
    indices = always_wrong(compared.shares)
    given = np.concatenate([given[:, indices] for given in compared.given.values()])
    agreed = [np.bincount(column).max() for column in given.T]
    return _rows(compared, indices[np.lexsort((indices, -np.array(agreed, int)))])


def luck(compared: Compared) -> pd.DataFrame:
    """Return the examples that seeds of a recipe answer now right, now wrong, the most even first.

    It holds of every recipe with more than one seed, taken together.
    """
    return _rows(compared, seed_dependent(compared.shares))


def _rows(
    compared: Compared, indices: npt.NDArray[np.intp], recipes: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return a row an example, with the answers of some recipes' runs, or of all."""
    names = compared.study.dataset["class_names"]
    given = np.concatenate([compared.given[name] for name in recipes or compared.given])
    truth = compared.study.labels
    return pd.DataFrame(
        {
            "test_index": indices,
            "truth": [names[truth[index]] for index in indices],
            "answers": [count_answers([names[k] for k in given[:, index]]) for index in indices],
            "disputed": np.isin(indices, compared.disputed),
        }
    )


def items_table(compared: Compared) -> pd.DataFrame:
    """Return all of them in one table: group, right, wrong, test_index, truth, answers, disputed.

    ``group`` is ``told apart`` (``right`` and ``wrong`` name the recipes, the answers are those of
    ``wrong``), ``always wrong`` or ``seed-dependent`` (the answers are those of all runs).
    """
    frames = [frame for frame in _groups(compared) if len(frame)]
    return pd.concat(frames)[COLUMNS] if frames else pd.DataFrame(columns=COLUMNS)


def _groups(compared: Compared) -> Iterator[pd.DataFrame]:
    if not compared.right:
        return
    for right, wrong in permutations(compared.right, 2):
        rows = compared.only_one(right, wrong)
        yield rows.assign(group="told apart", right=right, wrong=wrong)
    yield compared.nobody.assign(group="always wrong", right="", wrong="")
    yield compared.luck.assign(group="seed-dependent", right="", wrong="")
