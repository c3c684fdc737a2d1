"""Every command that a page shows exists, with every option it shows."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, blocks, help_of


def shown_commands(page: Path) -> list[str]:
    """The lines of a page's console blocks that call mlplab, continued lines joined."""
    text = "\n".join(blocks(page, "console")).replace("\\\n", " ")
    lines = [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ ")]
    return [line for line in lines if line.split()[0] == "mlplab"]


SHOWN = [(page, line) for page in PAGES for line in shown_commands(page)]


def problems(line: str) -> list[str]:
    """What is wrong with a command line, by what the help texts say."""
    command, found = (), []
    for word in shlex.split(line, comments=True)[1:]:
        known = help_of(*command)
        option = word.partition("=")[0]
        if word in known.commands:
            command = (*command, word)
        elif option.startswith("-") and option not in known.options | {"-h", "--help"}:
            found.append(f"no option {option}")
        elif not option.startswith("-") and known.commands:
            found.append(f"no command {word}")
            break
    return found


@pytest.mark.parametrize(("page", "line"), SHOWN, ids=[f"{p.name}: {c}" for p, c in SHOWN])
def test_shown_commands_exist(page: Path, line: str):
    assert problems(line) == []


def test_the_readme_and_the_guide_show_commands():
    assert shown_commands(ROOT / "README.md")
    assert len(shown_commands(ROOT / "docs/getting-started.md")) >= 3


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("mlplab reprodcue", "no command reprodcue"),
        ("mlplab data inof mnist", "no command inof"),
        ("mlplab reproduce --seed 3", "no option --seed"),
    ],
)
def test_slips_are_found(line: str, problem: str):
    assert problems(line) == [problem]
