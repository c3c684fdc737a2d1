"""Search specs: study specs in which ranges stand for values; what ``mlplab tune`` takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlplab.recipes.locate import locate
from mlplab.recipes.problems import Problem, raise_problems
from mlplab.recipes.ranges import Plain, Range
from mlplab.recipes.recipe import Recipe
from mlplab.recipes.spec import StudySpec, problems_in, spec_of
from mlplab.recipes.tables import SpecTables
from mlplab.recipes.toml_file import parse, read
from mlplab.recipes.tracked import place_problems as tracker_problems
from mlplab.recipes.tune_table import TuneTable
from mlplab.recipes.written import (
    Place,
    block_problems,
    marked,
    place_problems,
    put,
    ranges_in,
    read_ranges,
)


@dataclass(frozen=True)
class SearchSpec:
    """What a search spec asks for.

    Attributes:
        study: the study spec that it is at the start: every range at its ``start``.
        ranges: the ranges, each name once, in the order of the file.
        settings: its table ``[tune]``.
        written: its tables, as plain data.
    """

    study: StudySpec
    ranges: tuple[Range, ...]
    settings: TuneTable
    written: dict[str, Any] = field(repr=False)

    @property
    def start(self) -> dict[str, Plain]:
        """The values of the starting recipe."""
        return {one.name: one.start for one in self.ranges}

    @property
    def first(self) -> Recipe:
        """The starting recipe."""
        return self.study.recipes[0]

    def recipe(self, values: Mapping[str, Plain], name: str | None = None) -> Recipe:
        """Return the recipe with these values in the place of the ranges.

        Args:
            values: a value for each range, by its name.
            name: what the recipe is called; as the starting one where it is None.

        Raises:
            RecipeError: values that do not go together, one line for each problem.
        """
        plain = put(self.written, values)
        raise_problems(problems_in(plain), self.study.file, self.study.lines)
        recipe = spec_of(plain, Path(self.study.file), self.study.lines).recipes[0]
        return recipe if name is None else recipe.replace(name=name)

    def about(self) -> dict[str, Any]:
        """Return the space as plain data: what stands around the ranges, and the ranges.

        Neither the recipe's name is part of it nor where the search starts.
        """
        (recipe,) = self.written["recipe"]
        around = {
            "train": self.written.get("train", {}),
            "recipe": {key: value for key, value in recipe.items() if key != "name"},
        }
        return {"around": marked(around), "ranges": {r.name: r.as_data() for r in self.ranges}}


def load_search(path: str | Path) -> SearchSpec:
    """Read a study spec in which ranges stand for values.

    Every range is checked at its start and, one at a time, at each bound or choice.

    Raises:
        RecipeError: a file that cannot be read or is not TOML, or one line for each problem in it.

    Examples:
        >>> import tempfile
        >>> text = '''
        ... [study]
        ... dataset = "digits"
        ... [[recipe]]
        ... name = "small"
        ... batch_size = { choices = [32, 64], start = 32 }
        ... [[recipe.layers]]
        ... class = "Dense"
        ... name = "hidden"
        ... units = { low = 8, high = 64, log = true, start = 16 }
        ... [[recipe.layers]]
        ... class = "Dense"
        ... units = "classes"
        ... activation = "softmax"
        ... '''
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder) / "search.toml"
        ...     _ = file.write_text(text)
        ...     spec = load_search(file)
        >>> spec.start
        {'batch_size': 32, 'hidden.units': 16}
        >>> spec.recipe({"batch_size": 64, "hidden.units": 20}).batch_size
        64
    """
    path = Path(path)
    text = read(path)
    data, lines = parse(text, path), locate(text)
    places = ranges_in(data)
    raise_problems(_shape_problems(data, places), str(path), lines)
    ranges = read_ranges(places)
    start = {one.name: one.start for one in ranges}
    plain = put(data, start)
    found = [*problems_in(plain), *tracker_problems(plain.data, path.parent)]
    raise_problems([*found, *_edge_problems(data, ranges, start, found)], str(path), lines)
    spec = spec_of(plain, path, lines)
    return SearchSpec(spec, ranges, SpecTables.model_validate(plain.data).tune, data)


def _shape_problems(data: dict[str, Any], places: list[Place]) -> Iterator[Problem]:
    """What is wrong with the ranges and blocks, before any value can be put in."""
    yield from place_problems(places)
    yield from block_problems(data)
    recipes = data.get("recipe")
    if isinstance(recipes, list) and len(recipes) != 1:
        text = f"a search starts from one recipe, got {len(recipes)}; give each a file of its own"
        yield Problem(("recipe",), text)
    if not places:
        text = "expected a range somewhere, such as { low = 16, high = 512, start = 64 }, got none"
        yield Problem((), f"{text}; to train the recipe as it is: mlplab run")
    yield from _unused(data, places)
    yield from _study_problems(data.get("study"))


def _study_problems(study: Any) -> Iterator[Problem]:
    """What a search cannot do, of what a study can."""
    asked = study if isinstance(study, dict) else {}
    if asked.get("validation") == "test":
        text = 'a search scores by validation data, got "test": the test set is for the end; '
        text += "give a number of training examples, or a share"
        yield Problem(("study", "validation"), text)
    if asked.get("vary", "all") != "all":
        text = f'expected "all" where recipes are searched, got {asked["vary"]!r}'
        yield Problem(("study", "vary"), text)


def _unused(data: dict[str, Any], places: list[Place]) -> Iterator[Problem]:
    """Ranges of ``[train]`` under a key that the recipe has as well."""
    recipes = data.get("recipe")
    own = recipes[0] if isinstance(recipes, list) and recipes else {}
    for place in places:
        if place.path[0] == "train" and isinstance(own, dict) and place.path[1] in own:
            yield Problem(place.path, f"the recipe has its own {place.path[1]}: not searched")


def _edge_problems(
    data: dict[str, Any],
    ranges: Iterable[Range],
    start: dict[str, Plain],
    known: list[Problem],
) -> Iterator[Problem]:
    """What is wrong with each bound or choice, the other ranges being at their start."""
    told = set(known)
    for one in ranges:
        for edge in one.edges:
            for problem in problems_in(put(data, start | {one.name: edge})):
                if problem not in told:
                    told.add(problem)
                    text = f"{problem.text} (where {one.name} is {edge!r})"
                    yield Problem(problem.path, text)
