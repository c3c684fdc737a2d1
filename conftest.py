"""Documents are tests: the Python blocks of README.md and docs/, and the docstrings' examples.

Each document runs in an empty folder of its own, and its blocks share one namespace. A comment
right under a ``print`` in a block is what it must print.
"""

from __future__ import annotations

import contextlib
import io
import re
import tempfile
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE
from typing import Any

from sybil import Example, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser
from sybil.parsers.rest import DocTestParser

_PRINTED = re.compile(r"^( *)print\(.*\n((?:\1#.*\n)+)", re.MULTILINE)


def expected_output(source: str) -> list[str]:
    """Return the lines that the comments under a block's ``print`` calls promise."""
    comments = "".join(match[2] for match in _PRINTED.finditer(source + "\n"))
    return [line.strip().removeprefix("#").removeprefix(" ") for line in comments.splitlines()]


class EvaluateBlock(PythonEvaluator):
    """Runs a block; where it says what it prints, it must print exactly that."""

    def __call__(self, example: Example) -> str | None:
        """Return what is wrong with a block, or None."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            super().__call__(example)
        expected = expected_output(str(example.parsed))
        got = [line.rstrip() for line in printed.getvalue().splitlines()]
        if expected and expected != got:
            return "\n".join(["the block says that it prints", *expected, "and prints", *got])
        return None


def enter_folder(namespace: dict[str, Any]) -> None:
    """Begin a document: go to an empty folder."""
    namespace["__folders__"] = stack = contextlib.ExitStack()
    stack.enter_context(contextlib.chdir(stack.enter_context(tempfile.TemporaryDirectory())))


def leave_folder(namespace: dict[str, Any]) -> None:
    """End a document: come back, and remove its folder."""
    namespace.pop("__folders__").close()


_pages = Sybil(
    parsers=[CodeBlockParser("python", EvaluateBlock())],
    patterns=["README.md", "CONTRIBUTING.md", "docs/*.md"],
    setup=enter_folder,
    teardown=leave_folder,
)
_docstrings = Sybil(
    parsers=[DocTestParser(optionflags=ELLIPSIS | NORMALIZE_WHITESPACE)],
    patterns=["src/mlplab/**/*.py", "src/mlplab/*.py"],
    setup=enter_folder,
    teardown=leave_folder,
)

pytest_collect_file = (_pages + _docstrings).pytest()
