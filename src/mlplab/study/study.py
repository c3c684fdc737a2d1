"""Study: the runs of recipes x seeds on one dataset, read from a study file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mlplab.errors import StudyError, did_you_mean
from mlplab.study.file import Row, StudyFile

_FRAME = """
SELECT recipe.label AS recipe, run.seed, run.status, run.engine, run.test_loss, run.test_accuracy,
       run.seconds, count(epoch.epoch) AS epochs, avg(epoch.seconds) AS seconds_per_epoch,
       run.started
FROM run JOIN recipe ON recipe.id = run.recipe_id LEFT JOIN epoch ON epoch.run_id = run.id
GROUP BY run.id ORDER BY recipe.id, run.seed
"""

_HISTORY = """
SELECT recipe.label AS recipe, run.seed, epoch.epoch, epoch.loss, epoch.accuracy, epoch.val_loss,
       epoch.val_accuracy, epoch.seconds
FROM epoch JOIN run ON run.id = epoch.run_id JOIN recipe ON recipe.id = run.recipe_id
ORDER BY recipe.id, run.seed, epoch.epoch
"""


@dataclass(frozen=True)
class RecipeRecord:
    """A recipe as a study file keeps it.

    Attributes:
        label: what the study calls it: its name, or name@fingerprint for a later, changed recipe.
        name: its name.
        fingerprint: SHA-256 of its description.
        description: layers, loss, optimizer, batch size and epochs, as plain data.
        summary: what ``keras.Model.summary()`` prints.
        parameters: numbers of weights: total, trainable, frozen.
    """

    label: str
    name: str
    fingerprint: str
    description: dict[str, Any]
    summary: str
    parameters: dict[str, int]

    @classmethod
    def from_row(cls, row: Row) -> RecipeRecord:
        """Read a row of the table ``recipe``."""
        return cls(
            label=row["label"],
            name=row["name"],
            fingerprint=row["fingerprint"],
            description=json.loads(row["description"]),
            summary=row["summary"],
            parameters=json.loads(row["parameters"]),
        )


class Study:
    """The runs of recipes x seeds on one dataset.

    Args:
        path: a study file.

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

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file = StudyFile(self.path)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Study:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        labels = ", ".join(record.label for record in self.recipes)
        runs = f"{len(self.frame())} runs of {labels} on {self.dataset['name']}"
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
        return self._select(_FRAME)

    def history(self) -> pd.DataFrame:
        """Return a row an epoch: recipe, seed, epoch (from 1), losses, accuracies, seconds."""
        return self._select(_HISTORY)

    def _select(self, statement: str) -> pd.DataFrame:
        rows = self._file.rows(statement)
        cursor = self._file.connection.execute(statement + " LIMIT 0")
        names = [column[0] for column in cursor.description]
        frame = pd.DataFrame([tuple(row) for row in rows], columns=names)
        floats = [name for name in names if name.endswith(("loss", "accuracy"))]
        return frame.astype(dict.fromkeys(floats, float))

    def seeds(self, label: str) -> list[int]:
        """Return the seeds of a recipe's runs that are done (not diverged), in order."""
        return [row["seed"] for row in self._done(label, "seed")]

    def outcomes(self, label: str) -> npt.NDArray[np.bool_]:
        """Return whether each test example was answered rightly, shape (n_seeds, n_test)."""
        n_test = len(self.labels)
        packed = [np.frombuffer(row["outcome"], np.uint8) for row in self._done(label, "outcome")]
        bits = [np.unpackbits(bytes_, count=n_test) for bytes_ in packed]
        return np.array(bits, dtype=bool).reshape(-1, n_test)

    def probabilities(self, label: str) -> npt.NDArray[np.float16]:
        """Return the models' answers on the test set, shape (n_seeds, n_test, n_classes)."""
        shape = (-1, len(self.labels), len(self.dataset["class_names"]))
        rows = self._done(label, "probabilities")
        return np.array(
            [np.frombuffer(row["probabilities"], "<f2") for row in rows], "<f2"
        ).reshape(shape)

    def model_path(self, label: str, seed: int) -> Path | None:
        """Return the path of a run's kept model, or None where none is kept."""
        for row in self._done(label, "seed", "model_file"):
            if row["seed"] == seed and row["model_file"]:
                path = self.path.parent / row["model_file"]
                return path if path.exists() else None
        return None

    def _done(self, label: str, *columns: str) -> Sequence[Row]:
        statement = (
            f"SELECT {', '.join(f'run.{column}' for column in columns)} "  # noqa: S608 - fixed names
            "FROM run JOIN recipe ON recipe.id = run.recipe_id "
            "WHERE recipe.label = ? AND run.status = 'done' ORDER BY run.seed"
        )
        self.recipe(label)
        return self._file.rows(statement, label)
