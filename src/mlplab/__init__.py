"""mlplab trains Keras multilayer perceptrons many times, fast, and says which differences are real.

Keras takes its backend from ``KERAS_BACKEND``. Where nothing has chosen one, and Keras is not yet
imported, mlplab chooses JAX.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

if "keras" not in sys.modules:
    os.environ.setdefault("KERAS_BACKEND", "jax")

__version__ = "0.1.0"

if TYPE_CHECKING:
    from mlplab.compare import Comparison, compare_scores, read_scores
    from mlplab.data import Dataset, Split, convert, load
    from mlplab.engine import evaluate, fit, fit_many, predict
    from mlplab.errors import (
        AllDivergedError,
        CompareError,
        DataError,
        EngineError,
        FailedError,
        FetchError,
        MlplabError,
        ModelError,
        ParityError,
        RecipeError,
        StorageError,
        StudyError,
        UsageError,
    )
    from mlplab.recipes import Recipe, notebook_recipes
    from mlplab.study import Study, run, run_until_decided
    from mlplab.tuning import tune

# Public name -> the room it comes from. Names are imported on first use, so that
# `import mlplab` and `mlplab --help` do not wait for Keras.
_HOMES = {
    "Dataset": "mlplab.data",
    "Split": "mlplab.data",
    "convert": "mlplab.data",
    "load": "mlplab.data",
    "Recipe": "mlplab.recipes",
    "notebook_recipes": "mlplab.recipes",
    "evaluate": "mlplab.engine",
    "fit": "mlplab.engine",
    "fit_many": "mlplab.engine",
    "predict": "mlplab.engine",
    "Study": "mlplab.study",
    "run": "mlplab.study",
    "run_until_decided": "mlplab.study",
    "tune": "mlplab.tuning",
    "Comparison": "mlplab.compare",
    "compare_scores": "mlplab.compare",
    "read_scores": "mlplab.compare",
    "AllDivergedError": "mlplab.errors",
    "CompareError": "mlplab.errors",
    "DataError": "mlplab.errors",
    "EngineError": "mlplab.errors",
    "FailedError": "mlplab.errors",
    "FetchError": "mlplab.errors",
    "MlplabError": "mlplab.errors",
    "ModelError": "mlplab.errors",
    "ParityError": "mlplab.errors",
    "RecipeError": "mlplab.errors",
    "StorageError": "mlplab.errors",
    "StudyError": "mlplab.errors",
    "UsageError": "mlplab.errors",
}

__all__ = [
    "AllDivergedError",
    "CompareError",
    "Comparison",
    "DataError",
    "Dataset",
    "EngineError",
    "FailedError",
    "FetchError",
    "MlplabError",
    "ModelError",
    "ParityError",
    "Recipe",
    "RecipeError",
    "Split",
    "StorageError",
    "Study",
    "StudyError",
    "UsageError",
    "__version__",
    "compare_scores",
    "convert",
    "evaluate",
    "fit",
    "fit_many",
    "load",
    "notebook_recipes",
    "predict",
    "read_scores",
    "run",
    "run_until_decided",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mlplab' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
