"""What the runs of a study file answered, read without being counted as a look."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mlplab.study.file import Row, StudyFile


class Kept:
    """Answers on the test set, for code that shows no one a score or counts the look itself.

    Of runs that are done (not diverged) and in which all random streams vary, in the order of their
    seeds.

    Args:
        file: the study file.
        n_test: how many test examples.
        n_classes: how many classes.
    """

    def __init__(self, file: StudyFile, n_test: int, n_classes: int) -> None:
        self.file, self.n_test, self.n_classes = file, n_test, n_classes

    def seeds(self, label: str) -> list[int]:
        """Return the seeds of a recipe."""
        return [row["seed"] for row in self.rows(label, "seed")]

    def seconds(self, label: str) -> npt.NDArray[np.float64]:
        """Return the measured seconds of each run, shape (n_seeds,)."""
        return np.array([row["seconds"] for row in self.rows(label, "seconds")])

    def outcomes(self, label: str) -> npt.NDArray[np.bool_]:
        """Return whether each test example was answered rightly, shape (n_seeds, n_test)."""
        packed = [np.frombuffer(row["outcome"], np.uint8) for row in self.rows(label, "outcome")]
        bits = [np.unpackbits(bytes_, count=self.n_test) for bytes_ in packed]
        return np.array(bits, dtype=bool).reshape(-1, self.n_test)

    def probabilities(self, label: str) -> npt.NDArray[np.float16]:
        """Return the models' answers, shape (n_seeds, n_test, n_classes)."""
        rows = self.rows(label, "probabilities")
        answers = [np.frombuffer(row["probabilities"], "<f2") for row in rows]
        return np.array(answers, "<f2").reshape(-1, self.n_test, self.n_classes)

    def diverged(self, label: str) -> list[int]:
        """Return the seeds of a recipe's runs that diverged."""
        return [row["seed"] for row in self.rows(label, "seed", status="diverged")]

    def rows(self, label: str, *columns: str, status: str = "done") -> Sequence[Row]:
        """Return columns of a recipe's runs."""
        statement = (
            f"SELECT {', '.join(f'run.{column}' for column in columns)} "  # noqa: S608 - fixed names
            "FROM run JOIN recipe ON recipe.id = run.recipe_id "
            "WHERE recipe.label = ? AND run.vary = 'all' AND run.status = ? ORDER BY run.seed"
        )
        return self.file.rows(statement, label, status)
