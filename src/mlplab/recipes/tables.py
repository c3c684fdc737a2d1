"""The tables of a study spec, as pydantic models: which keys there are and what they hold.

Keras objects are plain data here; ``objects`` checks what they name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema, field_validator

from mlplab.data.drawn import KINDS
from mlplab.recipes.recipe import NAME_PATTERN, kinds_problems
from mlplab.recipes.tune_table import Table, TuneTable

DEFAULT_N_SEEDS = 10

Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Place = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(gt=0, lt=1)]
# Keras objects; `schema` puts what it knows of Keras in the place of these marks.
Layer = Annotated[Any, WithJsonSchema({"keras": "layer"})]
Optimizer = Annotated[Any, WithJsonSchema({"keras": "optimizer"})]
Loss = Annotated[Any, WithJsonSchema({"keras": "loss"})]


Kind = Annotated[str, WithJsonSchema({"enum": list(KINDS)})]


class StudyTable(Table):
    """``[study]``: what the recipes are trained on, and how often."""

    dataset: str = Field(min_length=1, description="A dataset's name, or a path beside this file.")
    name: Name | None = Field(default=None, description="Default: this file's name.")
    target: str | None = Field(
        default=None, description="The column that holds the class, in a table."
    )
    seeds: int | list[int] = Field(
        default=DEFAULT_N_SEEDS,
        description="How many runs a recipe gets (seeds 0, 1, ...), or the seeds.",
    )
    validation: Literal["test"] | int | float | None = Field(
        default=None,
        description='Training examples that watch training: a number, a share, or "test". '
        "Default: 5,000 or a tenth.",
    )
    keep: Literal["models"] | None = Field(
        default=None, description="What to keep besides the figures."
    )
    vary: Literal["init", "order", "dropout", "split", "all"] = Field(
        default="all",
        description="The random stream that the seeds vary, the others being held; all by default.",
    )

    @field_validator("seeds", mode="plain", json_schema_input_type=Count | list[int])
    @classmethod
    def _seeds(cls, value: Any) -> list[int]:
        return seed_list(value)

    @field_validator(
        "validation", mode="plain", json_schema_input_type=Literal["test"] | Count | Share
    )
    @classmethod
    def _validation(cls, value: Any) -> str | int | float:
        if value == "test" or (_whole(value) and value > 0):
            return str(value) if value == "test" else int(value)
        if isinstance(value, float) and 0 < value < 1:
            return value
        raise ValueError(
            'expected "test", a number of examples above 0 or a share between 0 and 1, '
            f"got {value!r}"
        )


class TrainTable(Table):
    """``[train]``: what all recipes have in common, unless they say otherwise."""

    batch_size: Count | None = Field(default=None, description="Examples a step. Default: 128.")
    epochs: Count | None = Field(
        default=None, description="Passes over the training part. Default: 20."
    )
    optimizer: Optimizer = Field(default=None, description="A Keras optimizer. Default: Adam.")
    loss: Loss = Field(default=None, description="A Keras loss. Default: CategoricalCrossentropy.")
    augmentation: list[Kind] | None = Field(
        default=None,
        description="Changes of which each training example gets one, in a second copy. "
        "Default: none.",
    )

    @field_validator("augmentation")
    @classmethod
    def _augmentation(cls, value: list[str] | None) -> list[str] | None:
        problems = list(kinds_problems(value or []))
        if problems:
            raise ValueError("; ".join(problems))
        return value


class RecipeTable(TrainTable):
    """``[[recipe]]``: a network of its own layers, or one of the notebook's."""

    name: Name | None = Field(
        default=None, description="Used in file names. Default: that of 'like'."
    )
    layers: Annotated[list[Layer], Field(min_length=1)] | None = Field(
        default=None, description="Keras layers from the first to the last."
    )
    like: str | None = Field(default=None, description="A network of the notebook.")


class TrackTable(Table):
    """``[track]``: where runs are told besides the study file; paths are relative to this file."""

    mlflow: Place | None = Field(
        default=None, description="A folder, sqlite:///FILE or http://HOST:PORT."
    )
    tensorboard: Place | None = Field(default=None, description="A folder for event files.")
    csv: Place | None = Field(default=None, description="A CSV file: a row an epoch and a run.")
    jsonl: Place | None = Field(default=None, description="A file of JSON lines.")


class SpecTables(Table):
    """A study spec: ``[study]``, ``[train]``, ``[track]``, ``[tune]``, a ``[[recipe]]`` or more."""

    study: StudyTable
    train: TrainTable = TrainTable()
    track: TrackTable = TrackTable()
    tune: TuneTable = TuneTable()
    recipe: Annotated[list[RecipeTable], Field(min_length=1)]


def seed_list(seeds: int | Sequence[int]) -> list[int]:
    """Return the seeds that ``seeds`` stands for: 0, 1, ... for a number, or those listed.

    Raises:
        ValueError: not a number above 0, nor a list of different whole numbers from 0 up.

    Examples:
        >>> seed_list(3), seed_list([7, 1]), seed_list(range(3, 5))
        ([0, 1, 2], [7, 1], [3, 4])
    """
    if isinstance(seeds, int) and _whole(seeds) and seeds > 0:
        return list(range(seeds))
    if isinstance(seeds, Sequence) and len(seeds) and all(_whole(n) and n >= 0 for n in seeds):
        if len(set(seeds)) == len(seeds):
            return list(seeds)
        twice = next(n for n in seeds if seeds.count(n) > 1)
        raise ValueError(f"expected different seeds, got {twice} more than once")
    raise ValueError(
        f"expected a number of seeds above 0, or a list of whole numbers from 0 up, got {seeds!r}"
    )


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
