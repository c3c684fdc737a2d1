"""What a study file says of a recipe, and the statements that read it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from mlplab.study.file import Row

RUNS = """
SELECT recipe.label AS recipe, run.seed, run.status, run.engine, run.test_loss, run.test_accuracy,
       run.seconds, count(epoch.epoch) AS epochs, avg(epoch.seconds) AS seconds_per_epoch,
       run.started
FROM run JOIN recipe ON recipe.id = run.recipe_id LEFT JOIN epoch ON epoch.run_id = run.id
WHERE run.vary = 'all'
GROUP BY run.id ORDER BY recipe.id, run.seed
"""

EPOCHS = """
SELECT recipe.label AS recipe, run.seed, epoch.epoch, epoch.loss, epoch.accuracy, epoch.val_loss,
       epoch.val_accuracy, epoch.seconds
FROM epoch JOIN run ON run.id = epoch.run_id JOIN recipe ON recipe.id = run.recipe_id
WHERE run.vary = 'all'
ORDER BY recipe.id, run.seed, epoch.epoch
"""

SCORES_BY_SOURCE = """
SELECT recipe.label AS recipe, run.vary, run.test_accuracy
FROM run JOIN recipe ON recipe.id = run.recipe_id
WHERE run.status = 'done' ORDER BY recipe.id, run.seed
"""

LOOKS = "SELECT time, command, seen, planned FROM look ORDER BY rowid"


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
        operations: multiply-adds for one example; None where they are not known.
    """

    label: str
    name: str
    fingerprint: str
    description: dict[str, Any]
    summary: str
    parameters: dict[str, int]
    operations: int | None

    @property
    def logits(self) -> bool:
        """Whether its loss takes logits, so that its models give some."""
        loss = self.description["loss"]
        return bool(isinstance(loss, dict) and loss.get("config", {}).get("from_logits", False))

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
            operations=row["operations"],
        )
