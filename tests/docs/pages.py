"""The pages that readers see, their fenced blocks, and the help texts of the program."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
COMMAND_LINE = ROOT / "docs/command-line.md"

# In a panel of `mlplab COMMAND --help`, options and commands are what a row starts with.
_OPTION = re.compile(r"^│\s+\*?\s*((?:--?[a-z][a-z-]*[\s,]+)+)", re.MULTILINE)
_COMMANDS = re.compile(r"^╭─ Commands ─.*?^╰", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^│ ([a-z][a-z-]*) ", re.MULTILINE)


class Help(NamedTuple):
    """What a help text names.

    Attributes:
        options: long and short ones, but for those that ask for help.
        commands: what may come next on the command line.
        text: the whole of it.
    """

    options: frozenset[str]
    commands: tuple[str, ...]
    text: str


@functools.cache
def help_of(*command: str) -> Help:
    """Ask the real program for help."""
    arguments = [sys.executable, "-m", "mlplab.cli.main", *command, "--help"]
    plain = {"COLUMNS": "160", "TERM": "dumb", "NO_COLOR": "1"}
    done = subprocess.run(
        arguments, capture_output=True, text=True, check=True, env=os.environ | plain
    )
    rows = _OPTION.findall(done.stdout)
    options = {option for row in rows for option in re.split(r"[\s,]+", row) if option}
    panel = _COMMANDS.search(done.stdout)
    commands = tuple(_COMMAND.findall(panel[0])) if panel else ()
    return Help(frozenset(options - {"-h", "--help"}), commands, done.stdout)


def all_commands(*command: str) -> list[tuple[str, ...]]:
    """Return every command that has no commands below it, such as ``("data", "info")``."""
    below = help_of(*command).commands
    if not below:
        return [command]
    return [leaf for name in below for leaf in all_commands(*command, name)]


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a language on a page."""
    fenced = rf"^```{language}\n(.*?)^```$"
    return re.findall(fenced, page.read_text(), re.DOTALL | re.MULTILINE)
