"""Engines: what trains a model. ``fit`` is the one door; an engine is a function behind it."""

from __future__ import annotations

from mlplab.engine.fit import (
    ENGINES,
    check_engine,
    choose_engine,
    evaluate,
    explain,
    fit,
    predict,
)
from mlplab.engine.keras_private import LOCK as KERAS_LOCK
from mlplab.engine.many import fit_many
from mlplab.engine.model_file import load_model, predict_probabilities
from mlplab.engine.streams import Streams, initial_weights

__all__ = [
    "ENGINES",
    "KERAS_LOCK",
    "Streams",
    "check_engine",
    "choose_engine",
    "evaluate",
    "explain",
    "fit",
    "fit_many",
    "initial_weights",
    "load_model",
    "predict",
    "predict_probabilities",
]
