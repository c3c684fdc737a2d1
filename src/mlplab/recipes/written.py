"""A study spec as it is written: where its ranges stand, and what it is with values in their place.

Layers may be written as a block that is repeated, ``{ repeat = 2, layers = [...] }``; ``put``
writes the copies out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mlplab.recipes.locate import Path
from mlplab.recipes.problems import Problem, shown
from mlplab.recipes.ranges import Plain, Range, is_range, range_problems, read_range

SEARCHED = ("batch_size", "epochs", "optimizer", "loss", "layers")
"""The keys of ``[train]`` and ``[[recipe]]`` under which a range may stand."""

MOST_COPIES = 1000


class Place(NamedTuple):
    """A range where it stands.

    Attributes:
        path: what indexes the parsed file.
        name: what a search calls it: the range's own name, or its place.
        written: its table.
    """

    path: Path
    name: str
    written: dict[str, Any]


class Put(NamedTuple):
    """A study spec with values in the place of ranges, and blocks written out.

    Attributes:
        data: its tables, plain.
        origins: for the layers, their paths in ``data`` and those in the file.
    """

    data: dict[str, Any]
    origins: dict[Path, Path]

    def as_written(self, path: Path) -> Path:
        """Return the path in the file of what has this path in ``data``."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.origins:
                return (*self.origins[path[:length]], *path[length:])
        return path


def ranges_in(data: dict[str, Any]) -> list[Place]:
    """Return all ranges of a study spec, wherever they stand, in its order."""
    return list(_walk(data, (), ()))


def may_stand(path: Path) -> bool:
    """Say whether a range may stand at a path.

    Examples:
        >>> may_stand(("recipe", 0, "layers", 1, "units")), may_stand(("study", "seeds"))
        (True, False)
    """
    inside = path[2:] if path[0] == "recipe" else path[1:]
    return path[0] in ("recipe", "train") and bool(inside) and inside[0] in SEARCHED


def place_problems(places: list[Place]) -> Iterator[Problem]:
    """What is wrong with ranges: where they stand, what they say, how they go together."""
    named: dict[str, Place] = {}
    for place in places:
        if not may_stand(place.path):
            *most, last = SEARCHED
            text = f"a range may stand for {', '.join(most)} or {last} or within them, not here"
            yield Problem(place.path, text)
            continue
        yield from range_problems(place.written, place.path)
        first = named.setdefault(place.name, place)
        if _said(first) != _said(place):
            text = f"expected the same range wherever it is called {place.name!r}, got another"
            yield Problem(place.path, text)


def read_ranges(places: list[Place]) -> tuple[Range, ...]:
    """Return the ranges, each name once; they must have passed ``place_problems``."""
    named = {place.name: place.written for place in reversed(places)}
    return tuple(read_range(named[name], name) for name in dict.fromkeys(p.name for p in places))


def block_problems(data: dict[str, Any]) -> Iterator[Problem]:
    """What is wrong with the repeated blocks of layers."""
    recipes = data.get("recipe")
    for index, table in enumerate(recipes if isinstance(recipes, list) else []):
        if isinstance(table, dict):
            yield from _blocks_in(table.get("layers"), ("recipe", index, "layers"))


def put(data: dict[str, Any], values: Mapping[str, Plain]) -> Put:
    """Return a study spec with values, by the names of their ranges, and copies written out."""
    origins: dict[Path, Path] = {}
    plain = {key: _filled(value, (key,), (), values) for key, value in data.items()}
    recipes = plain.get("recipe")
    for index, table in enumerate(recipes if isinstance(recipes, list) else []):
        if isinstance(table, dict) and isinstance(table.get("layers"), list):
            path: Path = ("recipe", index, "layers")
            flat = list(_flat(table["layers"], path))
            table["layers"] = [layer for layer, _ in flat]
            origins |= {(*path, place): origin for place, (_, origin) in enumerate(flat)}
    return Put(plain, origins)


