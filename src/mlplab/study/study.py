"""Study: the runs of recipes x seeds on one dataset, read from a study file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mlplab.compare import Claim, Comparison, Metric
from mlplab.errors import StudyError, did_you_mean
from mlplab.study.comparing import compare_studies, terms_of
from mlplab.study.file import Row, StudyFile
from mlplab.study.kept import Kept
from mlplab.study.looks import AFTER_EPOCHS, AFTER_RUNS, LookCount
from mlplab.study.records import EPOCHS, LOOKS, RUNS, SCORES_BY_SOURCE, RecipeRecord
from mlplab.study.variation import variation


class Study:
    """The runs of recipes x seeds on one dataset.

    Whoever reads test scores through it looks at the test set. Each kind of look is written into
    the file, once in the life of this object; ``looks`` lists them.

    Args:
        path: a study file.
        command: who looks: a command line, or ``"Python"``.
        looks: the looks that were counted for the same command already; these kinds count once.

    Raises:
        StudyError: the file is missing, is no study, is damaged, or has another version.

    Examples:
        >>> from mlplab import notebook_recipes, run
        >>> softmax = notebook_recipes()[0].replace(epochs=1)
        >>> run(softmax, "digits", seeds=2, path="softmax.study").close()
        >>> with Study("softmax.study") as study:
        ...     study.frame()[["recipe", "seed", "status"]]
            recipe  seed status
        0  softmax     0   done
        1  softmax     1   done
    """

    def __init__(
        self, path: str | Path, command: str = "Python", looks: LookCount | None = None
    ) -> None:
        self.path = Path(path)
        self._file = StudyFile(self.path)
        self._looks = looks or LookCount(self.path, command)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Study:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        labels = ", ".join(record.label for record in self.recipes)
        runs = f"{len(self._select(RUNS))} runs of {labels} on {self.dataset['name']}"
        return f"<Study {str(self.path)!r}: {runs}>"

    @cached_property
    def _head(self) -> Row:
        return self._file.rows("SELECT * FROM study")[0]

    @property
    def id(self) -> str:
        """A name for the study that no other has."""
        return str(self._head["id"])

    @property
    def created(self) -> str:
        """When the file was made, UTC, ISO 8601."""
        return str(self._head["created"])

    @property
    def dataset(self) -> dict[str, Any]:
        """The dataset: name, source, load_options, fingerprint, sizes, class_names, disputed."""
        return dict(json.loads(self._head["dataset"]))

    @property
    def validation(self) -> str | int | float:
        """What watched training: ``"test"``, or a number or fraction of the training examples."""
        value: str | int | float = json.loads(self._head["validation"])
        return value

    @property
    def labels(self) -> npt.NDArray[np.int32]:
        """The test labels, shape (n_test,)."""
        return np.frombuffer(self._head["labels"], dtype="<i4")

    @property
    def recipes(self) -> list[RecipeRecord]:
        """The recipes in the order of their first run; of those with one name, the latest used."""
        rows = self._file.rows("SELECT * FROM recipe ORDER BY id")
        latest: dict[str, int] = {}
        for row in rows:
            latest[row["name"]] = max(row["requested"], latest.get(row["name"], 0))
        return [
            RecipeRecord.from_row(row) for row in rows if row["requested"] == latest[row["name"]]
        ]

    @property
    def all_recipes(self) -> list[RecipeRecord]:
        """All recipes, also those that a changed one with the same name has replaced."""
        return [
            RecipeRecord.from_row(row)
            for row in self._file.rows("SELECT * FROM recipe ORDER BY id")
        ]

    def recipe(self, label: str) -> RecipeRecord:
        """Return the recipe with this label."""
        records = {record.label: record for record in self.all_recipes}
        if label not in records:
            raise StudyError(
                f"expected a recipe of {self.path} ({', '.join(records)}), got {label!r}"
                f"{did_you_mean(label, records)}"
            )
        return records[label]

    @property
    def environments(self) -> list[dict[str, Any]]:
        """The environments its runs were made in."""
        return [
            json.loads(row["content"]) for row in self._file.rows("SELECT content FROM environment")
        ]

    def frame(self) -> pd.DataFrame:
        """Return a row a run: recipe, seed, status, engine, test scores, seconds, epochs, start."""
        self._looks.count(AFTER_RUNS)
        return self._select(RUNS)

    def history(self) -> pd.DataFrame:
        """Return a row an epoch: recipe, seed, epoch (from 1), losses, accuracies, seconds."""
        if self.validation == "test":
            self._looks.count(AFTER_EPOCHS)
        return self._select(EPOCHS)

    def compare(
        self,
        claim: Claim = "recipes",
        *,
        margin: float | None = None,
        level: float = 0.95,
        metric: Metric = "accuracy",
        recipes: Sequence[str] | None = None,
        seeds: Sequence[int] | None = None,
        pairs: Iterable[tuple[str, str]] | None = None,
    ) -> Comparison:
        """Compare the recipes: which differences are real?

        Args:
            claim: what is asked: ``"recipes"`` (which recipe is better on new examples, whatever
                the seed?), ``"recipes-this-test"`` (on this very test set?) or ``"models"`` (of
                one trained model of each, which is better on new examples?).
            margin: the difference from which on it matters: percentage points of accuracy, 0.1
                where None, or units of loss, 0.01 where None.
            level: how often the intervals of all pairs hold at once.
            metric: ``"accuracy"``, or ``"loss"``: cross-entropy of the kept probabilities.
            recipes: labels of the recipes; all that the study was last asked for where None.
            seeds: use these seeds alone. For ``"models"`` it is one; the lowest that all recipes
                have where None.
            pairs: the pairs (a, b) to compare, chosen before the scores were seen; all where None.
                They are one family: its intervals hold at once, and are narrower the fewer it has.

        Returns:
            Every pair, or those chosen, with its difference, interval and verdict. Runs that
            diverged are left out, and ``notes`` says how many.

        Raises:
            CompareError: the runs cannot carry the claim.
            StudyError: there is no such recipe.

        Reference:
            docs/statistics.md has the formulas and their sources.

        Examples:
            >>> from mlplab import notebook_recipes, run
            >>> pair = [r.replace(epochs=e) for r, e in zip(notebook_recipes(), (1, 8))]
            >>> with run(pair, "digits", seeds=3, path="two.study") as study:
            ...     study.compare().frame()[["a", "b", "claim", "verdict"]]
                     a       b    claim   verdict
            0  softmax  relu-2  recipes  b better
        """
        return compare_studies(
            [self],
            claim,
            margin=margin,
            level=level,
            metric=metric,
            recipes=recipes,
            seeds=seeds,
            pairs=pairs,
        )

    def terms(self, recipes: Sequence[str] | None = None) -> pd.DataFrame:
        """Return on what terms recipes compete, a row each.

        The columns are recipe, parameters, operations (multiply-adds of one example; missing where
        not known) and seconds (mean of the measured seconds of its runs).
        """
        return terms_of([self], recipes)

    def variation(self) -> pd.DataFrame:
        """Return how much of the spread of test accuracy each random stream causes alone.

        Returns:
            A row for each recipe and each ``vary`` it was run under: recipe, vary, runs, mean, sd
            (of the test accuracy, ddof = 1) and share: the variance as a share of that of the runs
            in which all streams vary. Shares need not add up to 1: streams act together.
        """
        self._looks.count("test scores by source of variation")
        return variation(self._select(SCORES_BY_SOURCE))

    def looks(self) -> pd.DataFrame:
        """Return a row for each counted look at test scores: time (UTC), command, seen, planned.

        ``planned`` is true of the looks at which ``run_until_decided`` adds seeds or ends.
        """
        return self._select(LOOKS).astype({"planned": bool})

    def count_look(self, seen: str, *, planned: bool = False) -> None:
        """Count a look at test scores, if this object has not counted one like it."""
        self._looks.count(seen, planned=planned)

    def _select(self, statement: str) -> pd.DataFrame:
        rows = self._file.rows(statement)
        cursor = self._file.connection.execute(statement + " LIMIT 0")
        names = [column[0] for column in cursor.description]
        frame = pd.DataFrame([tuple(row) for row in rows], columns=names)
        floats = [name for name in names if name.endswith(("loss", "accuracy"))]
        return frame.astype(dict.fromkeys(floats, float))

    @cached_property
    def kept(self) -> Kept:
        """The runs' answers, for code that shows no one a score or counts the look itself."""
        return Kept(self._file, len(self.labels), len(self.dataset["class_names"]))

    def seeds(self, label: str) -> list[int]:
        """Return the seeds of a recipe's runs that are done (not diverged), in order."""
        self.recipe(label)
        return self.kept.seeds(label)

    def outcomes(self, label: str) -> npt.NDArray[np.bool_]:
        """Return whether each test example was answered rightly, shape (n_seeds, n_test)."""
        self.recipe(label)
        self._looks.count("outcome of every test example")
        return self.kept.outcomes(label)

    def probabilities(self, label: str) -> npt.NDArray[np.float16]:
        """Return the models' answers on the test set, shape (n_seeds, n_test, n_classes)."""
        self.recipe(label)
        self._looks.count("probabilities of every test example")
        return self.kept.probabilities(label)

    def model_path(self, label: str, seed: int) -> Path | None:
        """Return the path of a run's kept model, or None where none is kept."""
        self.recipe(label)
        for row in self.kept.rows(label, "seed", "model_file"):
            if row["seed"] == seed and row["model_file"]:
                path = self.path.parent / row["model_file"]
                return path if path.exists() else None
        return None
