"""The TOML text of a study spec: read and parsed, or why it cannot be."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from mlplab.errors import RecipeError


def read(path: Path) -> str:
    """Return the text of a study spec.

    Raises:
        RecipeError: the file cannot be read, is no UTF-8, or is a study file.
    """
    try:
        content = path.read_bytes()
        if content.startswith(b"SQLite format 3"):
            raise RecipeError(
                f"{path}: expected a study spec (TOML), got a study file; to see what it holds: "
                f"mlplab compare {path}, mlplab report {path}"
            )
        return content.decode()
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}: expected UTF-8 text, byte {error.start} is not") from error
    except OSError as error:
        raise RecipeError(f"{path}: cannot read this study spec: {error.strerror}") from error


def parse(text: str, path: Path) -> dict[str, Any]:
    """Return the tables of a TOML text.

    Raises:
        RecipeError: it is no TOML; line and column are named.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", str(error))
        line, column, what = _end(text, error) if said is None else (*said.groups()[1:], said[1])
        raise RecipeError(f"{path}:{line}:{column}: not TOML: {what}") from error


def _end(text: str, error: Exception) -> tuple[int, int, str]:
    """Where the text ends: there tomllib names no line."""
    last = text.rsplit("\n", 1)[-1]
    return text.count("\n") + 1, len(last) + 1, str(error).removesuffix(" (at end of document)")
