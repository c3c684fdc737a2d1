"""Study specs: TOML read, validated and turned into recipes, with every problem told at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from mlplab.data.catalog import CATALOG
from mlplab.data.dataset import Dataset
from mlplab.errors import RecipeError, did_you_mean
from mlplab.recipes.layers import LayerList, assemble
from mlplab.recipes.locate import Path as Keys
from mlplab.recipes.locate import locate
from mlplab.recipes.notebook import notebook_recipes
from mlplab.recipes.objects import problems_of
from mlplab.recipes.problems import Problem, raise_problems, sentence, shown
from mlplab.recipes.recipe import Recipe, augmentation_problem, shape_problem
from mlplab.recipes.tables import (
    RecipeTable,
    SpecTables,
    StudyTable,
    TrackTable,
    TrainTable,
    seed_list,
)
from mlplab.recipes.toml_file import parse, read
from mlplab.recipes.tracked import place_problems, places
from mlplab.recipes.tune_table import Table, TuneTable
from mlplab.recipes.vocabulary import Kind
from mlplab.recipes.written import Put, block_problems, put, ranges_in

_TABLES: dict[str, type[Table]] = {
    "study": StudyTable,
    "train": TrainTable,
    "track": TrackTable,
    "recipe": RecipeTable,
    "tune": TuneTable,
}
_SETTINGS = ("batch_size", "epochs", "optimizer", "loss", "augmentation")


@dataclass(frozen=True)
class StudySpec:
    """What a study spec asks for.

    Attributes:
        name: the study's name.
        dataset: what ``mlplab.load`` takes: a name, or a path.
        load_options: the keyword arguments that go with it, such as ``target``.
        seeds: one run of each recipe a seed.
        validation: ``"test"``, a number of training examples, a share of them, or None for the
            default.
        keep: ``"models"`` to keep the trained models, or None.
        vary: the random stream that the seeds vary, or ``"all"``.
        track: the trackers that are told every run, and where they are; see ``mlplab.run``.
        recipes: what to train, in the order of the file.
        file: the study spec, as it was named.
        lines: the line of every key in it, for messages.
        origins: where layers stand in it, for those of repeated blocks.
    """

    name: str
    dataset: str
    load_options: dict[str, Any]
    seeds: list[int]
    validation: str | int | float | None
    keep: str | None
    vary: str
    track: dict[str, str]
    recipes: list[Recipe]
    file: str
    lines: dict[Keys, int] = field(repr=False)
    origins: dict[Keys, Keys] = field(default_factory=dict, repr=False)


def load_spec(path: str | Path) -> StudySpec:
    """Read a study spec.

    Settings of a recipe come from its own table, else from ``[train]``, else from the network that
    ``like`` names, else from ``Recipe``. A relative path to data or to what a tracker writes starts
    at the file's folder.

    Raises:
        RecipeError: a file that cannot be read or is not TOML, or one line for each problem in it:
            ``FILE:LINE: where: what``.

    Examples:
        >>> import tempfile
        >>> text = '''
        ... [study]
        ... dataset = "mnist"
        ... seeds = 3
        ... [[recipe]]
        ... name = "small"
        ... layers = [{ class = "Dense", units = "classes", activation = "softmax" }]
        ... '''
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder) / "first.toml"
        ...     _ = file.write_text(text)
        ...     spec = load_spec(file)
        >>> spec.name, spec.seeds, spec.recipes[0].name
        ('first', [0, 1, 2], 'small')
    """
    path = Path(path)
    text = read(path)
    data, lines = parse(text, path), locate(text)
    _refuse_ranges(data, path, lines)
    raise_problems(block_problems(data), str(path), lines)
    plain = put(data, {})
    raise_problems([*problems_in(plain), *place_problems(data, path.parent)], str(path), lines)
    return spec_of(plain, path, lines)


def problems_in(plain: Put) -> list[Problem]:
    """Return everything that is wrong with a study spec without ranges, where it stands."""
    data = plain.data
    found = [*_table_problems(data), *_recipe_problems(data), *_data_problems(data)]
    return [Problem(plain.as_written(path), text) for path, text in found]


def spec_of(plain: Put, path: Path, lines: dict[Keys, int]) -> StudySpec:
    """Return what a study spec asks for; it must have passed ``problems_in``."""
    tables = SpecTables.model_validate(plain.data)
    study = tables.study
    return StudySpec(
        name=study.name or _file_name(path),
        dataset=_dataset(study.dataset, path),
        load_options={} if study.target is None else {"target": study.target},
        seeds=seed_list(study.seeds),
        validation=study.validation,
        keep=study.keep,
        vary=study.vary,
        track=places(tables.track, path.parent),
        recipes=[_recipe(table, tables.train) for table in tables.recipe],
        file=str(path),
        lines=lines,
        origins=plain.origins,
    )


def _refuse_ranges(data: dict[str, Any], path: Path, lines: dict[Keys, int]) -> None:
    """Raise an error where a value is a range: there is no one recipe to train."""
    if ranges := ranges_in(data):
        text = f"expected a value, got a range; to search: mlplab tune {path}"
        raise_problems([Problem(place.path, text) for place in ranges], str(path), lines)


def check(spec: StudySpec, dataset: Dataset) -> None:
    """Build every recipe for the dataset's shapes, and say which cannot be trained on it.

    Raises:
        RecipeError: one line for each recipe that does not fit: ``FILE:LINE: where: what``.
    """
    found = (_fit_problem(i, recipe, dataset) for i, recipe in enumerate(spec.recipes))
    written = Put({}, spec.origins)
    problems = [Problem(written.as_written(one.path), one.text) for one in found if one]
    raise_problems(problems, spec.file, spec.lines)


def _fit_problem(index: int, recipe: Recipe, dataset: Dataset) -> Problem | None:
    """The first thing that keeps a recipe from a dataset."""
    path: Keys = ("recipe", index)
    if not isinstance(recipe.build, LayerList):
        try:
            recipe.model(dataset)
        except (RecipeError, ValueError) as error:
            return Problem(path, sentence(error))
        return None
    model, problem = assemble(recipe.build.layers, dataset)
    if problem is not None:
        return Problem((*path, "layers", *problem.path), problem.text)
    unfit = augmentation_problem(recipe.augmentation, dataset)
    if unfit is not None:
        return Problem(path, unfit)
    text = shape_problem(model, dataset, recipe.n_outputs(dataset.n_classes))
    last = len(recipe.build.layers) - 1
    return None if text is None else Problem((*path, "layers", last), text)


def _table_problems(data: dict[str, Any]) -> Iterator[Problem]:
    """What pydantic finds: keys and plain values."""
    try:
        SpecTables.model_validate(data)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            yield Problem(details["loc"], _said(details))


def _said(details: ErrorDetails) -> str:
    """Pydantic's finding in our words."""
    kind, loc, got = details["type"], details["loc"], details["input"]
    if kind == "missing":
        return f"missing; {_MISSING[loc[-1]]}"
    if kind == "extra_forbidden":
        table = next((name for name in _TABLES if name == loc[0] and len(loc) > 1), None)
        known = _TABLES[table].model_fields if table else SpecTables.model_fields
        return f"unknown key {loc[-1]!r}{did_you_mean(str(loc[-1]), known)}"
    if kind == "value_error":
        return str(details["ctx"]["error"])
    if kind == "too_short":
        return f"expected at least one, got {got!r}"
    if kind == "list_type" and loc == ("recipe",):
        return "expected tables that begin with [[recipe]], in two brackets"
    if kind == "string_pattern_mismatch":
        return (
            f"expected letters, digits and . _ + - that start with a letter or digit, got {got!r}"
        )
    expected = _EXPECTED.get(kind) or details["msg"].replace("Input should be", "expected")
    return f"{expected}, got {shown(got)}"


