"""Datasets: named arrays with splits, class names and a fingerprint.

One MNIST image comes in here as bytes (``sources``), is checked (``idx``), and leaves as a row of
``Dataset.train.x``. Nothing in this room knows about models.
"""

from __future__ import annotations

from mlplab.data.dataset import Dataset, Split

__all__ = ["Dataset", "Split"]
