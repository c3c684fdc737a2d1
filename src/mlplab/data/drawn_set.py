"""The stress set of a dataset: drawn-like copies of test examples, as they are and framed.

Whoever ships a network that reads drawings frames them first (``framing``), so each copy is kept
twice. Framing 1,000 examples of each kind takes half a minute: the set is kept in the cache.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mlplab.data.cache import cache_folder
from mlplab.data.dataset import Dataset
from mlplab.data.drawn import KINDS, Images, can_change, drawn_like
from mlplab.data.files import DAMAGED
from mlplab.data.framing import FIELD, frame
from mlplab.errors import DataError
from mlplab.files import whole

N_EXAMPLES = 1000
"""How many test examples are changed, at even distances through the test set."""

CLEAN = "clean"
"""The kind that is no change."""

_VERSION = 1  # rises when the changes or the framing give other images
_SEED = 0

_log = logging.getLogger(__name__)

Probabilities = npt.NDArray[np.floating[Any]]
Right = dict[str, dict[str, npt.NDArray[np.bool_]]]


@dataclass(frozen=True, eq=False)
class DrawnSet:
    """Copies of test examples, changed and framed.

    Attributes:
        labels: class indices, shape (n,).
        raw: for ``clean`` and each kind of change, images as they are, (n, *input_shape).
        framed: the same brought to MNIST's frame; black where no digit stands out.
    """

    labels: npt.NDArray[Any]
    raw: dict[str, Images]
    framed: dict[str, Images]

    def accuracies(self, probabilities: Callable[[Images], Probabilities]) -> dict[str, Any]:
        """Return how a network reads each kind.

        Args:
            probabilities: gives the probability of each class, (n, *input_shape) -> (n, classes).

        Returns:
            ``kinds``: for each, the shares read right ``raw`` and ``framed``; ``clean``, the same
            of the unchanged examples; ``accuracy``, the drawn-like accuracy: the mean of
            ``framed`` over the kinds; ``n_examples`` and ``seed``.
        """
        shares = {
            kind: {way: float(right.mean()) for way, right in ways.items()}
            for kind, ways in self.right(probabilities).items()
        }
        clean = shares.pop(CLEAN)
        return {
            "accuracy": float(np.mean([share["framed"] for share in shares.values()])),
            "clean": clean,
            "kinds": shares,
            "n_examples": len(self.labels),
            "seed": _SEED,
        }

    def right(self, probabilities: Callable[[Images], Probabilities]) -> Right:
        """Return which examples a network reads right.

        Args:
            probabilities: as for ``accuracies``.

        Returns:
            For ``clean`` and each kind, ``raw`` and ``framed``: booleans, shape (n,).
        """
        return {
            kind: {
                "raw": probabilities(self.raw[kind]).argmax(axis=1) == self.labels,
                "framed": probabilities(self.framed[kind]).argmax(axis=1) == self.labels,
            }
            for kind in self.raw
        }


def can_stress(dataset: Dataset) -> bool:
    """Whether a dataset's examples are pictures that drawings are framed to: 28 x 28 grey bytes."""
    return can_change(dataset.test.x) and dataset.input_shape[:2] == (FIELD, FIELD)


def drawn_set(dataset: Dataset) -> DrawnSet:
    """Return the stress set of a dataset: of 1,000 test examples, from the cache if it is there.

    Raises:
        DataError: the examples are no grey pictures of 28 x 28 bytes.
    """
    if not can_stress(dataset):
        raise DataError(
            "expected pictures of 28 x 28 grey bytes, got examples of shape "
            f"{dataset.input_shape}, {dataset.test.x.dtype}"
        )
    some = np.linspace(0, dataset.test.n - 1, min(N_EXAMPLES, dataset.test.n)).astype(int)
    x, labels = dataset.test.x[some], dataset.test.y[some]
    raw = {CLEAN: x, **drawn_like(x, _SEED)}
    path = cache_folder() / "drawn" / f"{dataset.fingerprint[:32]}-{_VERSION}.npz"
    framed = _cached(path, x.shape)
    if framed is None:
        framed = {name: np.stack([_framed(image) for image in raw[name]]) for name in raw}
        _keep(path, framed)
    return DrawnSet(labels, raw, framed)


def _framed(image: Images) -> Images:
    """Frame one picture, (28, 28) or (28, 28, 1); a blank one stays blank."""
    try:
        return frame(image).reshape(image.shape)
    except DataError:
        return np.zeros_like(image)


def _cached(path: Path, shape: tuple[int, ...]) -> dict[str, Images] | None:
    """Return the framed images of a file in the cache; None where it is not there or not whole."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            framed = {name: archive[name] for name in (CLEAN, *KINDS)}
    except (*DAMAGED, KeyError):
        return None
    return framed if all(images.shape == shape for images in framed.values()) else None


def _keep(path: Path, framed: dict[str, Images]) -> None:
    """Write framed images into the cache; where that cannot be, they are made again next time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as partial, partial.open("wb") as stream:
            np.savez_compressed(stream, **framed)  # type: ignore[arg-type]
    except OSError as error:
        _log.info("the framed stress set is not kept in %s: %s", path, error.strerror)
