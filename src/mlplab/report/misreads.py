"""Which test examples the runs of a recipe misread, and what they take them for."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt
import pandas as pd

from mlplab.study import Study


def answers(study: Study, label: str) -> npt.NDArray[np.intp]:
    """Return each run's answer to each test example: class indices, shape (n_seeds, n_test).

    Probabilities are kept as float16, where two can round to one value: a run's outcome, taken
    before rounding, decides whether the answer was the truth.
    """
    truth, right = study.labels, study.outcomes(label)
    probabilities = study.probabilities(label).astype(np.float32)
    np.put_along_axis(probabilities, truth[None, :, None].astype(np.intp), -1.0, axis=2)
    return np.where(right, truth, probabilities.argmax(axis=2))


def confusion(study: Study, label: str) -> npt.NDArray[np.float64]:
    """Count truth (rows) by answer (columns), a mean over the runs, (n_classes, n_classes)."""
    given, n_classes = answers(study, label), len(study.dataset["class_names"])
    cells = study.labels.astype(np.intp) * n_classes + given
    counts = np.bincount(cells.ravel(), minlength=n_classes**2) / max(len(given), 1)
    return counts.reshape(n_classes, n_classes).astype(np.float64)


def misread(study: Study, label: str) -> pd.DataFrame:
    """Return a row for each test example that at least one run misreads, the surest first.

    Columns: test_index; truth, a class name; answers, how many runs gave which, as
    ``"9 x 2, 4 x 1"``; n_misread and n_runs; certainty, the mean probability the runs gave to
    their wrong answers; disputed, whether the label itself is in doubt.
    """
    names, truth = study.dataset["class_names"], study.labels
    given, wrong = answers(study, label), ~study.outcomes(label)
    chosen = np.take_along_axis(
        study.probabilities(label).astype(np.float64), given[:, :, None], axis=2
    )[:, :, 0]
    indices = np.flatnonzero(wrong.any(axis=0))
    n_misread = wrong.sum(axis=0)[indices]
    table = pd.DataFrame(
        {
            "test_index": indices,
            "truth": [names[truth[index]] for index in indices],
            "answers": [count_answers([names[k] for k in given[:, index]]) for index in indices],
            "n_misread": n_misread,
            "n_runs": len(given),
            "certainty": (chosen * wrong).sum(axis=0)[indices] / n_misread,
            "disputed": np.isin(indices, study.dataset["disputed"]),
        }
    )
    order = ["n_misread", "certainty", "test_index"]
    return table.sort_values(order, ascending=[False, False, True], ignore_index=True)


def count_answers(given: list[str]) -> str:
    """Say how many runs gave which answer, the most frequent first.

    Examples:
        >>> count_answers(["9", "4", "9"])
        '9 x 2, 4 x 1'
    """
    return ", ".join(f"{name} x {count}" for name, count in Counter(given).most_common())
