"""The tables of a report, as frames: each is written to a CSV file of its name.

Scores stand here as they are measured: accuracies as shares, losses per example, times in seconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from mlplab.report.compared import Compared
from mlplab.report.drawn import drawn_scores
from mlplab.report.items import items_table
from mlplab.report.misreads import confusion, misread
from mlplab.study import Study
from mlplab.study.summary import RecipeSummary, Spread, summarize

_ROW_OF_SUMMARY = re.compile(r"^│(?P<layer>[^│]+)│(?P<shape>[^│]+)│(?P<count>[^│]+)│", re.MULTILINE)
_LAYER_AND_CLASS = re.compile(r"(?P<name>.+?)\s*\((?P<kind>[^()]+)\)$")


def scores(study: Study) -> pd.DataFrame:
    """Return a row a recipe: mean, standard deviation and each seed, beside what was published.

    Standard deviations are those of a sample (n - 1) and missing for a single run. ``_values``
    hold one figure a seed, in the order of ``seeds``. Diverged runs have no scores and are counted
    apart.
    """
    return pd.DataFrame([_score_row(summary) for summary in summarize(study)])


def _score_row(summary: RecipeSummary) -> dict[str, Any]:
    published = summary.published
    return {
        "recipe": summary.record.label,
        **{f"parameters_{kind}": count for kind, count in summary.record.parameters.items()},
        "n_runs": len(summary.seeds),
        "n_diverged": len(summary.diverged),
        "seeds": " ".join(map(str, summary.seeds)),
        **_spread_cells("test_accuracy", summary.test_accuracy),
        "published_test_accuracy": published.test_accuracy if published else np.nan,
        **_spread_cells("test_loss", summary.test_loss),
        "published_test_loss": published.test_loss if published else np.nan,
        "seconds_per_epoch": summary.seconds_per_epoch,
        "published_seconds_per_epoch": published.seconds_per_epoch if published else "",
    }


def _spread_cells(name: str, spread: Spread) -> dict[str, Any]:
    return {
        f"{name}_mean": spread.mean,
        f"{name}_sd": spread.sd,
        f"{name}_values": " ".join(f"{value:.6g}" for value in spread.values),  # noqa: PD011 - no frame,
    }


def runs(study: Study) -> pd.DataFrame:
    """Return a row a run: recipe, seed, status, engine, scores, seconds."""
    return study.frame()


def history(study: Study) -> pd.DataFrame:
    """Return a row an epoch; ``validation`` says which examples its validation figures are of."""
    return study.history().assign(validation=validation_source(study))


def validation_source(study: Study) -> str:
    """Say which examples watched training."""
    if study.validation == "test":
        return "test set"
    return f"{study.validation} of the training set"


def layers(study: Study) -> pd.DataFrame:
    """Return a row a layer: recipe, layer, class, output shape, parameters."""
    frames = [layers_of(record.summary).assign(recipe=record.label) for record in study.recipes]
    return pd.concat(frames)[["recipe", "layer", "class", "output_shape", "parameters"]]


def layers_of(summary: str) -> pd.DataFrame:
    """Read the layers out of what ``keras.Model.summary()`` printed, a row each.

    A cell too long for its column goes on in the next line, and a rule ends each row.
    """
    rows = []
    for block in re.split(r"^[├└╞╘].*$", summary, flags=re.MULTILINE):
        lines = [match.groups() for match in _ROW_OF_SUMMARY.finditer(block)]
        cells = [
            " ".join(part.strip() for part in cell).strip() for cell in zip(*lines, strict=True)
        ]
        if cells:
            rows.append(_layer_row(*cells))
    return pd.DataFrame(rows, columns=["layer", "class", "output_shape", "parameters"])


def _layer_row(layer: str, shape: str, count: str) -> dict[str, Any]:
    named = _LAYER_AND_CLASS.match(layer)
    return {
        "layer": named["name"] if named else layer,
        "class": named["kind"] if named else "",
        "output_shape": shape,
        "parameters": int(count.split()[0].replace(",", "")),
    }


def confusions(study: Study) -> pd.DataFrame:
    """Return a row a pair of classes: how many test examples of one were taken for the other."""
    names = study.dataset["class_names"]
    rows = [
        {"recipe": label, "truth": names[truth], "answer": names[answer], "mean_count": count}
        for label in _labels_with_runs(study)
        for (truth, answer), count in np.ndenumerate(confusion(study, label))
    ]
    return pd.DataFrame(rows, columns=["recipe", "truth", "answer", "mean_count"])


def misreads(study: Study) -> pd.DataFrame:
    """Return a row for each recipe and test example that at least one of its runs misreads."""
    frames = [misread(study, label).assign(recipe=label) for label in _labels_with_runs(study)]
    if not frames:
        return pd.DataFrame(columns=["recipe", "test_index"])
    together = pd.concat(frames)
    return together[["recipe", *together.columns.drop("recipe")]]


def _labels_with_runs(study: Study) -> list[str]:
    return [record.label for record in study.recipes if study.seeds(record.label)]


def comparisons(compared: Compared) -> pd.DataFrame:
    """Return a row a pair, as ``Comparison.frame`` does; no row where nothing can be compared."""
    frames = [found.frame() for found in compared.comparisons]
    return pd.concat(frames) if frames else pd.DataFrame(columns=["a", "b", "claim"])


def calibrations(compared: Compared) -> pd.DataFrame:
    """Return a row a run: expected calibration error and Brier score."""
    rows = [
        {"recipe": label, "seed": seed, "calibration_error": error, "brier_score": brier}
        for label, found in compared.calibrations.items()
        for seed, error, brier in zip(
            compared.study.seeds(label), found.error.values, found.brier.values, strict=True
        )
    ]
    return pd.DataFrame(rows, columns=["recipe", "seed", "calibration_error", "brier_score"])


def reliability(compared: Compared) -> pd.DataFrame:
    """Return a row a recipe and bin of confidence: the points of the reliability diagrams."""
    rows = [
        {
            "recipe": label,
            "low": one.low,
            "high": one.high,
            "mean_count": one.count,
            "confidence": one.confidence,
            "accuracy": one.accuracy.mean,
        }
        for label, found in compared.calibrations.items()
        for one in found.bins()
    ]
    columns = ["recipe", "low", "high", "mean_count", "confidence", "accuracy"]
    return pd.DataFrame(rows, columns=columns)


def variations(compared: Compared) -> pd.DataFrame:
    """Return a row a recipe and source of chance that was varied."""
    return compared.variation


TABLES: dict[str, Callable[[Study], pd.DataFrame]] = {
    "scores": scores,
    "runs": runs,
    "history": history,
    "layers": layers,
    "confusion": confusions,
    "misread": misreads,
}
"""Name of the CSV file -> the function that makes the table."""

COMPARED_TABLES: dict[str, Callable[[Compared], pd.DataFrame]] = {
    "comparison": comparisons,
    "items": items_table,
    "calibration": calibrations,
    "reliability": reliability,
    "variation": variations,
    "drawn": lambda compared: drawn_scores(compared.drawn),
}
"""The same for tables of recipes side by side."""
