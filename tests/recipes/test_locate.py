"""The line of every key, against tomllib's own reading of the same text."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlplab.recipes.locate import Path, locate

TEXT = '''\
# a comment with [brackets] = and "quotes"
title = "a # b"          # line 2
"quoted key" = 'x = [1'
dotted.key . deep = 1

[study]
seeds = [ # line 7
    1,    # line 8
    [2, 3],
]
text = """
several " lines ""
of \\""" text"""
literal = \'\'\'
[not.a.table]
\'\'\'
when = 1979-05-27 07:32:00Z
time = 07:32:00
after = { a = 1, "b c" = [{ d = -1.5e3 }, {}] }

[[recipe]]
name = "first"
[recipe.sub]
x = true
[[recipe.layers]]
class = "A"
[[recipe.layers]]
class = "B"
[[recipe]]
[recipe.sub.sub]
[[recipe.layers]]
class = "C"
'''


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    yield path
    if isinstance(value, dict):
        items: Any = value.items()
    else:
        items = enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from paths(item, (*path, key))


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_lines(newline: str):
    text = TEXT.replace("\n", newline)
    lines = locate(text)
    assert set(lines) == set(paths(tomllib.loads(text)))
    expected: dict[Path, int] = {
        ("title",): 2,
        ("quoted key",): 3,
        ("dotted", "key", "deep"): 4,
        ("study",): 6,
        ("study", "seeds"): 7,
        ("study", "seeds", 0): 8,
        ("study", "seeds", 1, 1): 9,
        ("study", "text"): 11,
        ("study", "literal"): 14,
        ("study", "when"): 17,
        ("study", "time"): 18,
        ("study", "after", "b c", 0, "d"): 19,
        ("recipe",): 21,
        ("recipe", 0, "name"): 22,
        ("recipe", 0, "sub", "x"): 24,
        ("recipe", 0, "layers", 0): 25,
        ("recipe", 0, "layers", 1): 27,
        ("recipe", 0, "layers", 1, "class"): 28,
        ("recipe", 1): 29,
        ("recipe", 1, "sub"): 30,
        ("recipe", 1, "layers", 0, "class"): 32,
    }
    assert {path: lines[path] for path in expected} == expected


def test_nothing_and_no_newline_at_the_end():
    assert locate("") == {(): 1}
    assert locate("\n\na = 1") == {(): 1, ("a",): 3}


# Texts of any shape: values are written with newlines and comments wherever TOML allows them.

KEYS = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,4}", fullmatch=True),
    st.from_regex(r'"([ #=\[\]{}.,a\']|\\"|\\\\){0,4}"', fullmatch=True),
    st.from_regex(r"'[ #=\[\]{}.,a\"]{0,4}'", fullmatch=True),
)
SCALARS = st.one_of(
    st.sampled_from(["1", "-2.5e-3", "true", "inf", "0x1F", "1_000", "07:32:00", "1979-05-27"]),
    st.sampled_from(["1979-05-27T07:32:00-08:00", "1979-05-27 07:32:00.5", '""', "''"]),
    st.sampled_from(['"""a\n"" # ]\n\\"""""', "'''\n'' } \n''''", '"""\\\n  x"""', '""""x"""']),
    st.from_regex(r'"([ #=\[\]{},x\']|\\"|\\\\){0,6}"', fullmatch=True),
)
GAPS = st.sampled_from(["", " ", "\n", " # ] } , = \n", "\r\n\t"])


@st.composite
def values(draw: st.DrawFn, depth: int = 3) -> str:
    kind = draw(st.sampled_from(["scalar", "array", "table"])) if depth else "scalar"
    if kind == "array":
        items = draw(st.lists(values(depth - 1), max_size=3))
        spaced = [f"{draw(GAPS)}{item}{draw(GAPS)}" for item in items]
        comma = draw(st.sampled_from(["", ","])) if items else ""
        return f"[{','.join(spaced)}{comma}{draw(GAPS)}]"
    if kind == "table":
        keys = draw(st.lists(KEYS, max_size=3, unique_by=lambda key: key.strip("\"'")))
        return "{" + ", ".join(f"{key} = {draw(values(depth - 1))}" for key in keys) + " }"
    return draw(SCALARS)


@st.composite
def texts(draw: st.DrawFn) -> str:
    lines = []
    for index in range(draw(st.integers(0, 5))):
        header = draw(st.sampled_from(["", f"[t{index}]", "[[many]]", f"[many{index}.'x'] # y"]))
        key, value = f"k{index}.{draw(KEYS)}", draw(values())
        lines += [header, draw(GAPS), f"{key} = {value} # = ["]
    return "\n".join(lines)


@settings(max_examples=150, deadline=None)
@given(texts())
def test_every_path_that_tomllib_reads_has_a_line(text: str):
    lines = locate(text)
    assert set(lines) == set(paths(tomllib.loads(text)))
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())


@settings(max_examples=50, deadline=None)
@given(texts(), texts())
def test_what_stands_before_shifts_the_lines(text: str, comment: str):
    shift = "".join(f"# {line}\n" for line in comment.replace("\r", "").split("\n"))
    n = shift.count("\n")
    expected = {path: line + n for path, line in locate(text).items() if path}
    assert {path: line for path, line in locate(shift + text).items() if path} == expected
