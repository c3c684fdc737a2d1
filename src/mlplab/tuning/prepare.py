"""What a search is done with: its spec under the settings of this call, and its trials' terms."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mlplab.data import Dataset, default_validation, load
from mlplab.engine import Streams, check_engine
from mlplab.errors import UsageError
from mlplab.recipes import SearchSpec, TuneTable, check, load_search
from mlplab.tuning.confirm import FIRST_FRESH
from mlplab.tuning.trial import Terms


def prepare(
    spec: SearchSpec | str | Path, dataset: Dataset | None, engine: str, **given: Any
) -> tuple[SearchSpec, Terms]:
    """Check everything that can be checked before the first trial.

    Args:
        spec: what to search, or its path.
        dataset: the data; what the spec names where it is None.
        engine: what trains.
        given: settings, as for ``with_settings``.

    Returns:
        The search spec with these settings, and what its trials have in common.

    Raises:
        RecipeError: the spec cannot be used.
        UsageError: a setting that cannot be used, or no such engine.
        DataError: the data cannot be loaded, or carved.
    """
    spec = spec if isinstance(spec, SearchSpec) else load_search(spec)
    spec = with_settings(spec, given)
    check_engine(engine)
    dataset = dataset or load(spec.study.dataset, **spec.study.load_options)
    check(spec.study, dataset)
    validation = spec.study.validation
    if validation is None or isinstance(validation, str):  # a text is refused with the spec
        validation = default_validation(dataset.train.n)
    dataset.with_validation(validation, Streams.of(0).rng("split"))  # raises early if impossible
    settings = spec.settings
    return spec, Terms(dataset, validation, range(settings.seeds), settings.metric, engine)


def with_settings(spec: SearchSpec, given: dict[str, Any]) -> SearchSpec:
    """Return a search spec with settings in the place of those of its ``[tune]``.

    Args:
        spec: the search spec.
        given: settings by name; those that are None stay as they are.

    Raises:
        UsageError: a setting that cannot be used.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    try:
        settings = TuneTable.model_validate(spec.settings.model_dump() | chosen)
    except ValidationError as error:
        raise UsageError("\n".join(map(_told, error.errors(include_url=False)))) from error
    if settings.seeds > FIRST_FRESH:
        raise UsageError(f"expected at most {FIRST_FRESH} seeds a trial, got {settings.seeds}")
    return dataclasses.replace(spec, settings=settings)


def _told(details: Any) -> str:
    words = details["msg"].replace("Input should be", "expected")
    return f"{details['loc'][0]}: {words}, got {details['input']!r}"
