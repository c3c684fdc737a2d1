"""Really trained networks, and the pages made of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlplab import Dataset, run
from mlplab.engine.model_file import load_model
from mlplab.export.ensemble import Ensemble
from mlplab.export.from_keras import read_network
from mlplab.export.page import write_page
from mlplab.recipes.notebook import choose_notebook_recipes


@pytest.fixture(scope="session")
def pair(mnist: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Ensemble:
    """Two seeds of the notebook's bn-dropout-3, trained for two epochs."""
    folder = tmp_path_factory.mktemp("pair")
    (recipe,) = choose_notebook_recipes(["bn-dropout-3"])
    run(recipe.replace(epochs=2), mnist, 2, path=folder / "pair.study", keep="models").close()
    models = [load_model(path) for path in sorted(folder.rglob("*.keras"))]
    facts = {"recipe": "bn-dropout-3", "seeds": [0, 1], "dataset": {"name": "mnist"}}
    return Ensemble(tuple(map(read_network, models)), mnist.class_names, facts)


@pytest.fixture(scope="session")
def lone(pair: Ensemble) -> Ensemble:
    """The first of them alone."""
    return Ensemble(pair.networks[:1], pair.class_names, {**pair.facts, "seeds": [0]})


@pytest.fixture(scope="session")
def pair_page(pair: Ensemble, mnist: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(pair, mnist, tmp_path_factory.mktemp("page") / "pair.html")


@pytest.fixture(scope="session")
def lone_page(lone: Ensemble, mnist: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(lone, mnist, tmp_path_factory.mktemp("page") / "lone.html")