_MISSING: dict[Any, str] = {
    "study": "a study spec has a table [study]",
    "recipe": "a study spec has one table [[recipe]] or more",
    "dataset": "name a dataset, or a path to one",
}
_EXPECTED = {
    "greater_than": "expected a whole number above 0",
    "int_type": "expected a whole number",
    "list_type": "expected a list",
    "model_type": "expected a table",
    "string_type": "expected a text in quotes",
    "string_too_short": "expected a text that is not empty",
}


def _recipe_problems(data: dict[str, Any]) -> Iterator[Problem]:
    """What pydantic cannot know: Keras names and arguments, and how recipes go together."""
    train, recipes = data.get("train"), data.get("recipe")
    if isinstance(train, dict):
        yield from _setting_problems(train, ("train",))
    if not isinstance(recipes, list):
        return
    taken: dict[Any, int] = {}
    for index, table in enumerate(recipes):
        if isinstance(table, dict):
            path: Keys = ("recipe", index)
            yield from _setting_problems(table, path)
            yield from _network_problems(table, path)
            yield from _name_problems(table, path, taken)


def _setting_problems(table: dict[str, Any], path: Keys) -> Iterator[Problem]:
    kinds: tuple[Kind, ...] = ("optimizer", "loss")
    for kind in kinds:
        if kind in table:
            yield from problems_of(kind, table[kind], (*path, kind))


