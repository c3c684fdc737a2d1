"""A study with kept models that every export is made from."""

from __future__ import annotations

from pathlib import Path

import pytest

import mlplab
from mlplab import Dataset, Recipe, notebook_recipes


@pytest.fixture(scope="session")
def kept_study(tmp_path_factory: pytest.TempPathFactory, mnist: Dataset) -> Path:
    """Two recipes, two seeds, on the real MNIST, models kept."""
    path = tmp_path_factory.mktemp("kept") / "kept.study"
    recipes = [recipe.replace(epochs=1) for recipe in notebook_recipes()[:3:2]]
    mlplab.run(recipes, mnist, seeds=2, path=path, keep="models").close()
    return path


@pytest.fixture(scope="session")
def small_study(tmp_path_factory: pytest.TempPathFactory, small: Recipe, digits: Dataset) -> Path:
    """One small recipe, two seeds, models kept; seed 0's model is deleted."""
    path = tmp_path_factory.mktemp("small") / "small.study"
    mlplab.run(small, digits, seeds=[0, 3, 7], path=path, keep="models").close()
    (path.parent / "small.models" / "small-seed0.keras").unlink()
    return path
