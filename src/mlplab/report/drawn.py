"""How kept models read the stress set: test images changed as hands and pens change them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mlplab.data import Dataset
from mlplab.data.drawn_set import CLEAN, DrawnSet, can_stress, drawn_set
from mlplab.engine import load_model, predict
from mlplab.study import Study
from mlplab.study.one_run import as_probabilities

MOST_SEEDS = 5
"""Kept models of a recipe that are asked: those of its lowest seeds."""

COLUMNS = ("recipe", "seed", "kind", "raw", "framed")


def stress_set(study: Study, dataset: Dataset | None) -> DrawnSet | None:
    """Return the stress set of a study's dataset; None where no kept model could read one."""
    if dataset is None or not can_stress(dataset):
        return None
    kept = any(_kept(study, record.label) for record in study.recipes)
    return drawn_set(dataset) if kept else None


def drawn_scores(study: Study, stress: DrawnSet | None) -> pd.DataFrame:
    """Return the shares read right, a row a recipe, seed and kind.

    Columns: recipe, seed, kind (``clean`` is no change), raw (as the images are) and framed
    (brought to MNIST's frame first, as every drawing is). Of each recipe the first five seeds whose
    models are kept.
    """
    rows: list[tuple[Any, ...]] = []
    if stress is None:
        return pd.DataFrame(rows, columns=list(COLUMNS))
    for record in study.recipes:
        for seed, path in _kept(study, record.label).items():
            found = _accuracies(path, record.logits, stress)
            shares = {CLEAN: found["clean"], **found["kinds"]}
            rows += [
                (record.label, seed, kind, share["raw"], share["framed"])
                for kind, share in shares.items()
            ]
    study.count_look("drawn-like test scores of kept models")
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _kept(study: Study, label: str) -> dict[int, Path]:
    """Return the kept models of a recipe's lowest seeds, by seed."""
    paths = {seed: study.model_path(label, seed) for seed in study.kept.seeds(label)}
    there = [(seed, path) for seed, path in paths.items() if path is not None]
    return dict(there[:MOST_SEEDS])


def _accuracies(path: Path, logits: bool, stress: DrawnSet) -> dict[str, Any]:
    model = load_model(path)

    def answer(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.floating[Any]]:
        return as_probabilities(predict(model, images, batch_size=1000), logits)

    return stress.accuracies(answer)


def drawn_like_accuracy(scores: pd.DataFrame) -> pd.Series:
    """Return the drawn-like accuracy of each run: the mean of ``framed`` over kinds of change.

    Examples:
        >>> rows = [("clean", 1, 1), ("noisy", 0, 0.5), ("turned", 0, 1)]
        >>> frame = pd.DataFrame([("net", 0, *row) for row in rows], columns=list(COLUMNS))
        >>> drawn_like_accuracy(frame).tolist()
        [0.75]
    """
    changed = scores[scores.kind != CLEAN]
    return changed.groupby(["recipe", "seed"], sort=False).framed.mean()
