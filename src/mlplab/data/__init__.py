"""Datasets: named arrays with splits, class names and a fingerprint.

One MNIST image comes in here as bytes (``sources``), is checked (``cache``), read (``idx``), and
leaves as a row of ``Dataset.train.x``. Nothing in this room knows about models.
"""

from __future__ import annotations

from mlplab.data.cache import cache_folder
from mlplab.data.catalog import CATALOG, NamedDataset
from mlplab.data.convert import convert
from mlplab.data.dataset import Dataset, Split
from mlplab.data.loading import load, load_named
from mlplab.data.splits import carve, default_validation

__all__ = [
    "CATALOG",
    "Dataset",
    "NamedDataset",
    "Split",
    "cache_folder",
    "carve",
    "convert",
    "default_validation",
    "load",
    "load_named",
]