def _network_problems(table: dict[str, Any], path: Keys) -> Iterator[Problem]:
    layers, like = table.get("layers"), table.get("like")
    if (layers is None) == (like is None):
        got = "neither" if layers is None else "both"
        yield Problem(path, f"a recipe has layers, or 'like' and a notebook network; got {got}")
    if isinstance(layers, list):
        for position, written in enumerate(layers):
            yield from problems_of("layer", written, (*path, "layers", position))
    known = [recipe.name for recipe in notebook_recipes()]
    if isinstance(like, str) and like not in known:
        hint = did_you_mean(like, known) or f"; there are {', '.join(known)}"
        yield Problem((*path, "like"), f"unknown recipe {like!r}{hint}")


def _name_problems(table: dict[str, Any], path: Keys, taken: dict[Any, int]) -> Iterator[Problem]:
    """A missing name, or one that an earlier recipe has; ``taken`` counts them by name."""
    name = table.get("name", table.get("like"))
    if name is None:
        yield Problem(path, "a recipe of its own layers needs a 'name'")
    elif isinstance(name, str):
        taken[name] = taken.get(name, 0) + 1
        if taken[name] > 1:
            yield Problem((*path, "name"), f"expected different names, got {name!r} again")


def _recipe(table: RecipeTable, train: TrainTable) -> Recipe:
    settings = {
        key: getattr(train, key) if getattr(table, key) is None else getattr(table, key)
        for key in _SETTINGS
    }
    chosen = {key: value for key, value in settings.items() if value is not None}
    chosen["augmentation"] = tuple(settings["augmentation"] or ())
    if table.like is not None:
        like = next(recipe for recipe in notebook_recipes() if recipe.name == table.like)
        return like.replace(name=table.name or like.name, **chosen)
    return Recipe(str(table.name), LayerList(tuple(table.layers or ())), **chosen)


def _data_problems(data: dict[str, Any]) -> list[Problem]:
    """Whether the dataset, where it is named and no path, is one that mlplab knows."""
    table = data.get("study")
    name = table.get("dataset") if isinstance(table, dict) else None
    if not isinstance(name, str) or not name or _is_path(name) or name in CATALOG:
        return []
    text = f"expected a dataset out of {', '.join(CATALOG)}, or a path, got {name!r}"
    return [Problem(("study", "dataset"), text + did_you_mean(name, CATALOG))]


def _is_path(dataset: str) -> bool:
    return "/" in dataset or bool(Path(dataset).suffix)


def _dataset(dataset: str, path: Path) -> str:
    """A path starts at the study spec's folder; a name has neither a folder nor a suffix."""
    return str(path.parent / dataset) if _is_path(dataset) else dataset


def _file_name(path: Path) -> str:
    """A study's name from its file's, with other signs than a name may have left out."""
    return re.sub(r"[^A-Za-z0-9._+-]+|^[^A-Za-z0-9]+", "-", path.stem).lstrip("-") or "study"
