"""On what terms recipes compete: what each of them costs, in words."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import combinations
from typing import Any

import pandas as pd

MUCH = 3.0
"""One recipe costs many times what another does from here on."""


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
