"""The compiled core of the native engine (sources in ``core/``)."""

from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Examples = (
    npt.NDArray[np.uint8]
    | Floats
    | npt.NDArray[np.float64]
    | tuple[Floats, npt.NDArray[np.int32], npt.NDArray[np.int64]]  # CSR: data, indices, indptr
)
Targets = Floats | npt.NDArray[np.int32]
Rows = npt.NDArray[np.int64]

class Scores(TypedDict):
    loss: float
    metrics: list[float]
    finite: bool

class EpochScores(Scores):
    phases: dict[str, float]

class Network:
    """A multilayer perceptron with its optimizer's state."""

    def __init__(
        self,
        n_inputs: int,
        layers: list[dict[str, Any]],
        loss: dict[str, Any],
        optimizer: dict[str, Any],
        max_batch: int,
        threads: int,
        isa: str = "",
    ) -> None: ...
    @property
    def isa(self) -> str: ...
    def slot_names(self) -> list[str]: ...
    def set_weights(self, weights: Sequence[Floats]) -> None: ...
    def get_weights(self) -> list[Floats]: ...
    def set_slots(self, slots: Sequence[Sequence[Floats]]) -> None: ...
    def get_slots(self) -> list[list[Floats]]: ...
    def train_epoch(
        self,
        x: Examples,
        y: Targets,
        order: Rows,
        batch_size: int,
        learning_rates: Floats,
        first_step: int,
        sample_weight: Floats | None = None,
    ) -> EpochScores: ...
    def evaluate(
        self,
        x: Examples,
        y: Targets,
        batch_size: int,
        sample_weight: Floats | None = None,
        rows: Rows | None = None,
    ) -> Scores: ...
    def predict(self, x: Examples, batch_size: int, rows: Rows | None = None) -> Floats: ...
    def gradients(
        self, x: Examples, y: Targets, rows: Rows, sample_weight: Floats | None = None
    ) -> list[Floats]: ...

def isas() -> list[str]: ...
def default_isa() -> str: ...
def activations() -> list[str]: ...
def losses() -> list[str]: ...
def metrics() -> list[str]: ...
def optimizers() -> list[str]: ...
