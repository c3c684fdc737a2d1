"""Problems: what is wrong with a study spec, where, all at once."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from typing import NamedTuple

from mlplab.errors import RecipeError
from mlplab.recipes.locate import Path

_LONGEST_SENTENCE = 300
_LONGEST_VALUE = 60


class Problem(NamedTuple):
    """One thing that is wrong.

    Attributes:
        path: what indexes the parsed file, for instance ``("recipe", 0, "layers", 2, "unit")``.
        text: what is wrong with it, in one line.
    """

    path: Path
    text: str


def raise_problems(problems: Iterable[Problem], file: str, lines: dict[Path, int]) -> None:
    """Raise one RecipeError with a line for each problem, in the order of the file; or return."""
    ordered = sorted(problems, key=lambda problem: _line(problem.path, lines))
    if ordered:
        raise RecipeError(
            "\n".join(
                f"{file}:{_line(path, lines)}: {_where(path)}{text}" for path, text in ordered
            )
        )


def shown(value: object) -> str:
    """A value as a message shows it: not longer than it helps."""
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


# What Keras puts around the sentence that matters.
_KERAS_FRAME = re.compile(
    r"Exception encountered when calling [\w.]+\(\)\. (?:\x1b\[1m)?(.+?)(?:\x1b\[0m)? "
    r"Arguments received by .*"
)


def sentence(error: Exception) -> str:
    """What an error says, on one line and no longer than a reader will read."""
    words = re.sub(r"\s+", " ", str(error)).strip() or type(error).__name__
    if within := _KERAS_FRAME.fullmatch(words):
        words = within[1]
    return textwrap.shorten(words, _LONGEST_SENTENCE, placeholder=" ...")


def _line(path: Path, lines: dict[Path, int]) -> int:
    """The line of the path, or of the closest table around it that the file has."""
    while path not in lines:
        path = path[:-1]
    return lines[path]


def _where(path: Path) -> str:
    """``layers[2].unit: `` inside a recipe, ``study.seeds: `` elsewhere."""
    if len(path) > 1 and path[0] == "recipe":
        path = path[2:]
    written = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return f"{written.lstrip('.')}: " if written else ""
