"""`.npz` files: read without Keras, by NumPy alone; damaged and foreign ones are refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mlplab.engine.plan_layers import ACTIVATIONS as PLANNED
from mlplab.errors import ModelError
from mlplab.export import npz_file, npz_reader
from mlplab.export.network import ACTIVATIONS
from tests.export.networks import of_one, random_ensemble, some_bytes, some_numbers

# A finder that refuses everything but NumPy and the standard library.
ONLY_NUMPY = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names | {"numpy", "npz_reader"}:
            raise ImportError(f"{name} is not there")
sys.meta_path.insert(0, Refuse())
import numpy as np
from npz_reader import load
probabilities, config = load(sys.argv[1])
np.save("out.npy", probabilities(np.load("in.npy")))
print(config["facts"]["recipe"])
"""


def test_every_activation_that_is_exported_is_one_the_engine_plans() -> None:
    planned = {"gelu_tanh", *(f.__name__ for f in PLANNED)} - {"linear"}
    assert set(ACTIVATIONS) == planned


def test_the_reader_runs_where_there_is_numpy_and_nothing_else(tmp_path: Path) -> None:
    ensemble = random_ensemble()
    npz_file.write(ensemble, tmp_path / "net.npz")
    (tmp_path / npz_file.READER).write_bytes(npz_file.reader_source())
    x = some_bytes()
    np.save(tmp_path / "in.npy", x)
    (tmp_path / "use.py").write_text(ONLY_NUMPY)
    done = subprocess.run(
        [sys.executable, "use.py", "net.npz"],
        cwd=tmp_path, env={}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("random\n", "")
    expected = ensemble.probabilities(x)
    assert np.abs(np.load(tmp_path / "out.npy") - expected).max() < 1e-5
    assert expected.std(axis=0).min() > 0.05  # it tells examples apart


def test_the_reader_has_at_most_60_lines_and_covers_every_step() -> None:
    assert len(npz_file.reader_source().splitlines()) <= 60
    assert set(npz_reader.STEPS) == {"scale", "dense", "layer_norm", *ACTIVATIONS}


@pytest.mark.parametrize("function", ACTIVATIONS)
def test_each_activation_by_the_reader(function: str, tmp_path: Path) -> None:
    ensemble = of_one(function)
    npz_file.write(ensemble, tmp_path / "net.npz")
    probabilities, _ = npz_reader.load(tmp_path / "net.npz")
    x = some_numbers()
    np.testing.assert_allclose(probabilities(x), ensemble.probabilities(x), rtol=1e-5, atol=1e-6)


def test_a_file_gives_back_the_ensemble_without_keras(tmp_path: Path) -> None:
    ensemble = random_ensemble()
    npz_file.write(ensemble, tmp_path / "net.npz")
    back = npz_file.read(tmp_path / "net.npz")
    assert (back.class_names, back.facts) == (ensemble.class_names, ensemble.facts)
    x = some_bytes()
    np.testing.assert_array_equal(back.probabilities(x), ensemble.probabilities(x))
    script = (
        "import sys; from mlplab.export.npz_file import read; read(sys.argv[1]);"
        "print(*sorted({'keras', 'jax', 'pandas', 'tensorflow'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "net.npz"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "\n"


def changed(path: Path, **changes: object) -> None:
    """Write a file again with other arrays; None leaves one out."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files} | changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})


def config_of(path: Path, **changes: object) -> np.ndarray:
    with np.load(path) as archive:
        return np.array(json.dumps(json.loads(str(archive["config"])) | changes))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda p: p.unlink(), "no such file"),
        (lambda p: p.write_bytes(b"PK\3\4 no archive"), "none, or a damaged one"),
        (lambda p: p.write_bytes(p.read_bytes()[:-900]), "none, or a damaged one"),
        (lambda p: np.savez(p, x=np.zeros(3)), "an archive of x"),
        (lambda p: changed(p, config=np.array("{")), "does not hold together"),
        (lambda p: changed(p, config=np.array("[]")), "does not hold together"),
        (lambda p: changed(p, config=config_of(p, format=2)), "its format is 2, this mlplab reads"),
        (lambda p: changed(p, config=config_of(p, networks=[])), "it holds no network"),
        (lambda p: changed(p, config=config_of(p, networks=[[{"kind": "eval"}]])), "kind, 'eval'"),
        (lambda p: changed(p, config=config_of(p, input_shape=[5])), "for 5 inputs"),
        (lambda p: changed(p, config=config_of(p, class_names=["a"])), "each of 1 classes, got 3"),
        (lambda p: changed(p, **{"0.1.bias": None}), "'0.1.bias'"),
        (lambda p: changed(p, **{"0.1.bias": np.zeros(5, np.float32)}), "bias of shape (12,)"),
        (lambda p: changed(p, **{"0.1.bias": np.zeros(12)}), "finite float32 numbers in bias"),
        (
            lambda p: changed(p, **{"0.1.bias": np.full(12, np.inf, np.float32)}),
            "finite float32 numbers in bias",
        ),
    ],
)
def test_what_is_no_network_is_refused(tmp_path: Path, change: object, text: str) -> None:
    path = tmp_path / "net.npz"
    npz_file.write(random_ensemble(1), path)
    change(path)  # type: ignore[operator]
    with pytest.raises(ModelError, match=r"net.npz: expected a network exported by mlplab") as got:
        npz_file.read(path)
    assert text in str(got.value)


def test_pickles_are_never_read(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    np.savez(path, config=np.array([{"a": print}], dtype=object))
    with pytest.raises(ModelError, match="none, or a damaged one"):
        npz_file.read(path)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["config.npy"]
    shutil.copy(path, tmp_path / "copy.npz")
    with pytest.raises(ValueError, match="allow_pickle=False"):
        npz_reader.load(tmp_path / "copy.npz")
