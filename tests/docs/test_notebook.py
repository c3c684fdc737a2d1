"""The learner's notebook: kept without outputs, and run from top to bottom on the real MNIST."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from mlplab.data import Dataset
from tests.docs.pages import ROOT

pytestmark = pytest.mark.timeout(600)  # sixteen epochs of real training, on any machine

NOTEBOOK = ROOT / "examples/keras_mlps_on_mnist.ipynb"


def read() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown_text(notebook: Any) -> str:
    """All text that the cells show: printed, or displayed as Keras displays a summary."""
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    texts = [output.get("text") or output.data.get("text/plain", "") for output in outputs]
    return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(texts))  # without colours


def pictures(notebook: Any) -> int:
    """How many figures the cells show."""
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    return sum("image/png" in output.get("data", {}) for output in outputs)


def test_it_is_kept_without_outputs():
    for cell in code_cells(read()):
        assert cell.outputs == []
        assert cell.execution_count is None


@pytest.fixture(scope="module")
def executed(mnist: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The notebook after a run in an empty folder; ``mnist`` puts the data into the cache."""
    folder: Path = tmp_path_factory.mktemp("notebook")
    notebook = read()
    place = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=500, kernel_name="python3", resources=place).execute()
    return notebook


def test_it_shows_what_the_older_notebook_showed(executed: Any):
    text = shown_text(executed)
    assert "training: (60000, 28, 28) (60000,)" in text
    assert "(60000, 28, 28) -> (60000, 784)" in text
    assert "5 -> [0. 0. 0. 0. 0. 1. 0. 0. 0. 0.]" in text
    for parameters in ("7,850", "524,922", "690,255", "1,284,547"):
        assert f"Total params: {parameters}" in text
    assert text.count("val_accuracy") == 4 * 2 * 2
    assert "67 of 784 pixels are never inked" in text


def test_it_draws_its_figures(executed: Any):
    assert pictures(executed) == 8


def test_it_warns_of_nothing(executed: Any):
    outputs = [output for cell in code_cells(executed) for output in cell.outputs]
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
