"""Ranges: what stands in a study spec in place of a value that a search is to choose.

``{ low = 16, high = 512, log = true, start = 128 }``, or ``{ choices = ["relu", "gelu"], start =
"relu" }``. ``start`` is the value of the starting recipe.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mlplab.errors import did_you_mean
from mlplab.recipes.locate import Path
from mlplab.recipes.problems import Problem, shown

Plain = str | int | float | bool

KEYS = ("low", "high", "step", "log", "choices", "start", "name")
_MARKS = frozenset(KEYS) - {"name"}
_OF_NUMBERS = ("low", "high", "step", "log")
_NEAR = 1e-9  # of a step: what rounding leaves of a whole number of steps


@dataclass(frozen=True)
class Range:
    """The values that a search may choose from.

    Attributes:
        name: what the search calls it.
        start: the value of the starting recipe.
        low: the smallest number; None where there are choices.
        high: the largest number; None likewise.
        step: the distance of two numbers that are next to each other; None for 1, or for any.
        log: whether numbers are drawn evenly by their logarithms.
        choices: the values, where they are no numbers between two bounds.

    Examples:
        >>> Range("units", 32, low=16, high=64, step=16).values()
        [16, 32, 48, 64]
        >>> Range("rate", 0.1, low=0.0, high=0.5).values() is None
        True
    """

    name: str
    start: Plain
    low: int | float | None = None
    high: int | float | None = None
    step: int | float | None = None
    log: bool = False
    choices: tuple[Plain, ...] = ()

    @property
    def edges(self) -> tuple[Plain, ...]:
        """The values at which the range is checked: its bounds, or every choice."""
        return self.choices or (self.low or 0, self.high or 0)

    @property
    def whole(self) -> bool:
        """Whether its values are whole numbers between bounds."""
        return isinstance(self.low, int)

    def values(self) -> list[Plain] | None:
        """Return all values in order, or None where there are infinitely many."""
        if self.low is None or self.high is None:
            return list(self.choices)
        step = self.step or (1 if self.whole else None)
        if step is None:
            return None
        n_steps = round((self.high - self.low) / step)
        return [self.low + place * step for place in range(n_steps + 1)]

    def place(self, value: Plain) -> int | None:
        """Return the place of a value among all values, or None where it is none of them.

        Examples:
            >>> Range("rate", 0.1, low=0.1, high=0.5, step=0.1).place(0.1 + 2 * 0.1)
            2
        """
        if self.low is None or self.high is None:
            alike = (_same(value, one) for one in self.choices)
            return next((place for place, same in enumerate(alike) if same), None)
        step = self.step or (1 if self.whole else None)
        if step is None or not _is_number(value):
            return None
        n_steps = (float(value) - self.low) / step
        place, last = round(n_steps), round((self.high - self.low) / step)
        near = abs(n_steps - place) <= _NEAR * max(1.0, abs(n_steps))
        return place if near and 0 <= place <= last else None

    def as_data(self) -> dict[str, Any]:
        """Return the range as plain data, without its name and start."""
        if self.choices:
            return {"choices": list(self.choices)}
        return {"low": self.low, "high": self.high, "step": self.step, "log": self.log}


def is_range(value: Any) -> bool:
    """Say whether a value of a study spec is a range, be it right or wrong.

    Examples:
        >>> is_range({"low": 1, "high": 2}), is_range({"class": "Dense", "units": 1})
        (True, False)
    """
    return isinstance(value, dict) and "class" not in value and not _MARKS.isdisjoint(value)


def read_range(written: dict[str, Any], name: str) -> Range:
    """Return the range that a table describes; it must have passed ``range_problems``."""
    if "choices" in written:
        return Range(name, written["start"], choices=tuple(written["choices"]))
    kind = int if all(_is_whole(written[key]) for key in ("low", "high")) else float
    step = written.get("step")
    return Range(
        name,
        kind(written["start"]),
        low=kind(written["low"]),
        high=kind(written["high"]),
        step=None if step is None else kind(step),
        log=written.get("log", False),
    )


def range_problems(written: dict[str, Any], path: Path) -> Iterator[Problem]:
    """Everything that is wrong with a range, seen by itself."""
    for key in written:
        if key not in KEYS:
            hint = did_you_mean(key, KEYS)
            yield Problem((*path, key), f"unknown key {key!r} of a range{hint}")
    name = written.get("name", "name")
    if not isinstance(name, str) or not name:
        yield Problem((*path, "name"), f"expected a text that is not empty, got {shown(name)}")
    if "choices" in written:
        yield from _choice_problems(written, path)
    else:
        yield from _number_problems(written, path)
    if "start" not in written:
        yield Problem(path, "a range needs 'start', the value of the starting recipe")


def _choice_problems(written: dict[str, Any], path: Path) -> Iterator[Problem]:
    choices, here = written["choices"], (*path, "choices")
    if beside := [key for key in _OF_NUMBERS if key in written]:
        yield Problem(path, f"a range has choices, or low and high; got choices and {beside[0]}")
    if not isinstance(choices, list) or len(choices) < 2:
        yield Problem(here, f"expected a list of two choices or more, got {shown(choices)}")
        return
    if strange := [one for one in choices if not isinstance(one, str | int | float)]:
        yield Problem(here, f"expected texts, numbers, true or false, got {shown(strange[0])}")
    elif len({repr(one) for one in choices}) < len(choices):
        yield Problem(here, f"expected different choices, got {shown(choices)}")
    if "start" in written and not any(_same(one, written["start"]) for one in choices):
        text = f"expected start to be one of the choices, got {shown(written['start'])}"
        yield Problem((*path, "start"), text)


def _number_problems(written: dict[str, Any], path: Path) -> Iterator[Problem]:
    missing = [key for key in ("low", "high") if key not in written]
    if missing:
        yield Problem(path, f"a range has low and high, or choices; {missing[0]} is missing")
    bad = False
    for key in ("low", "high", "step", "start"):
        if key in written and not _is_number(written[key]):
            bad = True
            yield Problem((*path, key), f"expected a number, got {shown(written[key])}")
    if not isinstance(written.get("log", False), bool):
        bad = True
        yield Problem((*path, "log"), f"expected true or false, got {shown(written['log'])}")
    if not missing and not bad:
        yield from _bound_problems(written, path)


def _bound_problems(written: dict[str, Any], path: Path) -> Iterator[Problem]:
    low, high, step = written["low"], written["high"], written.get("step")
    log, start = written.get("log", False), written.get("start", written["low"])
    if low >= high:
        yield Problem(path, f"expected low below high, got {low} and {high}")
        return
    if log and low <= 0:
        yield Problem((*path, "low"), f"expected low above 0 where log is true, got {low}")
    if log and step is not None:
        yield Problem((*path, "step"), "expected step or log, got both")
    elif step is not None:
        yield from _step_problems(low, high, step, start, path)
    if not low <= start <= high:
        text = f"expected start between low and high, {low} and {high}, got {start}"
        yield Problem((*path, "start"), text)
    elif _is_whole(low) and _is_whole(high) and not _is_whole(start):
        text = (
            f"expected a whole number, as low and high are, got {start}; for others: low = {low}.0"
        )
        yield Problem((*path, "start"), text)


def _step_problems(
    low: float, high: float, step: float, start: float, path: Path
) -> Iterator[Problem]:
    whole = _is_whole(low) and _is_whole(high)
    if step <= 0 or (whole and not _is_whole(step)):
        kind = "whole number" if whole else "number"
        yield Problem((*path, "step"), f"expected a {kind} above 0, got {step}")
        return
    for key, value in (("high", high), ("start", start)):
        n_steps = (value - low) / step
        if abs(n_steps - round(n_steps)) > _NEAR * max(1.0, abs(n_steps)):
            text = f"expected {key} a whole number of steps of {step} above {low}, got {value}"
            yield Problem((*path, key), text)


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
