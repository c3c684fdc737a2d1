"""docs/command-line.md names exactly the commands and options that the program has."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import COMMAND_LINE, all_commands, help_of

TEXT = COMMAND_LINE.read_text()
SECTIONS = dict(re.findall(r"^## `mlplab ([a-z ]+)`\n(.*?)(?=^## |\Z)", TEXT, re.M | re.S))


def documented_options(section: str) -> set[str]:
    """The options in the first cells of a section's table."""
    cells = re.findall(r"^\| (`-.*?) \|", section, re.M)
    return {option for cell in cells for option in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", cell)}


def test_every_command_has_a_section():
    assert sorted(SECTIONS) == sorted(" ".join(command) for command in all_commands())


@pytest.mark.parametrize("name", SECTIONS)
def test_every_option_is_documented(name: str):
    assert documented_options(SECTIONS[name]) == help_of(*name.split()).options


def test_the_options_of_the_program_itself_are_documented():
    before = TEXT.partition("\n## `mlplab ")[0]
    own = {word for word in help_of().options if not word.startswith("--install")}
    assert documented_options(before) == own - {"--show-completion"}
