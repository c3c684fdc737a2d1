"""Sources of variation: how much of the spread of a score each random stream causes."""

from __future__ import annotations

import pandas as pd

from mlplab.compare.moments import variance

SOURCES = ("init", "order", "dropout", "split")
"""The random streams of a run, each of which can be varied alone."""

VARY = (*SOURCES, "all")
"""What a seed may vary: one stream, the others being held at seed 0; or all of them."""


def variation(scores: pd.DataFrame) -> pd.DataFrame:
    """Return mean and spread of test accuracy by recipe and source.

    Args:
        scores: a row a run: recipe, vary, test_accuracy.

    Returns:
        recipe, vary, runs, mean, sd (ddof = 1), share (of the variance of the runs in which all
        streams vary; missing where there are fewer than two of them, or they do not vary).

    Examples:
        >>> scores = pd.DataFrame(
        ...     [("net", "all", a) for a in (0.90, 0.92, 0.94)]
        ...     + [("net", "init", a) for a in (0.91, 0.92, 0.93)],
        ...     columns=["recipe", "vary", "test_accuracy"],
        ... )
        >>> variation(scores).round(3)
          recipe  vary  runs  mean    sd  share
        0    net  init     3  0.92  0.01   0.25
        1    net   all     3  0.92  0.02   1.00
    """
    rows = []
    for recipe, runs in scores.groupby("recipe", sort=False):
        by_source = {
            vary: runs.loc[runs["vary"] == vary, "test_accuracy"].astype(float) for vary in VARY
        }
        whole = _variance(by_source["all"])
        for vary, values in by_source.items():
            if len(values):
                share = _variance(values) / whole if whole > 0 else float("nan")
                rows.append((recipe, vary, len(values), values.mean(), values.std(), share))
    return pd.DataFrame(rows, columns=["recipe", "vary", "runs", "mean", "sd", "share"])


def _variance(values: pd.Series) -> float:
    return variance(values.to_numpy()) if len(values) > 1 else float("nan")
