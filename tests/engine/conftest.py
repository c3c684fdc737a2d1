"""Profiles of the property tests, and what keeps these tests quick.

``MLPLAB_HYPOTHESIS=full`` draws 300 models against Keras itself; the quick profile draws a few of
those, and 300 networks against the reference, which the covering set holds to Keras.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import hypothesis
import pytest
from threadpoolctl import threadpool_limits

import mlplab  # noqa: F401  before Keras, to choose its backend
from tests.compiling import less_optimized
from tests.engine.helpers import NETWORKS
from tests.engine.small import Data, make_data

hypothesis.settings.register_profile("quick", max_examples=12, deadline=None, derandomize=True)
hypothesis.settings.register_profile("full", max_examples=300, deadline=None)
hypothesis.settings.load_profile(os.environ.get("MLPLAB_HYPOTHESIS", "quick"))


@pytest.fixture(scope="package", autouse=True)
def quick_references() -> Iterator[None]:
    """Let Keras compile in half the time, and NumPy's small products run in one thread."""
    with less_optimized(), threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def data() -> Data:
    return make_data()


@pytest.fixture(params=NETWORKS)
def network(request: pytest.FixtureRequest) -> str:
    return str(request.param)
