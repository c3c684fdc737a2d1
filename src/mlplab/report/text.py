"""A study in plain text: what the notebook prints, and a table of ours beside what it published."""

from __future__ import annotations

import numpy as np
from rich.table import Table

from mlplab.data import Dataset
from mlplab.study import Study
from mlplab.study.summary import RecipeSummary, Spread, summarize


def data_facts(dataset: Dataset) -> str:
    """Return what the notebook prints of its data: shapes, a vector as read and scaled, a label."""
    (x, y), n_features = dataset.train, int(np.prod(dataset.input_shape))
    first = x[0].ravel()
    middle = slice(n_features // 5, n_features // 5 + 24)
    one_hot = np.eye(dataset.n_classes)[y[0]]
    lines = [
        f"{dataset.name}: {len(x):,} training and {len(dataset.test.x):,} test examples",
        f"shape of an example: {dataset.input_shape}; as a vector: ({n_features},)",
        f"first example, values {middle.start}..{middle.stop - 1}: {numbers(first[middle])}",
    ]
    if x.dtype == np.uint8:
        lines.append(f"the same, scaled by 1/255: {numbers(first[middle] / 255)}")
    lines += [
        f"class of the first example: {dataset.class_names[y[0]]}",
        f"as a one-hot vector: {numbers(one_hot)}",
    ]
    return "\n".join(lines) + "\n"


def numbers(values: np.typing.NDArray[np.generic]) -> str:
    """Return numbers as a reader would write them."""
    return " ".join(f"{value:.3g}" for value in values.tolist())


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
    """Return the table of scores over seeds, beside what the notebook published where it did."""
    summaries = summarize(study)
    shown = any(summary.published for summary in summaries)
    table = Table(
        title=f"Test scores on {study.dataset['name']}, mean ± standard deviation over seeds",
        box=None,
        pad_edge=False,
    )
    table.add_column("recipe", no_wrap=True)
    # In 80 columns the scores of four recipes take two lines, and nothing is cut.
    table.add_column("parameters", justify="right", no_wrap=True)
    for heading in ("seeds", "test accuracy", "test loss", "s/epoch"):
        table.add_column(heading, justify="right")
    if shown:
        table.add_column("notebook accuracy", justify="right")
        table.add_column("notebook loss", justify="right")
    for summary in summaries:
        table.add_row(*cells(summary), *(published_cells(summary) if shown else ()))
    if study.validation == "test":
        table.caption = "The validation data was the test set, as in the notebook."
    return table


def cells(summary: RecipeSummary) -> tuple[str, ...]:
    """Return a recipe's row."""
    seeds = str(len(summary.seeds))
    if summary.diverged:
        seeds += f" (+{len(summary.diverged)} diverged)"
    seconds = summary.seconds_per_epoch
    return (
        summary.record.label,
        f"{summary.record.parameters['total']:,}",
        seeds,
        spread(summary.test_accuracy),
        spread(summary.test_loss),
        "-" if seconds is None else f"{seconds:.2f}",
    )


def published_cells(summary: RecipeSummary) -> tuple[str, str]:
    """Return what the notebook published for a recipe."""
    if summary.published is None:
        return "-", "-"
    return f"{summary.published.test_accuracy:.4f}", f"{summary.published.test_loss:.4f}"


def spread(values: Spread) -> str:
    """Return mean ± standard deviation, or what there is of it."""
    if values.mean is None:
        return "-"
    if values.sd is None:
        return f"{values.mean:.4f}"
    return f"{values.mean:.4f} ± {values.sd:.4f}"
