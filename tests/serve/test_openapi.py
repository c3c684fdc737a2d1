"""Schemathesis asks all that the OpenAPI describes, of a real process, rightly and wrongly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlplab import Dataset
from tests.serve.running import ROOT, Running

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
PATHS = ("/", "/docs", "/health", "/metrics", "/model", "/predict", "/predict/batch")


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
    for path, methods in described.items():
        for status, reply in next(iter(methods.values()))["responses"].items():
            text = {"/": "text/html", "/docs": "text/html", "/metrics": "text/plain"}.get(path)
            kind = text if text and status == "200" else "application/json"
            assert list(reply["content"]) == [kind], (path, status)
