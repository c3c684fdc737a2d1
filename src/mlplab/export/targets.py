"""The kinds of file a network is exported to: one entry each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from mlplab.engine import load_model, predict_probabilities
from mlplab.errors import UsageError, did_you_mean
from mlplab.export import keras_file, npz_file, npz_reader, onnx_file, page_file
from mlplab.export.ensemble import Ensemble
from mlplab.export.page import weight_facts, write_page
from mlplab.export.page_runner import read_by_page
from mlplab.export.quantize import quantize
from mlplab.export.source import Source

Array = npt.NDArray[np.float32]


def _nothing_beside() -> dict[str, bytes]:
    return {}


def _nothing_measured(source: Source) -> dict[str, Any]:
    return {}


def _as_read(source: Source) -> Ensemble:
    return source.ensemble


def keras_answers(source: Source) -> tuple[str, Array]:
    """Return the answers of the Keras models themselves: the mean of their own ``predict``."""
    mean: Array = source.expected.mean(axis=0, dtype=np.float32)
    return "Keras's predict", mean


@dataclass(frozen=True)
class Target:
    """A kind of file.

    Attributes:
        suffix: the ending of its name.
        write: writes a source, with the facts it has, into a file of this name.
        run: reads the file and runs it over examples, as whoever gets it will: what read it, with
            its version, and the probabilities, (n, n_classes).
        reference: what these are compared with, in words and as probabilities.
        measured: facts of this kind of file alone, which go into it.
        held: the networks as the file holds them.
        beside: the files that go beside it, by name.
        needs: packages of an extra that it takes.
    """

    suffix: str
    write: Callable[[Source, Path], None]
    run: Callable[[Path, npt.NDArray[Any]], tuple[str, Array]]
    reference: Callable[[Source], tuple[str, Array]] = keras_answers
    measured: Callable[[Source], dict[str, Any]] = _nothing_measured
    held: Callable[[Source], Ensemble] = _as_read
    beside: Callable[[], dict[str, bytes]] = _nothing_beside
    needs: tuple[str, ...] = ()


def _write_npz(source: Source, path: Path) -> None:
    npz_file.write(source.ensemble, path)


def _run_npz(path: Path, x: npt.NDArray[Any]) -> tuple[str, Array]:
    probabilities, _ = npz_reader.load(path)
    parts = [probabilities(x[first : first + 1000]) for first in range(0, len(x), 1000)]
    return f"{npz_file.READER} on NumPy {np.__version__}", np.concatenate(parts)


def _write_onnx(source: Source, path: Path) -> None:
    onnx_file.write(source.ensemble, path)


def _run_onnx(path: Path, x: npt.NDArray[Any]) -> tuple[str, Array]:
    """Run a file over single examples and whole batches: the number of rows is free."""
    network = onnx_file.OnnxNetwork(path)
    first, rest = network.probabilities(x[:1]), network.probabilities(x[1:])
    return network.reader, np.concatenate([first, rest])


def _write_keras(source: Source, path: Path) -> None:
    ensemble = source.ensemble
    about = {"class_names": list(ensemble.class_names), "facts": ensemble.facts}
    keras_file.write(source.models, ensemble.facts["input"]["dtype"], about, path)


def _run_keras(path: Path, x: npt.NDArray[Any]) -> tuple[str, Array]:
    got = predict_probabilities(load_model(path), x)
    return f"Keras {keras.__version__} on {keras.backend.backend()}", got


def _write_html(source: Source, path: Path) -> None:
    write_page(source.ensemble, source.dataset, path, _rounding(source))


def _run_html(path: Path, x: npt.NDArray[Any]) -> tuple[str, Array]:
    """Run the page's own code; where nothing here runs it, the weights it holds in NumPy."""
    reading = read_by_page(path, x)
    if reading is not None:
        return f"the page's own code in {reading.by}", reading.probabilities
    without = "NumPy with the weights in the page (no Node or Chromium here runs its own code)"
    return without, page_file.read(path).probabilities(x)


def _rounded_answers(source: Source) -> tuple[str, Array]:
    """Return what the networks answer once their weights are rounded as a page holds them."""
    rounded = _rounded(source).probabilities(source.dataset.test.x)
    return f"the weights rounded to {_rounding(source)} in NumPy", rounded


def _rounded(source: Source) -> Ensemble:
    return quantize(source.ensemble, _rounding(source))


def _rounding(source: Source) -> str:
    """Return what the weights are rounded to, which ``measured`` has found."""
    return str(source.ensemble.facts["weights"]["kind"])


def _weight_facts(source: Source) -> dict[str, Any]:
    return weight_facts(source.ensemble, source.dataset)


TARGETS: dict[str, Target] = {
    "keras": Target(".keras", _write_keras, _run_keras),
    "onnx": Target(".onnx", _write_onnx, _run_onnx, needs=("onnx", "onnxruntime")),
    "html": Target(
        ".html", _write_html, _run_html, _rounded_answers, measured=_weight_facts, held=_rounded
    ),
    "numpy": Target(
        ".npz",
        _write_npz,
        _run_npz,
        beside=lambda: {npz_file.READER: npz_file.reader_source()},
    ),
}


def target_named(name: str) -> Target:
    """Return an entry of the table.

    Raises:
        UsageError: there is none of this name, or a package that it takes is not installed.
    """
    if name not in TARGETS:
        raise UsageError(
            f"expected --to {', '.join(TARGETS)}, got {name!r}{did_you_mean(name, TARGETS)}"
        )
    for package in TARGETS[name].needs:
        onnx_file.needs(package)
    return TARGETS[name]
