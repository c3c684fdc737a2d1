"""Material and words for the figures of recipes side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mlplab.compare import Comparison
from mlplab.plain_text import percent
from mlplab.report.compared import Compared
from mlplab.report.facts import Facts
from mlplab.report.figures.comparisons import has_floor
from mlplab.report.figures.samples import as_images
from mlplab.report.figures.sources import SOURCE_WORDS
from mlplab.report.kernels import is_image
from mlplab.report.material import Material, gallery
from mlplab.report.numbers import count, number

_FLOOR = "However many seeds, it does not get below the floor: that takes more test examples."
_NO_FLOOR = "Here the test set sets no floor that could be seen: seeds alone can narrow it."

FEW_PICTURES = 10
"""Pictures of what tells a pair apart."""


def compared_material(compared: Compared) -> Material:
    """Gather what the figures of all recipes together need."""
    material: Material = {}
    found = compared.comparison
    if found is not None:
        material["comparison"] = found
        if found.complete and found.metric == "accuracy":  # letters beside dots of accuracy
            material["letters"] = found.groups()
        material["run_accuracies"] = {name: y.mean(axis=1) for name, y in compared.right.items()}
        if found.claim == "recipes":
            material["pairs"] = found.pairs
        if found.claim != "models":
            material["closest"] = compared.closest
    alone = compared.variation[compared.variation.vary != "all"]
    if (alone.runs > 1).any():
        material["variation"] = compared.variation
    if compared.stress is not None:
        stress = compared.stress
        material["drawn_pairs"] = np.stack(
            [as_images(np.stack([stress.raw[k][0], stress.framed[k][0]])) for k in stress.raw]
        )
        material["drawn_names"] = list(stress.raw)
    if compared.right:
        groups = {"nobody": compared.nobody, "luck": compared.luck}
        material |= _galleries(compared, groups)
    return material


def pair_material(compared: Compared, a: str, b: str) -> Material:
    """Gather what the figures of a pair need: pictures of what tells it apart."""
    groups = {"only_a": compared.only_one(a, b), "only_b": compared.only_one(b, a)}
    return _galleries(compared, {name: rows.head(FEW_PICTURES) for name, rows in groups.items()})


def _galleries(compared: Compared, groups: dict[str, pd.DataFrame]) -> Material:
    dataset = compared.dataset
    if dataset is None or not is_image(dataset.input_shape):
        return {}
    return {name: gallery(rows, dataset) for name, rows in groups.items() if len(rows)}


def compared_facts(compared: Compared) -> Facts:
    """Gather the words for the figures of all recipes together."""
    facts: Facts = {}
    found, closest = compared.comparison, compared.closest
    if found is not None and closest is not None:
        facts |= _comparison_words(found)
        facts |= {"closest": f"{closest.a} and {closest.b}", "sentence": closest.sentence()}
        if found.claim != "models":
            facts["floor_note"] = _FLOOR if has_floor(closest) else _NO_FLOOR
    facts["variation_words"] = " ".join(map(_source_words, compared.variation.itertuples()))
    if compared.stress is not None:
        facts["drawn_kinds"] = ", ".join(compared.stress.raw)
    if compared.right:
        facts |= _item_words(compared)
    return facts


def _source_words(row: Any) -> str:
    spread = number(100 * row.sd, 3)
    return f"{row.recipe}, {SOURCE_WORDS[row.vary]}: {spread} points in {row.runs} runs."


def _comparison_words(found: Comparison) -> Facts:
    splits = [
        f"{pair.a} and {pair.b}: seeds {pair.sd_seeds:.3g}, test examples {pair.sd_examples:.3g}, "
        f"within runs {pair.sd_within:.3g}"
        for pair in found.pairs
    ]
    return {
        "question": found.question,
        "verdicts": " ".join(pair.sentence() for pair in found.pairs),
        "splits": "; ".join(splits),
        "groups": ", ".join(f"{name}: {letter}" for name, letter in found.groups().items()),
        "level": percent(found.level),
    }


def _item_words(compared: Compared) -> Facts:
    n_runs = count(sum(map(len, compared.right.values())), "run")
    marked = "A dashed frame and a question mark: people dispute the label itself."
    return {
        "n_runs": n_runs,
        "n_nobody": count(len(compared.nobody), "example"),
        "n_luck": count(len(compared.luck), "example"),
        "disputed_note": marked if compared.disputed else "",
    }


def pair_facts(compared: Compared, a: str, b: str) -> Facts:
    """Gather the words for the figures of a pair."""
    only_a, only_b = compared.only_one(a, b), compared.only_one(b, a)
    return {
        "a": a,
        "b": b,
        "n_only_a": count(len(only_a), "example"),
        "n_only_b": count(len(only_b), "example"),
        "disputed_note": "A dashed frame: the label is disputed." if compared.disputed else "",
    }
