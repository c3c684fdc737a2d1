"""Engines: what trains a model. ``fit`` is the one door; an engine is a function behind it."""

from __future__ import annotations

from mlplab.engine.fit import ENGINES, choose_engine, fit
from mlplab.engine.model_file import load_model, predict_probabilities
from mlplab.engine.streams import Streams, initial_weights

__all__ = [
    "ENGINES",
    "Streams",
    "choose_engine",
    "fit",
    "initial_weights",
    "load_model",
    "predict_probabilities",
]
