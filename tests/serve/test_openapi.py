"""Schemathesis asks everything that the OpenAPI describes, in a real process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

import mlplab
from mlplab import Dataset, Recipe
from mlplab.export.source import read_source
from mlplab.export.writing import write_export
from tests.serve.conftest import picture
from tests.serve.running import Running, running

BOUNDED = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def small_service(
    small: Recipe, digits: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """A network that takes 8 x 8 numbers: few enough for examples to be made of them."""
    folder = tmp_path_factory.mktemp("small")
    study = folder / "small.study"
    mlplab.run(small, digits, seeds=1, path=study, keep="models").close()
    source = read_source(f"{study}:small:0", dataset="digits")
    file = write_export(source, "numpy", folder / "small.npz").path
    with running(file, log=folder / "log") as service:
        yield service
        assert service.errors == ""


@pytest.fixture(scope="module")
def small_api(small_service: Running) -> Any:
    return schemathesis.openapi.from_url(f"{small_service.url}/openapi.json")


@pytest.fixture(scope="module")
def picture_api(service: Running, mnist: Dataset) -> Any:
    """The API of a network that takes pictures; those that are right are drawn from MNIST."""
    digits = st.integers(0, 99).map(lambda i: mnist.test.x[i])
    schemathesis.openapi.media_type("image/png", digits.map(picture))
    schemathesis.openapi.media_type("image/jpeg", digits.map(lambda x: picture(x, "JPEG")))
    return schemathesis.openapi.from_url(f"{service.url}/openapi.json")


SMALL = schemathesis.pytest.from_fixture("small_api")
PICTURES = schemathesis.pytest.from_fixture("picture_api")


@SMALL.parametrize()
@BOUNDED
def test_examples(case: schemathesis.Case) -> None:
    case.call_and_validate()


@PICTURES.parametrize()
@BOUNDED
def test_pictures(case: schemathesis.Case) -> None:
    case.call_and_validate()


def test_every_path_is_described(service: Running) -> None:
    described = json.loads(service.client.get("/openapi.json").text)["paths"]
    for path in ("/", "/docs", "/health", "/metrics", "/model", "/predict", "/predict/batch"):
        assert path in described
    for path in ("/predict", "/predict/batch"):
        said = described[path]["post"]["responses"]
        assert set(said) >= {"200", "400", "408", "413", "415", "421", "422", "500", "503"}
