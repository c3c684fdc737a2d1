"""On what terms recipes compete: what each of them costs."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from mlplab.study.study import Study

MUCH = 3.0
"""One recipe costs many times what another does from here on."""


def terms(study: Study, recipes: Sequence[str] | None = None) -> pd.DataFrame:
    """Return a row a recipe: recipe, parameters, operations, seconds (see ``Study.terms``)."""
    records = study.recipes if recipes is None else [study.recipe(label) for label in recipes]
    rows = []
    for record in records:
        seconds = study.kept.seconds(record.label)
        rows.append(
            {
                "recipe": record.label,
                "parameters": record.parameters["total"],
                "operations": record.operations,
                "seconds": float(seconds.mean()) if len(seconds) else None,
            }
        )
    columns = ["recipe", "parameters", "operations", "seconds"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({"parameters": "Int64", "operations": "Int64", "seconds": float})


def unequal(terms: pd.DataFrame) -> Iterator[str]:
    """Yield a sentence for each pair of which one costs more than three times the other.

    Args:
        terms: as ``Study.terms`` returns them.

    Examples:
        >>> costs = {"recipe": ["a", "b"], "parameters": [10, 50], "operations": [8, 40]}
        >>> list(unequal(pd.DataFrame(costs | {"seconds": [1.0, 2.0]})))
        ['Not on equal terms: b has 5.0 times the parameters and 5.0 times the operations of a.']
    """
    for one, other in combinations(terms.to_dict("records"), 2):
        for small, large in ((one, other), (other, one)):
            if more := list(_times(small, large)):
                listed = " and ".join([", ".join(more[:-1]), more[-1]] if more[1:] else more)
                yield (f"Not on equal terms: {large['recipe']} has {listed} of {small['recipe']}.")


def _times(small: dict[Hashable, Any], large: dict[Hashable, Any]) -> Iterator[str]:
    for what in ("parameters", "operations", "seconds"):
        if pd.notna(small[what]) and pd.notna(large[what]) and large[what] > MUCH * small[what]:
            yield f"{large[what] / small[what]:,.1f} times the {what}"
