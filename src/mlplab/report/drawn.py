"""How kept models read the stress set: test images changed as hands and pens change them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from mlplab.compare import Comparison, compare_scores
from mlplab.data import Dataset
from mlplab.data.drawn import Images
from mlplab.data.drawn_set import CLEAN, DrawnSet, Probabilities, Right, can_stress, drawn_set
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


def drawn_right(study: Study, stress: DrawnSet | None) -> dict[str, dict[int, Right]]:
    """Return what kept models read right, by recipe and seed; see ``DrawnSet.right``.

    Of each recipe the first five seeds whose models are kept; no recipe without any.
    """
    if stress is None:
        return {}
    found = {
        record.label: {
            seed: stress.right(_reader(path, record.logits))
            for seed, path in _kept(study, record.label).items()
        }
        for record in study.recipes
    }
    study.count_look("drawn-like test scores of kept models")
    return {label: by_seed for label, by_seed in found.items() if by_seed}


def drawn_scores(right: Mapping[str, Mapping[int, Right]]) -> pd.DataFrame:
    """Return the shares read right, a row a recipe, seed and kind.

    Columns: recipe, seed, kind (``clean`` is no change), raw (as the images are) and framed
    (brought to MNIST's frame first, as every drawing is).
    """
    rows = [
        (label, seed, kind, float(ways["raw"].mean()), float(ways["framed"].mean()))
        for label, by_seed in right.items()
        for seed, kinds in by_seed.items()
        for kind, ways in kinds.items()
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def compare_drawn(
    right: Mapping[str, Mapping[int, Right]], margin: float, level: float
) -> Comparison | None:
    """Compare recipes by their drawn-like accuracy on new examples, whatever the seed.

    The score of an example under a seed is the share of its changed and framed copies that are read
    right: copies of one example are not independent, examples are. None where fewer than two
    recipes have two kept models.

    Args:
        right: as ``drawn_right`` returns it.
        margin: the difference that matters, in percentage points.
        level: how often the intervals of all pairs hold at once.
    """
    scores = {
        label: np.stack([_share_of_copies(kinds) for kinds in by_seed.values()])
        for label, by_seed in right.items()
        if len(by_seed) > 1
    }
    return compare_scores(scores, margin=margin, level=level) if len(scores) > 1 else None


def _share_of_copies(kinds: Right) -> npt.NDArray[np.float64]:
    """Return the share of each example's framed copies that are read right, shape (n,)."""
    framed = [ways["framed"] for kind, ways in kinds.items() if kind != CLEAN]
    return np.asarray(np.mean(framed, axis=0))


def _kept(study: Study, label: str) -> dict[int, Path]:
    """Return the kept models of a recipe's lowest seeds, by seed."""
    paths = {seed: study.model_path(label, seed) for seed in study.kept.seeds(label)}
    there = [(seed, path) for seed, path in paths.items() if path is not None]
    return dict(there[:MOST_SEEDS])


def _reader(path: Path, logits: bool) -> Callable[[Images], Probabilities]:
    """Return what a kept model makes of images."""
    model = load_model(path)
    return lambda images: as_probabilities(predict(model, images, batch_size=1000), logits)


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
