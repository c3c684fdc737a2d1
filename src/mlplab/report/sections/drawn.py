"""Drawn-like accuracy: how kept models read test images that were changed as hands change them."""

from __future__ import annotations

import pandas as pd

from mlplab.data.drawn_set import CLEAN
from mlplab.report.compared import Compared
from mlplab.report.drawn import MOST_SEEDS, drawn_like_accuracy, drawn_scores
from mlplab.report.numbers import count, points
from mlplab.report.sections.differences import comparison_view
from mlplab.report.sections.scores import View


def drawn_section(compared: Compared) -> View | None:
    """Return a column a recipe with kept models and a row a kind; None where there is none."""
    stress = compared.stress
    if stress is None or not compared.drawn:
        return None
    scores, found = drawn_scores(compared.drawn), compared.drawn_comparison
    labels = list(scores.recipe.unique())
    means = scores.groupby(["kind", "recipe"])[["raw", "framed"]].mean()
    drawn_like = drawn_like_accuracy(scores).groupby(level="recipe").agg(["mean", "std"])
    return {
        "labels": labels,
        "n_examples": f"{len(stress.labels):,}",
        "runs": {label: count(_n_runs(scores, label), "run") for label in labels},
        "most_seeds": MOST_SEEDS,
        "rows": [
            {
                "kind": kind,
                "clean": kind == CLEAN,
                "cells": [
                    (
                        points(means.loc[(kind, label), "raw"]),
                        points(means.loc[(kind, label), "framed"]),
                    )
                    for label in labels
                ],
            }
            for kind in scores.kind.unique()
        ],
        "drawn_like": [
            (points(drawn_like.loc[label, "mean"]), _spread(drawn_like.loc[label, "std"]))
            for label in labels
        ],
        "n_kinds": len(stress.raw) - 1,
        "comparison": None if found is None else comparison_view(found),
    }


def _n_runs(scores: pd.DataFrame, label: str) -> int:
    return int(scores[scores.recipe == label].seed.nunique())


def _spread(sd: float) -> str:
    """Return a standard deviation over seeds; empty with one."""
    return "" if pd.isna(sd) else points(sd)
