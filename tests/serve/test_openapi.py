"""Schemathesis asks all that the OpenAPI describes, of a real process, rightly and wrongly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import mlplab
from mlplab import Dataset, Recipe
from mlplab.export.source import read_source
from mlplab.export.writing import write_export
from tests.serve.running import ROOT, Running, running

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
PATHS = ("/", "/docs", "/health", "/metrics", "/model", "/predict", "/predict/batch")


@pytest.fixture(scope="module")
def rows(
    small: Recipe, digits: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """A network that takes 8 x 8 numbers, and no pictures."""
    folder = tmp_path_factory.mktemp("small")
    mlplab.run(small, digits, seeds=1, path=folder / "small.study", keep="models").close()
    source = read_source(f"{folder / 'small.study'}:small:0", dataset="digits")
    file = write_export(source, "numpy", folder / "small.npz").path
    with running(file, log=folder / "log") as service:
        yield service
        assert service.errors == ""


@pytest.mark.parametrize("which", ["rows", "service"])
def test_schemathesis_finds_nothing(
    which: str, request: pytest.FixtureRequest, mnist: Dataset, tmp_path: Path
) -> None:
    service: Running = request.getfixturevalue(which)
    command = [
        *(SCHEMATHESIS, "--config-file", ROOT / "tests/serve/schemathesis.toml", "run"),
        *(f"{service.url}/openapi.json", "--no-color"),
        *("--max-examples", "15", "--generation-deterministic", "--request-timeout", "60"),
    ]
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": "tests.serve.schemathesis_hooks",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Tested: {len(PATHS)}" in done.stdout


def test_every_path_is_described(service: Running) -> None:
    described = json.loads(service.client.get("/openapi.json").text)["paths"]
    assert sorted(described) == sorted(PATHS)
    for path in ("/predict", "/predict/batch"):
        said = described[path]["post"]["responses"]
        assert set(said) == {"200", "400", "408", "413", "415", "421", "422", "500", "503"}
    for content in (reply["content"] for reply in list(said.values())):
        assert list(content) == ["application/json"]
