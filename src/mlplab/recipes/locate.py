"""The line of every key in a TOML text.

``tomllib`` reads TOML and forgets where it read it. :func:`locate` goes over the same text again
and remembers only that. It is for texts that ``tomllib`` has accepted, so it checks nothing.
"""

from __future__ import annotations

import re
import tomllib

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'""")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_STRING = re.compile(
    r'''"""(?:[^\\]|\\.)*?"""(?:"{0,2})|\'\'\'.*?\'\'\'(?:'{0,2})|"(?:[^"\\]|\\.)*"|'[^']*\'''',
    re.DOTALL,
)
# Numbers, booleans, and dates, the one bare value that may hold a space.
_BARE = re.compile(r"\d{4}-\d\d-\d\d \d\d:[\d:.+Zz-]+|[^\s,\]}#]+")


def locate(text: str) -> dict[Path, int]:
    r"""Map the path of every table, key and array element to its line, counted from 1.

    A path is what indexes the parsed data: ``("recipe", 0, "layers", 2, "units")``.

    Examples:
        >>> locate('[study]\nseeds = [1,\n2]')[("study", "seeds", 1)]
        3
    """
    return _Locator(text).document()


class _Locator:
    """A cursor over the text, and the lines found so far."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.lines: dict[Path, int] = {(): 1}
        self.n_tables: dict[Path, int] = {}  # path of an array of tables -> tables so far

    def document(self) -> dict[Path, int]:
        table: Path = ()
        self.take(_BLANK)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)
            self.take(_BLANK)
        return self.lines

    def take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:  # cannot be, in a text that tomllib accepts
            raise ValueError(f"line {self.line}: not TOML")
        self.at = match.end()
        self.line += match.group().count("\n")
        return match.group()

    def skip(self, n: int) -> None:
        self.at += n

    def starts(self, token: str) -> bool:
        return self.text.startswith(token, self.at)

    def header(self) -> Path:
        """``[a.b]`` or ``[[a.b]]``."""
        brackets = 2 if self.starts("[[") else 1
        self.skip(brackets)
        *parents, last = self.keys()
        path: Path = ()
        for key in parents:
            path = self.newest((*path, key))
            self.lines.setdefault(path, self.line)
        path = (*path, last)
        self.lines.setdefault(path, self.line)
        if brackets == 2:
            self.n_tables[path] = self.n_tables.get(path, 0) + 1
        path = self.newest(path)
        self.lines.setdefault(path, self.line)
        self.skip(brackets)
        return path

    def newest(self, path: Path) -> Path:
        """The last table of an array of tables; any other path as it is."""
        return (*path, self.n_tables[path] - 1) if path in self.n_tables else path

    def keys(self) -> list[str]:
        """A dotted key; the cursor ends behind it and the blanks that follow."""
        self.take(_BLANK)
        keys = [self.key()]
        while _DOT.match(self.text, self.at):
            self.take(_DOT)
            keys.append(self.key())
        self.take(_BLANK)
        return keys

    def key(self) -> str:
        token = self.take(_KEY)
        return next(iter(tomllib.loads(f"{token} = 0"))) if token[0] in "\"'" else token

    def pair(self, table: Path) -> None:
        """``key = value``."""
        path = table
        for key in self.keys():
            path = (*path, key)
            self.lines.setdefault(path, self.line)
        self.skip(len("="))
        self.take(_BLANK)
        self.value(path)

    def value(self, path: Path) -> None:
        if self.starts("["):
            self.array(path)
        elif self.starts("{"):
            self.inline_table(path)
        else:
            self.take(_STRING if self.text[self.at] in "\"'" else _BARE)

    def array(self, path: Path) -> None:
        self.skip(len("["))
        self.take(_BLANK)
        index = 0
        while not self.starts("]"):
            self.lines[(*path, index)] = self.line
            self.value((*path, index))
            index += 1
            self.separator()
        self.skip(len("]"))

    def inline_table(self, path: Path) -> None:
        self.skip(len("{"))
        self.take(_BLANK)
        while not self.starts("}"):
            self.pair(path)
            self.separator()
        self.skip(len("}"))

    def separator(self) -> None:
        self.take(_BLANK)
        self.skip(self.starts(","))
        self.take(_BLANK)