def marked(tables: dict[str, Any]) -> dict[str, Any]:
    """Return tables of a study spec with the sign ``<range>`` in the place of each range."""

    def mark(value: Any) -> Any:
        if is_range(value):
            return "<range>"
        if isinstance(value, dict):
            return {key: mark(inner) for key, inner in value.items()}
        return [mark(inner) for inner in value] if isinstance(value, list) else value

    return {key: mark(value) for key, value in tables.items()}


def _walk(value: Any, path: Path, name: tuple[str, ...]) -> Iterator[Place]:
    if is_range(value):
        own = value.get("name")
        yield Place(path, own if isinstance(own, str) and own else ".".join(name), value)
        return
    for key, inner in _items(value):
        yield from _walk(inner, (*path, key), _named(key, inner, path, name))


def _items(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def _named(key: str | int, inner: Any, path: Path, name: tuple[str, ...]) -> tuple[str, ...]:
    """The name of a place: keys from the recipe on, a layer's own name in the place of its own."""
    if path in ((), ("recipe",)):
        return ()
    is_layer = isinstance(key, int) and path[-1] == "layers" and isinstance(inner, dict)
    if is_layer and isinstance(inner.get("name"), str):
        return (inner["name"],)
    return (*name, str(key))


def _said(place: Place) -> dict[str, Any]:
    return {key: value for key, value in place.written.items() if key != "name"}


def _is_block(layer: Any) -> bool:
    return isinstance(layer, dict) and "repeat" in layer and "class" not in layer


def _blocks_in(layers: Any, path: Path) -> Iterator[Problem]:
    for place, layer in enumerate(layers if isinstance(layers, list) else []):
        if _is_block(layer):
            yield from _block_problems(layer, (*path, place))


def _block_problems(block: dict[str, Any], path: Path) -> Iterator[Problem]:
    for key in block:
        if key not in ("repeat", "layers"):
            yield Problem((*path, key), f"a repeated block has repeat and layers, got {key!r}")
    if not isinstance(block.get("layers"), list) or not block["layers"]:
        got = shown(block.get("layers"))
        yield Problem(path, f"a repeated block has a list of layers, got {got}")
    else:
        yield from _blocks_in(block["layers"], (*path, "layers"))
    repeat = block["repeat"]
    numbers = [repeat.get("low", 0), repeat.get("high", 0)] if is_range(repeat) else [repeat]
    if is_range(repeat) and "choices" in repeat:
        numbers = repeat["choices"] if isinstance(repeat["choices"], list) else []
    for number in numbers:
        whole = isinstance(number, int) and not isinstance(number, bool)
        if not whole or not 0 <= number <= MOST_COPIES:
            text = f"expected a whole number from 0 to {MOST_COPIES}, got {shown(number)}"
            yield Problem((*path, "repeat"), text)


def _filled(value: Any, path: Path, name: tuple[str, ...], values: Mapping[str, Plain]) -> Any:
    """The value with every range in it replaced, as new lists and tables."""
    if is_range(value):
        return values[next(_walk(value, path, name)).name]
    if isinstance(value, dict):
        return {
            key: _filled(inner, (*path, key), _named(key, inner, path, name), values)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [
            _filled(inner, (*path, place), _named(place, inner, path, name), values)
            for place, inner in enumerate(value)
        ]
    return value


def _flat(layers: list[Any], path: Path) -> Iterator[tuple[Any, Path]]:
    """Layers in a row, blocks written out, each with its path in the file."""
    for place, layer in enumerate(layers):
        if not _is_block(layer):
            yield layer, (*path, place)
            continue
        for copy in range(1, layer["repeat"] + 1):
            for inner, origin in _flat(layer["layers"], (*path, place, "layers")):
                yield _copy(inner, copy), origin


def _copy(layer: Any, number: int) -> Any:
    """A copy of a layer; where it has a name, the second is name_2: Keras wants different ones."""
    if number == 1 or not isinstance(layer, dict) or not isinstance(layer.get("name"), str):
        return layer
    return layer | {"name": f"{layer['name']}_{number}"}
