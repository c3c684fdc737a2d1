"""What figures are drawn from: arrays and frames out of a study, a dataset and kept models.

Material is a dictionary; a piece that cannot be had (pictures without the dataset, weights without
a kept model) is not in it, and the figures that need it are left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from mlplab.data import Dataset
from mlplab.recipes import Published
from mlplab.report.figures.palette import literal
from mlplab.report.figures.pictures import Gallery
from mlplab.report.kernels import (
    first_kernel,
    is_grey,
    is_image,
    strongest_units,
    trained_kernels,
)
from mlplab.report.misreads import confusion, misread
from mlplab.study import RecipeRecord, Study
from mlplab.study.summary import RecipeSummary

Material = dict[str, Any]

MOST_PICTURES = 25


@dataclass(frozen=True)
class Network:
    """A recipe of a study with its runs, as a report shows it.

    Attributes:
        study: the study.
        summary: the recipe and its scores over seeds.
        dataset: the study's dataset, or None where it cannot be had.
    """

    study: Study
    summary: RecipeSummary
    dataset: Dataset | None

    @property
    def record(self) -> RecipeRecord:
        """The recipe."""
        return self.summary.record

    @property
    def label(self) -> str:
        """What the study calls the recipe."""
        return self.record.label

    @cached_property
    def frame(self) -> pd.DataFrame:
        """A row a run."""
        frame = self.study.frame()
        return frame[frame.recipe == self.label]

    @cached_property
    def done(self) -> pd.DataFrame:
        """A row a run that did not diverge."""
        return self.frame[self.frame.status == "done"]

    @cached_property
    def history(self) -> pd.DataFrame:
        """A row an epoch."""
        history = self.study.history()
        return history[history.recipe == self.label]

    @property
    def published(self) -> Published | None:
        """What the notebook published of it."""
        return self.summary.published

    @cached_property
    def misread(self) -> pd.DataFrame:
        """A row a test example that at least one run misreads; empty without runs."""
        return misread(self.study, self.label)

    @property
    def always_misread(self) -> pd.DataFrame:
        """Those that every run misreads."""
        return self.misread[self.misread.n_misread == self.misread.n_runs]

    @property
    def flipping(self) -> pd.DataFrame:
        """Those that some runs read right and some wrong, the most even splits first."""
        flipping = self.misread[self.misread.n_misread < self.misread.n_runs]
        from_even = (flipping.n_misread - flipping.n_runs / 2).abs()
        return flipping.assign(from_even=from_even).sort_values(["from_even", "test_index"])

    @cached_property
    def kept_seed(self) -> int | None:
        """The first seed whose trained model is kept."""
        seeds = self.study.seeds(self.label)
        return next((s for s in seeds if self.study.model_path(self.label, s)), None)

    @cached_property
    def kernels(self) -> dict[str, Any]:
        """The trained kernels of that seed, by layer; empty where no model is kept."""
        if self.kept_seed is None:
            return {}
        path = self.study.model_path(self.label, self.kept_seed)
        return {} if path is None else trained_kernels(path)

    @property
    def loss_name(self) -> str:
        """The label of a loss axis."""
        return loss_name(self.record.description.get("loss"))

    @property
    def epochs(self) -> int:
        """Epochs of its longest run."""
        return 0 if self.history.empty else int(self.history.epoch.max())


def loss_name(description: Any) -> str:
    """Return what a loss axis is called, from the loss in a recipe's description.

    Examples:
        >>> loss_name({"class_name": "CategoricalCrossentropy", "config": {}})
        'Categorical Crossentropy Loss'
    """
    name = description.get("class_name", "") if isinstance(description, dict) else description
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(name or "")).strip()
    return f"{words} Loss" if words else "Loss"


def study_material(study: Study, networks: Sequence[Network], dataset: Dataset | None) -> Material:
    """Gather what the figures of a whole study need."""
    labels = [network.label for network in networks]
    frame, history = study.frame(), study.history()
    accuracies = {n.label: n.published.test_accuracy for n in networks if n.published}
    material: Material = {"published": accuracies}
    if (frame.status == "done").any():
        material["frame"] = frame[frame.recipe.isin(labels)]
    if len(history):
        material["history"] = history[history.recipe.isin(labels)]
    if dataset is not None and is_grey(dataset.input_shape):
        names = [literal(name) for name in dataset.class_names]
        material |= {"images": dataset.train.x, "labels": dataset.train.y, "class_names": names}
    return material


def network_material(network: Network) -> Material:
    """Gather what the figures of one network need."""
    return {
        **_curves(network),
        **_outcomes(network),
        **_pictures(network),
        **_weights(network),
    }


def _curves(network: Network) -> Material:
    if not network.epochs:
        return {}
    watched = network.study.validation == "test"
    material: Material = {
        "history": network.history,
        "loss_name": network.loss_name,
        "validation_name": "validation (test set)" if watched else "validation",
    }
    if network.published and network.published.training_loss:
        material["published_loss"] = network.published.training_loss[: network.epochs]
    return material


def _outcomes(network: Network) -> Material:
    if network.done.empty:
        return {}
    published = network.published
    return {
        "own_frame": network.done,
        "published": {network.label: published.test_accuracy} if published else {},
        "confusion": confusion(network.study, network.label),
        "class_names": network.study.dataset["class_names"],
    }


def _pictures(network: Network) -> Material:
    dataset = network.dataset
    if dataset is None or network.done.empty or not is_image(dataset.input_shape):
        return {}
    groups = {"always_misread": network.always_misread, "flipping": network.flipping}
    return {name: gallery(rows, dataset) for name, rows in groups.items() if len(rows)}


def gallery(rows: pd.DataFrame, dataset: Dataset) -> Gallery:
    """Return the pictures of the first rows: test_index, truth, answers, disputed."""
    rows = rows.head(MOST_PICTURES)
    images = dataset.test.x[rows.test_index.to_numpy()]
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    captions = [_caption(row) for row in rows.itertuples()]
    return Gallery(images, captions, [bool(mark) for mark in rows.disputed])


def _caption(row: Any) -> str:
    """Write a picture's number and label, and under it the two most frequent answers."""
    given = [_short(answer).replace(" x ", " ×") for answer in row.answers.split(", ")[:2]]
    return "\n".join(
        [f"#{row.test_index}: {_short(row.truth)}{'?' if row.disputed else ''}", *given]
    )


def _short(text: str) -> str:
    return text if len(text) <= 14 else f"{text[:9]}…{text[-4:]}"


def _weights(network: Network) -> Material:
    if not network.kernels:
        return {}
    material: Material = {"weights": network.kernels}
    shape = tuple(network.study.dataset["input_shape"])
    kernel = first_kernel(network.kernels, shape)
    if kernel is not None:
        class_names = network.study.dataset["class_names"]
        last = len(network.kernels) == 1 and kernel.shape[1] == len(class_names)
        material |= {
            "first_kernel": strongest_units(kernel),
            "image_shape": shape,
            "unit_names": class_names if last else [],
        }
    return material


def weight_spread(kernels: dict[str, Any]) -> list[str]:
    """Say how widely the weights of each layer spread: ``"1: 784 → 556, sd 0.061"``."""
    return [
        f"{' '.join(name.split())}, sd {float(np.std(kernel)):.3f}"
        for name, kernel in kernels.items()
    ]
