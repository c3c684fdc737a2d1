"""The data: shapes, an example before and after scaling, its label."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mlplab.data import Dataset
from mlplab.report.kernels import is_image
from mlplab.report.material import Network
from mlplab.report.numbers import vector
from mlplab.report.sections.scores import View
from mlplab.report.tables import validation_source
from mlplab.study import Study

_SLICE = 28  # values of the sample vector to show; a row of an MNIST image


def data_section(study: Study, networks: Sequence[Network], dataset: Dataset | None) -> View:
    """What the notebook prints of its data: shapes, a vector before and after scaling, a label."""
    about = study.dataset
    shape = tuple(about["input_shape"])
    view: View = {
        "name": about["name"],
        "n_train": f"{about['n_train']:,}",
        "n_test": f"{about['n_test']:,}",
        "shape": " × ".join(map(str, shape)),
        "n_features": f"{int(np.prod(shape)):,}",
        "is_image": is_image(shape),
        "flat": len(shape) == 1,
        "classes": list(about["class_names"]),
        "n_disputed": len(about["disputed"]),
        "validation": validation_source(study),
        "validation_is_test": study.validation == "test",
        "sample": None,
    }
    if dataset is not None:
        view["sample"] = _sample(dataset, any(_rescales(network) for network in networks))
    return view


def _rescales(network: Network) -> bool:
    """Whether a network has a layer that scales bytes to 0..1."""
    return "rescaling" in json.dumps(network.record.description).lower()


def _sample(dataset: Dataset, rescaled: bool) -> View:
    first, label = dataset.train.x[0].ravel(), int(dataset.train.y[0])
    start = _fullest_slice(first)
    piece = first[start : start + _SLICE]
    scaled = rescaled and first.dtype == np.uint8
    return {
        "dtype": str(dataset.train.x.dtype),
        "train_shape": str(dataset.train.x.shape),
        "test_shape": str(dataset.test.x.shape),
        "flat_train_shape": str((dataset.train.n, first.size)),
        "flat_test_shape": str((dataset.test.n, first.size)),
        "start": start,
        "stop": start + len(piece) - 1,
        "before": vector(piece),
        "after": vector(piece / np.float64(255)) if scaled else None,
        "all": vector(first),
        "all_after": vector(first / np.float64(255)) if scaled else None,
        "label": label,
        "class_name": dataset.class_names[label],
        "one_hot": vector(np.eye(dataset.n_classes)[label]),
    }


def _fullest_slice(values: npt.NDArray[Any]) -> int:
    """Where the first stretch with the most non-zero values begins."""
    whole = len(values) - len(values) % _SLICE
    if not whole:
        return 0
    filled = np.count_nonzero(values[:whole].reshape(-1, _SLICE), axis=1)
    return int(filled.argmax()) * _SLICE
