"""A study in plain text: what the notebook prints, and a table of ours beside what it published."""

from __future__ import annotations

import numpy as np
import pandas as pd
from rich.table import Table

from mlplab.data import Dataset
from mlplab.plain_text import table as text_table
from mlplab.recipes.notebook import EPOCHS
from mlplab.report.numbers import MISSING, number, vector
from mlplab.study import Study
from mlplab.study.summary import RecipeSummary, Spread, summarize

VALIDATION_WAS_TEST = "The validation data was the test set, as in the notebook."


def data_facts(dataset: Dataset) -> str:
    """Return what the notebook prints of its data: shapes, a vector as read and scaled, a label."""
    (x, y), n_features = dataset.train, int(np.prod(dataset.input_shape))
    first = x[0].ravel()
    middle = slice(n_features // 5, n_features // 5 + 24)
    one_hot = np.eye(dataset.n_classes)[y[0]]
    lines = [
        f"{dataset.name}: {len(x):,} training and {len(dataset.test.x):,} test examples",
        f"shape of an example: {dataset.input_shape}; as a vector: ({n_features},)",
        f"first example, values {middle.start}..{middle.stop - 1}: {vector(first[middle])}",
    ]
    if x.dtype == np.uint8:
        lines.append(f"the same, scaled by 1/255: {vector(first[middle] / 255)}")
    lines += [
        f"class of the first example: {dataset.class_names[y[0]]}",
        f"as a one-hot vector: {vector(one_hot)}",
    ]
    return "\n".join(lines) + "\n"


def network_facts(study: Study) -> str:
    """Return each network's summary and scores, as the notebook prints them."""
    parts = []
    for summary in summarize(study):
        lines = [f"\n{summary.record.label}", summary.record.summary.rstrip()]
        scores = zip(
            summary.seeds, summary.test_loss.values, summary.test_accuracy.values, strict=True
        )
        lines += [
            f"seed {seed}: Test score: {loss:.4f}  Test accuracy: {accuracy:.4f}"
            for seed, loss, accuracy in scores
        ]
        lines += [f"seed {seed}: diverged" for seed in summary.diverged]
        parts.append("\n".join(lines))
    return "\n".join(parts) + "\n"


def results_table(study: Study) -> Table:
    """Return the table of scores over seeds, beside what the notebook published where it did.

    It fits 80 columns.
    """
    summaries = summarize(study)
    shown = any(summary.published for summary in summaries)
    table = Table(
        title=f"Test scores on {study.dataset['name']}, mean ± sd over seeds",
        box=None,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    columns = ["accuracy", "notebook", "loss", "notebook"] if shown else ["accuracy", "loss"]
    table.add_column("recipe", no_wrap=True)
    for heading in (*columns, "s/epoch", "seeds"):
        table.add_column(heading, justify="right", no_wrap=True)
    for summary in summaries:
        table.add_row(*cells(summary, shown))
    table.caption = "\n".join(notes(study, summaries)) or None
    return table


def cells(summary: RecipeSummary, shown: bool) -> list[str]:
    """Return a recipe's row."""
    accuracy, loss = spread(summary.test_accuracy), spread(summary.test_loss)
    published, seconds = summary.published, summary.seconds_per_epoch
    scores = [accuracy, loss]
    if shown:
        theirs = (published.test_accuracy, published.test_loss) if published else (None, None)
        scores = [accuracy, number(theirs[0]), loss, number(theirs[1])]
    seeds = str(len(summary.seeds))
    return [summary.record.label, *scores, number(seconds, 2), seeds]


def notes(study: Study, summaries: list[RecipeSummary]) -> list[str]:
    """Return what a reader of the table has to know."""
    told = []
    if study.validation == "test":
        told.append(VALIDATION_WAS_TEST)
    epochs = {summary.record.description["epochs"] for summary in summaries if summary.published}
    if epochs - {EPOCHS}:
        ours = " or ".join(str(count) for count in sorted(epochs))
        told.append(f"The notebook trained for {EPOCHS} epochs, these networks for {ours}.")
    told += [
        f"{summary.record.label}: {len(summary.diverged)} more runs diverged."
        for summary in summaries
        if summary.diverged
    ]
    return told


def variation_text(study: Study, frame: pd.DataFrame) -> str:
    """Return the table of ``Study.variation``: the spread that each random stream causes alone.

    Standard deviations are in percentage points of test accuracy.
    """
    rows = [
        [
            row["recipe"],
            row["vary"],
            str(row["runs"]),
            f"{row['mean']:.3%}",
            MISSING if np.isnan(row["sd"]) else f"{100 * row['sd']:.3f}",
            MISSING if np.isnan(row["share"]) else f"{row['share']:.0%}",
        ]
        for row in frame.to_dict("records")
    ]
    head = ["recipe", "varies", "runs", "accuracy", "sd, points", "share of variance"]
    title = f"Test accuracy on {study.dataset['name']}, by what the seed varies"
    guard = [VALIDATION_WAS_TEST] if study.validation == "test" else []
    return "\n".join([title, "", *text_table(head, rows, left=2), *guard])


def spread(values: Spread) -> str:
    """Return mean ± standard deviation, or what there is of it."""
    if values.mean is None:
        return MISSING
    if values.sd is None:
        return f"{values.mean:.4f}"
    return f"{values.mean:.4f}±{values.sd:.4f}"
