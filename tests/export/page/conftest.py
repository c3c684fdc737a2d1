"""Really trained networks, and the pages made of them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from mlplab import Dataset
from mlplab.export.ensemble import Ensemble
from mlplab.export.page import write_page
from mlplab.export.source import read_source


@pytest.fixture(scope="session")
def pair(kept_study: Path) -> Ensemble:
    """Two seeds of the notebook's bn-dropout-3."""
    return read_source(f"{kept_study}:bn-dropout-3", ensemble=True).ensemble


@pytest.fixture(scope="session")
def lone(pair: Ensemble) -> Ensemble:
    """The first of them alone."""
    facts = {**pair.facts, "seeds": pair.facts["seeds"][:1]}
    return dataclasses.replace(pair, networks=pair.networks[:1], facts=facts)


@pytest.fixture(scope="session")
def pair_page(pair: Ensemble, mnist: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(pair, mnist, tmp_path_factory.mktemp("page") / "pair.html")


@pytest.fixture(scope="session")
def lone_page(lone: Ensemble, mnist: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(lone, mnist, tmp_path_factory.mktemp("page") / "lone.html")
