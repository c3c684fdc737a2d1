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
from mlplab.recipes.recipe import Recipe
from mlplab.recipes.schema import spec_schema
from mlplab.recipes.spec import StudySpec, check, load_spec
from mlplab.recipes.tables import seed_list

__all__ = [
    "PUBLISHED",
    "Published",
    "Recipe",
    "StudySpec",
    "adapt",
    "adapts",
    "check",
    "choose_notebook_recipes",
    "fan_in_recipes",
    "fingerprint_of",
    "load_spec",
    "notebook_recipes",
    "operations",
    "parameter_counts",
    "seed_list",
    "spec_schema",
]
