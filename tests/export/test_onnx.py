"""`.onnx` files: checked by ONNX's own checker, run by ONNX Runtime, any number of rows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from mlplab.errors import ModelError
from mlplab.export.network import ACTIVATIONS
from mlplab.export.onnx_file import IR_VERSION, OPSET, OnnxNetwork, write
from tests.export.networks import of_one, random_ensemble, some_bytes, some_numbers


@pytest.mark.parametrize("n", [0, 1, 7, 1500])
def test_a_file_takes_any_number_of_bytes(n: int, tmp_path: Path) -> None:
    ensemble = random_ensemble()
    write(ensemble, tmp_path / "net.onnx")
    network = OnnxNetwork(tmp_path / "net.onnx")
    x = some_bytes(n)
    got = network.probabilities(x)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, ensemble.probabilities(x), atol=1e-5)
    assert (network.class_names, network.facts) == (ensemble.class_names, ensemble.facts)


@pytest.mark.parametrize("function", ACTIVATIONS)
def test_each_activation(function: str, tmp_path: Path) -> None:
    ensemble = of_one(function)
    write(ensemble, tmp_path / "net.onnx")
    x = some_numbers()
    got = OnnxNetwork(tmp_path / "net.onnx").probabilities(x)
    np.testing.assert_allclose(got, ensemble.probabilities(x), rtol=1e-5, atol=1e-5)


def test_what_the_file_says(tmp_path: Path) -> None:
    write(random_ensemble(), tmp_path / "net.onnx")
    model = onnx.load(tmp_path / "net.onnx")
    assert model.ir_version == IR_VERSION
    assert [(one.domain, one.version) for one in model.opset_import] == [("", OPSET)]
    taken, given = model.graph.input[0], model.graph.output[0]
    assert (taken.name, given.name) == ("images", "probabilities")
    assert taken.type.tensor_type.elem_type == TensorProto.UINT8
    sizes = taken.type.tensor_type.shape.dim
    assert (sizes[0].dim_param, sizes[1].dim_value, sizes[2].dim_value) == ("n", 3, 4)
    about = json.loads({prop.key: prop.value for prop in model.metadata_props}["mlplab"])
    assert about["facts"]["recipe"] == "random"


def foreign(path: Path) -> None:
    """Write a file as another program would."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
    opset = [helper.make_opsetid("", OPSET)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION), path)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.mkdir(), "a folder"),
        (lambda path: path.write_bytes(b"no graph"), "a file that cannot be opened"),
        (lambda path: path.write_bytes(b""), "a file that cannot be opened"),
        (foreign, "one that another program wrote"),
    ],
)
def test_what_is_no_network_is_refused(tmp_path: Path, change: object, text: str) -> None:
    path = tmp_path / "net.onnx"
    change(path)  # type: ignore[operator]
    with pytest.raises(ModelError) as raised:
        OnnxNetwork(path)
    assert f"net.onnx: expected a network exported by mlplab as .onnx, got {text}" in str(
        raised.value
    )


@pytest.mark.parametrize(
    "about",
    [
        "{",
        "[]",
        "{}",
        '{"class_names": 3, "facts": {}}',
        '{"class_names": ["a"], "facts": {"recipe": "x"}}',
        '{"class_names": ["a"], "facts": {"input": {"shape": [3, 4], "dtype": "bytes9"}}}',
    ],
)
def test_damaged_metadata_are_said(tmp_path: Path, about: str) -> None:
    path = tmp_path / "net.onnx"
    write(random_ensemble(), path)
    model = onnx.load(path)
    helper.set_model_props(model, {"mlplab": about})
    onnx.save(model, path)
    expected = "exported by mlplab as .onnx, got one whose metadata do not hold together: "
    with pytest.raises(ModelError, match=expected):
        OnnxNetwork(path)


def test_reading_imports_neither_keras_nor_jax(tmp_path: Path) -> None:
    write(random_ensemble(), tmp_path / "net.onnx")
    script = (
        "import sys; from mlplab.export.onnx_file import OnnxNetwork; OnnxNetwork(sys.argv[1]);"
        "print(*sorted({'keras', 'jax', 'pandas', 'onnx'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "net.onnx"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "\n"


def test_without_the_package_it_is_said_how_to_install_it(kept_study: Path, tmp_path: Path) -> None:
    """A process in which ``onnx`` is not there, as for those who did not install the extra."""
    script = (
        "import sys; sys.modules['onnx'] = None\n"
        "from mlplab.cli.main import app\n"
        f"app(['export', {f'{kept_study}:softmax'!r}, '--to', 'onnx'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == (
        "mlplab: error: expected the package onnx, which is not installed; "
        "run: pip install 'mlplab[onnx]'\n"
    )
