"""What a tracker is told, as plain data: of a study, a run, its epochs, its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

Key = tuple[str, str, int]
"""A run among those of a study: recipe, what the seed varies, seed."""

Value = str | int | float
"""The value of a parameter."""


def source_of(vary: str, seed: int) -> str:
    """Return a seed in words, with the random stream that alone has it.

    Examples:
        >>> source_of("all", 3), source_of("init", 3)
        ('seed 3', 'init seed 3')
    """
    return f"seed {seed}" if vary == "all" else f"{vary} seed {seed}"


class StudyName(NamedTuple):
    """A study.

    Attributes:
        id: a name that no other study has.
        name: what its users call it.
    """

    id: str
    name: str


@dataclass(frozen=True)
class Run:
    """A run that begins.

    Attributes:
        study: the study it belongs to.
        recipe: the recipe's label in the study.
        vary: the random stream that has the seed, or all.
        seed: the seed.
        started: when it began, in seconds since 1970, UTC.
        parameters: the recipe and everything else that was fixed beforehand.
    """

    study: StudyName
    recipe: str
    vary: str
    seed: int
    started: float
    parameters: Mapping[str, Value]

    @property
    def key(self) -> Key:
        """What tells it from the other runs of its study."""
        return self.recipe, self.vary, self.seed

    @property
    def source(self) -> str:
        """The seed, with the random stream that alone has it."""
        return source_of(self.vary, self.seed)


class Epoch(NamedTuple):
    """An epoch that has ended.

    Attributes:
        epoch: its number, from 1.
        time: when it ended, in seconds since 1970, UTC.
        figures: loss, accuracy, val_loss, val_accuracy and seconds; None for what is not a finite
            number.
    """

    epoch: int
    time: float
    figures: Mapping[str, float | None]


class Outcome(NamedTuple):
    """How a run ended.

    Attributes:
        status: ``done`` or ``diverged``.
        epochs: how many epochs it had.
        time: when it ended, in seconds since 1970, UTC.
        scores: test_loss, test_accuracy and seconds; None for what is not a finite number.
        model: the trained model's file, where it is kept.
    """

    status: str
    epochs: int
    time: float
    scores: Mapping[str, float | None]
    model: Path | None = None


def finite(figures: Mapping[str, float | None]) -> dict[str, float]:
    """Return the figures that there are.

    Examples:
        >>> finite({"loss": None, "seconds": 1.5})
        {'seconds': 1.5}
    """
    return {name: value for name, value in figures.items() if value is not None}


def iso(time: float) -> str:
    """Return a time in UTC, ISO 8601, to the millisecond.

    Examples:
        >>> iso(0.5)
        '1970-01-01T00:00:00.500+00:00'
    """
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds")
