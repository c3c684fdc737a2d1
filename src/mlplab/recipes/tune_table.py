"""``[tune]``: how to search, as a pydantic model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(gt=0)]
Sampler = Literal["tpe", "random", "grid", "qmc", "cmaes"]
Pruner = Literal["median", "hyperband", "halving", "none"]
TuneMetric = Literal["accuracy", "loss"]


class Table(BaseModel):
    """A TOML table in which no key goes unread."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TuneTable(Table):
    """``[tune]``: how ``mlplab tune`` searches."""

    trials: Count = Field(default=50, description="How many recipes the search tries.")
    seeds: Count = Field(default=3, description="How many runs each gets; its score is their mean.")
    sampler: Sampler = Field(default="tpe", description="What chooses the next recipe.")
    pruner: Pruner = Field(default="median", description="What stops a trial early.")
    metric: TuneMetric = Field(
        default="accuracy", description="The score on the validation data: accuracy or loss."
    )
    storage: str | None = Field(
        default=None, description="An Optuna storage URL. Default: a file beside the study file."
    )
    fresh_seeds: Annotated[int, Field(ge=2)] = Field(
        default=10, description="How many seeds the winner is confirmed on."
    )
    max_minutes: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="Begin no trial after so many minutes."
    )
    seed: Annotated[int, Field(ge=0)] = Field(
        default=0, description="What the sampler's choices follow from."
    )
