"""scikit-learn's MLPClassifier, one pass a turn."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier

from benchmarks.networks import BATCH_SIZE, N_CLASSES, N_INPUTS, Network
from benchmarks.peers import Peer
from benchmarks.turns import Turns
from mlplab.data import Dataset


def rows(images: Any) -> Any:
    """Return bytes as rows of float32 0..1."""
    return images.reshape(-1, N_INPUTS).astype(np.float32) / 255


def train(peer: Peer, network: Network, dataset: Dataset, turns: Turns) -> dict[str, Any]:
    """Train with ``partial_fit``, which is one epoch of batches."""
    model = MLPClassifier(
        network.units, batch_size=BATCH_SIZE, alpha=0.0, epsilon=1e-7, random_state=0
    )
    x, y = rows(dataset.train.x), dataset.train.y
    for _ in turns:
        model.partial_fit(x, y, classes=np.arange(N_CLASSES))
    return {"accuracy": float((model.predict(rows(dataset.test.x)) == dataset.test.y).mean())}
