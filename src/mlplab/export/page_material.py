"""What a page shows beside its network: test pictures to try, mean pictures, usual measures."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import numpy.typing as npt

from mlplab.data import Dataset
from mlplab.errors import ModelError
from mlplab.export.ensemble import Ensemble
from mlplab.export.measures import usual_ranges
from mlplab.export.network import Activation, Array, Dense, LayerNorm, Network, Scale, Step
from mlplab.export.quantize import pack

Bytes = npt.NDArray[np.uint8]

_READ_RIGHT = 2  # test pictures of a class that are read right: the first ones
_MISREAD = 16  # test pictures that are misread: those that are most surely something else
_MEASURED = 200  # training pictures of a class whose measures are taken
_SMALLEST = 8  # pixels a side, below which a drawn picture cannot be told


def picture_size(ensemble: Ensemble, dataset: Dataset) -> tuple[int, int]:
    """Return height and width of the one picture that the networks take.

    Raises:
        ModelError: they take something else, or the dataset's examples are of another shape.
    """
    shape = ensemble.input_shape
    one_channel = len(shape) == 2 or (len(shape) == 3 and shape[2] == 1)
    if not one_channel or min(shape[:2]) < _SMALLEST:
        raise ModelError(
            "expected a model that takes one picture, (height, width) or (height, width, 1), "
            f"{_SMALLEST} pixels or more a side, got one that takes {shape}; "
            "a page is drawn on, so export it to numpy or onnx"
        )
    if dataset.input_shape[:2] != shape[:2] or np.prod(dataset.input_shape) != np.prod(shape):
        raise ModelError(
            f"expected a dataset with examples of shape {shape}, as the model takes, "
            f"got {dataset.name} with {dataset.input_shape}; name the one it was trained on"
        )
    if dataset.n_classes != len(ensemble.class_names):
        raise ModelError(
            f"expected a dataset with the model's {len(ensemble.class_names)} classes, "
            f"got {dataset.name} with {dataset.n_classes}; name the one it was trained on"
        )
    return shape[0], shape[1]


def page_data(
    ensemble: Ensemble, dataset: Dataset, weights: str, answers: npt.NDArray[np.intp], sure: Array
) -> dict[str, Any]:
    """Return everything that the page's code reads, as JSON can hold it.

    Args:
        ensemble: with the weights as trained; they are packed here.
        dataset: the one it was trained on.
        weights: ``"float16"`` or ``"int8"``.
        answers: the page's answer to each test picture, shape (n,).
        sure: the probability of that answer, shape (n,).
    """
    height, width = picture_size(ensemble, dataset)
    low, high = dataset.value_range
    train = _as_bytes(dataset.train.x.reshape(-1, height, width), low, high)
    chosen = _samples(dataset.test.y, answers, sure, dataset.n_classes)
    samples = _as_bytes(dataset.test.x[chosen].reshape(-1, height, width), low, high)
    return {
        "height": height,
        "width": width,
        "box": _box(train[:10_000]),
        "low": low,
        "high": high,
        "classes": list(ensemble.class_names),
        "weights": weights,
        "networks": [_network(network, weights) for network in ensemble.networks],
        "samples": {
            "index": chosen.tolist(),
            "label": dataset.test.y[chosen].tolist(),
            "answer": answers[chosen].tolist(),
            "pixels": _text(samples),
        },
        "means": _text(_means(train, dataset.train.y, dataset.n_classes)),
        "usual": usual_ranges(train, dataset.train.y, dataset.n_classes, _MEASURED),
        "names": _names(ensemble),
        "facts": ensemble.facts,
    }


def _text(array: npt.NDArray[Any]) -> str:
    """Return an array's bytes, little-endian, as base64."""
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return base64.b64encode(little.tobytes()).decode()


def _as_bytes(pictures: npt.NDArray[Any], low: float, high: float) -> Bytes:
    """Return pictures with ``low`` as 0 and ``high`` as 255; MNIST's come back as they are."""
    if pictures.dtype == np.uint8 and (low, high) == (0, 255):
        return pictures
    ink = (pictures.astype(np.float32) - low) * (255 / max(high - low, 1e-9))
    rounded: Bytes = np.rint(ink).clip(0, 255).astype(np.uint8)
    return rounded


def _box(pictures: Bytes) -> int:
    """Return the side of the box that the ink fills: the median, 20 for MNIST."""
    rows, columns = (np.asarray((pictures > 0).any(axis=axis)) for axis in (2, 1))
    return int(np.median(np.maximum(_extent(rows), _extent(columns))))


def _extent(marked: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Return how far it is from the first mark of a row to the last, (n, size) -> (n,)."""
    size = marked.shape[1]
    extent: npt.NDArray[np.intp] = size - marked[:, ::-1].argmax(axis=1) - marked.argmax(axis=1)
    return np.where(marked.any(axis=1), extent, 0)


def _samples(
    labels: npt.NDArray[Any], answers: npt.NDArray[np.intp], sure: Array, n_classes: int
) -> npt.NDArray[np.intp]:
    """Return indices of test pictures: of each class the first ones read right, then misread ones.

    The misread ones are those whose wrong answer is given the most probability.
    """
    right = [
        np.flatnonzero((labels == label) & (answers == label))[:_READ_RIGHT]
        for label in range(n_classes)
    ]
    misread = np.flatnonzero(answers != labels)
    most_sure = misread[np.argsort(-sure[misread], kind="stable")][:_MISREAD]
    return np.concatenate([*right, most_sure])


def _means(pictures: Bytes, labels: npt.NDArray[Any], n_classes: int) -> Bytes:
    """Return the mean picture of each class, shape (n_classes, height, width)."""
    means = [pictures[labels == label].mean(axis=0) for label in range(n_classes)]
    return np.rint(means).astype(np.uint8)


def _network(network: Network, weights: str) -> dict[str, Any]:
    return {"steps": [_step(step, weights) for step in network.steps]}


def _step(step: Step, weights: str) -> dict[str, Any]:
    """Return a step as the page's ``assets/weights.js`` reads it."""
    if isinstance(step, Activation):
        return {"kind": "activation", "function": step.function, "alpha": step.alpha}
    if isinstance(step, Dense):
        packed = pack(step.kernel, weights)
        return {
            "kind": "dense",
            "units": step.kernel.shape[1],
            "kernel": _text(packed.values),
            "column": _text(packed.scale),
            "bias": _text(step.bias.astype(np.float32)),
        }
    named = {"scale": _text(step.scale), "shift": _text(step.shift)}
    if isinstance(step, LayerNorm):
        return {"kind": "layer_norm", "epsilon": step.epsilon, **named}
    assert isinstance(step, Scale)
    return {"kind": "scale", **named}


def _names(ensemble: Ensemble) -> list[str]:
    """Return what to call each network: by its seed where the facts name it."""
    seeds = ensemble.facts.get("seeds") or [None] * len(ensemble.networks)
    return [f"network {i + 1}" if seed is None else f"seed {seed}" for i, seed in enumerate(seeds)]
