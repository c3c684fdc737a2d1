"""The arrays of an ``.onnx`` file are those it was written from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlplab.errors import ModelError
from mlplab.export import onnx_file
from mlplab.export.ensemble import Ensemble
from mlplab.export.network import ACTIVATIONS, Dense
from mlplab.export.onnx_weights import weights_of
from tests.export.networks import of_one, random_ensemble


def written(ensemble: Ensemble, path: Path) -> onnx_file.OnnxNetwork:
    """Write a file and open it."""
    onnx_file.write(ensemble, path)
    return onnx_file.OnnxNetwork(path, threads=1)


@pytest.mark.parametrize("which", ["one", "two", *ACTIVATIONS])
def test_every_step_is_read_back(which: str, tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    n_networks = {"one": 1, "two": 2}.get(which)
    ensemble = random_ensemble(n_networks) if n_networks else of_one(which)
    found = weights_of(path, written(ensemble, path))
    assert found.class_names == ensemble.class_names
    assert len(found.networks) == len(ensemble.networks)
    for one, other in zip(found.networks, ensemble.networks, strict=True):
        for step, expected in zip(one.steps, other.steps, strict=True):
            assert type(step) is type(expected)
            if isinstance(step, Dense) and isinstance(expected, Dense):
                assert np.array_equal(step.kernel, expected.kernel)


def test_weights_that_give_other_answers_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    network = written(random_ensemble(1), path)
    onnx_file.write(of_one("tanh"), path)
    with pytest.raises(ModelError, match="expected weights that give ONNX Runtime's answers"):
        weights_of(path, network)


def test_a_graph_of_another_form_is_refused(tmp_path: Path) -> None:
    import onnx

    path = tmp_path / "a.onnx"
    network = written(of_one("tanh"), path)
    model = onnx.load(path)
    next(node for node in model.graph.node if node.op_type == "Tanh").op_type = "Sin"
    onnx.save(model, path)
    with pytest.raises(ModelError, match="expected a graph as mlplab writes it"):
        weights_of(path, network)
