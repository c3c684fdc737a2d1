"""The file of a trained network, read into what answers: one entry a kind, in a table by suffix.

Keras is imported for ``.keras`` alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from mlplab.errors import ModelError, Unplannable
from mlplab.export import npz_file
from mlplab.export.ensemble import Ensemble
from mlplab.serve.core_reader import CoreReader

PICTURES = ((28, 28), (28, 28, 1))
"""The shapes of example that a picture can be framed for."""


class Reader(Protocol):
    """What answers: an ``Ensemble``, or a session of ONNX Runtime.

    ``probabilities`` takes x of shape (n, *input_shape) and returns (n, n_classes). It may be
    called from several threads at once.
    """

    @property
    def input_shape(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def class_names(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def facts(self) -> dict[str, Any]: ...  # noqa: D102

    def probabilities(self, x: npt.NDArray[Any]) -> npt.NDArray[np.float32]: ...  # noqa: D102


@dataclass(frozen=True)
class Served:
    """A network that is served.

    Attributes:
        reader: what answers.
        name: the file's name, without its folder.
        fingerprint: SHA-256 over the file's bytes.
        runtime: what computes the answers, and its version.
        dtype: of the numbers it takes.
        is_quick: whether one example is answered sooner here than by asking a thread.
        weights: returns them, where the network is a chain of known layers.
    """

    reader: Reader
    name: str
    fingerprint: str
    runtime: str
    dtype: npt.DTypeLike = np.float32
    is_quick: bool = True
    weights: Callable[[], Ensemble] | None = None

    @property
    def takes_pictures(self) -> bool:
        """Whether uploaded pictures can be brought to the frame of its examples."""
        return self.reader.input_shape in PICTURES


def read(path: Path) -> Served:
    """Read the file of a trained network.

    Args:
        path: a ``.keras`` file, or what ``mlplab export`` made: ``.npz`` or ``.onnx``.

    Raises:
        ModelError: there is no such file, or it holds no network that can be served.
    """
    entry = KINDS.get(path.suffix.lower())
    if entry is None:
        got = f"a {path.suffix} file" if path.suffix else "a name without an ending"
        raise ModelError(f"{path}: expected a file that ends in {', '.join(KINDS)}, got {got}")
    if not path.is_file():
        got = "a folder" if path.is_dir() else "no such file"
        raise ModelError(f"{path}: expected a trained network, got {got}; check the path")
    loaded = entry(path)
    _check(path, loaded.reader)
    fingerprint = hashlib.sha256(path.read_bytes()).hexdigest()
    return Served(name=path.name, fingerprint=fingerprint, **loaded._asdict())


class Loaded(NamedTuple):
    """What a kind of file is read into; the words are those of ``Served``."""

    reader: Reader
    runtime: str
    dtype: npt.DTypeLike = np.float32
    is_quick: bool = True
    weights: Callable[[], Ensemble] | None = None


def _computed(ensemble: Ensemble) -> Loaded:
    """Return an ensemble answered by the compiled core, or by NumPy where that is not there."""
    try:
        core = CoreReader(ensemble)
    except Unplannable:
        return Loaded(ensemble, f"NumPy {np.__version__}", weights=lambda: ensemble)
    return Loaded(core, f"mlplab's core ({core.isa})", weights=lambda: ensemble)


def _npz(path: Path) -> Loaded:
    return _computed(npz_file.read(path))


def _onnx(path: Path) -> Loaded:
    from mlplab.export.onnx_file import OnnxNetwork

    network = OnnxNetwork(path, threads=1)  # callers come side by side

    def weights() -> Ensemble:
        from mlplab.export.onnx_weights import weights_of  # late: it imports the package onnx

        return weights_of(path, network)

    return Loaded(network, network.reader, network.dtype, weights=weights)


def _keras(path: Path) -> Loaded:
    """Read a model's network, or ask Keras itself where the model is no chain of known layers."""
    from mlplab.engine.model_file import load_model
    from mlplab.export.from_keras import as_classes, read_network
    from mlplab.serve.keras_reader import KerasReader, said

    model, (names, facts) = load_model(path), said(path)
    try:
        network = as_classes(read_network(model))
    except ModelError:
        asked = KerasReader(model, names, facts)
        return Loaded(asked, asked.runtime, is_quick=False)
    names = names or tuple(map(str, range(network.n_outputs)))
    return _computed(Ensemble((network,), names, facts))


KINDS: dict[str, Callable[[Path], Loaded]] = {".npz": _npz, ".onnx": _onnx, ".keras": _keras}


def _check(path: Path, reader: Reader) -> None:
    """Raise ModelError unless the answers are probabilities; the first answer also warms up."""
    nothing = np.zeros((1, *reader.input_shape), np.uint8)
    row, n_classes = reader.probabilities(nothing)[0], len(reader.class_names)
    if len(row) != n_classes or n_classes < 2:
        raise ModelError(
            f"{path}: expected a network with an output for each of its classes, two or more, "
            f"got {len(row)}; end it with a softmax over the classes"
        )
    if not (np.isfinite(row).all() and row.min() >= 0 and abs(row.sum() - 1) < 0.01):
        raise ModelError(
            f"{path}: expected outputs that are probabilities (0 to 1, summing to 1), got values "
            f"from {row.min():.4g} to {row.max():.4g}; end the network with a softmax"
        )
