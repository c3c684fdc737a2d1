"""How numbers are written on the page."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy.typing as npt
import pandas as pd

from mlplab.plain_text import MISSING as MISSING


def percent(share: float | None, digits: int = 2) -> str:
    """Write a share as a percentage.

    Examples:
        >>> percent(0.98021), percent(None)
        ('98.02 %', '–')
    """
    if share is None or not math.isfinite(share):
        return MISSING
    return f"{number(100 * share, digits)} %"


def points(share: float | None) -> str:
    """Write a share, or a difference of shares, in percentage points: 0.0005 is ``0.05``."""
    return number(None if share is None else 100 * share, 2)


def number(value: float | None, digits: int = 4) -> str:
    """Write a number with so many decimals, or a dash where there is none.

    Examples:
        >>> number(0.09683), number(float("nan"))
        ('0.0968', '–')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{value:,.{digits}f}"


def seconds(value: float | None) -> str:
    """Write seconds to two significant figures or so: 0.13, 1.2, 12.

    Examples:
        >>> seconds(0.1349), seconds(1.24), seconds(75.2)
        ('0.13', '1.2', '75')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 10 else f"{value:,.0f}"


def whole(value: int | None) -> str:
    """Write a whole number, or a dash where there is none.

    Examples:
        >>> whole(437_972), whole(None)
        ('437,972', '–')
    """
    return MISSING if pd.isna(value) else f"{value:,}"


def count(n: int, one: str, many: str | None = None) -> str:
    """Write a number of things.

    Examples:
        >>> count(1, "run"), count(10_000, "image")
        ('1 run', '10,000 images')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def listed(words: Iterable[str]) -> str:
    """Join words as a sentence does.

    Examples:
        >>> listed(["a", "b", "c"])
        'a, b and c'
    """
    *head, last = list(words) or [""]
    return f"{', '.join(head)} and {last}" if head else last


def vector(values: npt.NDArray[Any]) -> str:
    """Return an array's numbers in a line, three digits each.

    Examples:
        >>> import numpy as np
        >>> vector(np.array([0, 0.49411, 255]))
        '0 0.494 255'
    """
    return " ".join(f"{value:.3g}" for value in values.tolist())
