"""Recipes: what to train, as Python or as TOML.

A recipe is a function that builds a Keras model, with a loss, an optimizer, a batch size and a
number of epochs. ``notebook`` has the four it all began with; ``spec`` reads study specs.
"""

from __future__ import annotations

from mlplab.recipes.adapting import adapt, adapts
from mlplab.recipes.describe import fingerprint_of
from mlplab.recipes.fan_in import fan_in_recipes
from mlplab.recipes.models import operations, parameter_counts
from mlplab.recipes.notebook import (
    PUBLISHED,
    Published,
    choose_notebook_recipes,
    notebook_recipes,
)
from mlplab.recipes.ranges import Plain, Range
from mlplab.recipes.recipe import Recipe
from mlplab.recipes.schema import spec_schema
from mlplab.recipes.search import SearchSpec, load_search
from mlplab.recipes.spec import StudySpec, check, load_spec
from mlplab.recipes.tables import seed_list
from mlplab.recipes.tune_table import TuneTable

__all__ = [
    "PUBLISHED",
    "Plain",
    "Published",
    "Range",
    "Recipe",
    "SearchSpec",
    "StudySpec",
    "TuneTable",
    "adapt",
    "adapts",
    "check",
    "choose_notebook_recipes",
    "fan_in_recipes",
    "fingerprint_of",
    "load_search",
    "load_spec",
    "notebook_recipes",
    "operations",
    "parameter_counts",
    "seed_list",
    "spec_schema",
]
