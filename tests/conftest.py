"""Fixtures that every room's tests share."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mlplab.data import Dataset, load
from mlplab.recipes import Recipe
from tests.browser import ARGUMENTS, find_browser
from tests.networks import sigmoid_network, small_network

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# A shell that runs the tests in the background lets its processes ignore Ctrl-C. The programs that
# tests start inherit that, unless it is undone here.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def mlplab_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of this session's own; processes that tests start see it too."""
    home = tmp_path_factory.mktemp("mlplab-home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLPLAB_HOME", str(home))
        yield home


@pytest.fixture(scope="session")
def mnist(mlplab_home: Path) -> Dataset:
    """The real MNIST, fetched once a session the way users fetch it."""
    return load("mnist", progress=False)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real browser without a window; tests that do without one need no Playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """scikit-learn's digits: real, and small."""
    return load("digits")


@pytest.fixture(scope="session")
def small() -> Recipe:
    """A recipe that trains in a second."""
    return Recipe("small", small_network, batch_size=64, epochs=2)


@pytest.fixture(scope="session")
def sigmoid() -> Recipe:
    """A recipe whose outputs are no probabilities: each class by itself, from 0 to 1."""
    return Recipe("sigmoid", sigmoid_network, loss="mse", batch_size=64, epochs=2)
