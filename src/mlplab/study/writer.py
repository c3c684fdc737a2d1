"""The one writer of a study file: what is missing, and the runs as they end."""

from __future__ import annotations

import io
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from filelock import FileLock, Timeout

from mlplab.data import Dataset
from mlplab.engine import KERAS_LOCK, choose_engine
from mlplab.errors import DataError, StudyError
from mlplab.files import whole, writing
from mlplab.lazy_tensorflow import tensorflow_unread
from mlplab.recipes import Recipe, fingerprint_of, operations, parameter_counts
from mlplab.study.environment import environment
from mlplab.study.file import StudyFile, is_unfinished, storage_errors
from mlplab.study.one_run import RunResult
from mlplab.study.progress import Job

BYTES_AN_ANSWER = 2
MOST_BYTES = 10**9
"""What SQLite takes as one value."""


@dataclass(frozen=True)
class Registered:
    """A recipe that the file knows: its row, and whether it replaced another of its name.

    Attributes:
        recipe: the recipe.
        engine: what trains it: ``auto`` is settled before any run begins.
        id: its row.
        label: what the study calls it.
        replaces: the label of the last other recipe of its name, if there is one.
    """

    recipe: Recipe
    engine: str
    id: int
    label: str
    replaces: str | None


@contextmanager
def open_writer(
    path: Path, dataset: Dataset, validation: str | int | float
) -> Iterator[StudyWriter]:
    """Open a study file for adding runs, making it where there is none; one process at a time.

    Raises:
        StudyError: the file holds runs on other data, or another process writes to it.
        StorageError: the folder cannot be written.
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise StudyError(
                f"another process is adding runs to {path}; wait for it to end"
            ) from error
    try:
        file = open_or_create(path, dataset, validation)
        try:
            yield StudyWriter(file)
        finally:
            file.close()
    finally:
        # While it is held: who waits on the name that goes finds out, and takes the next.
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def open_or_create(path: Path, dataset: Dataset, validation: str | int | float) -> StudyFile:
    """Open a study file after checking that its runs are on these data, or make it."""
    check_room(dataset)
    content = describe_dataset(dataset)
    if not path.exists() or (path.is_file() and is_unfinished(path)):
        labels = np.asarray(dataset.test.y, dtype="<i4").tobytes()
        return StudyFile.create(path, content, validation, labels)
    file = StudyFile(path, writable=True)
    head = file.rows("SELECT dataset, validation FROM study")[0]
    there, there_validation = json.loads(head["dataset"]), json.loads(head["validation"])
    wrong = ""
    if there["fingerprint"] != content["fingerprint"]:
        wrong = (
            f"{content['name']} ({content['fingerprint'][:12]}), "
            f"got a file with runs on {there['name']} ({there['fingerprint'][:12]})"
        )
    elif there_validation != validation:
        wrong = (
            f"validation={validation!r}, got a file with runs under validation={there_validation!r}"
        )
    if wrong:
        file.close()
        raise StudyError(f"expected a study of {wrong}: {path}; give this study a file of its own")
    return file


def check_room(dataset: Dataset) -> None:
    """Raise DataError where a run's answers to the test split are more than a file can hold."""
    most = MOST_BYTES // (BYTES_AN_ANSWER * dataset.n_classes)
    if dataset.test.n > most:
        raise DataError(
            f"expected a test split of at most {most:,} examples, whose answers a study file can "
            f"hold, got {dataset.test.n:,}; hold out fewer (test=)"
        )


def describe_dataset(dataset: Dataset) -> dict[str, Any]:
    """Return what a study file says of its dataset, as plain data."""
    return {
        "name": dataset.name,
        "source": dataset.source,
        "load_options": dataset.load_options,
        "fingerprint": dataset.fingerprint,
        "n_train": len(dataset.train.y),
        "n_test": len(dataset.test.y),
        "input_shape": list(dataset.input_shape),
        "class_names": list(dataset.class_names),
        "disputed": list(dataset.disputed),
    }


class StudyWriter:
    """Adds recipes and runs to an open study file."""

    def __init__(self, file: StudyFile) -> None:
        self.file = file
        self.models = file.path.with_name(f"{file.path.stem}.models")
        self.environment_id = self.register_environment(environment())

    def register_environment(self, found: dict[str, Any]) -> int:
        """Return the row of an environment, adding it where it is new."""
        content = json.dumps(found, sort_keys=True)
        with self.file.transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO environment (content) VALUES (?)", (content,))
        return int(self.file.rows("SELECT id FROM environment WHERE content = ?", content)[0]["id"])

    def register(
        self, recipes: Sequence[Recipe], dataset: Dataset, engine: str
    ) -> list[Registered]:
        """Return the rows of recipes, adding those that are new, and mark them as current.

        Raises:
            EngineError: ``engine`` is native, which does not cover a recipe.
        """
        last = self.file.rows("SELECT coalesce(max(requested), 0) AS last FROM recipe")[0]["last"]
        return [self.register_one(recipe, dataset, engine, last + 1) for recipe in recipes]

    def register_one(
        self, recipe: Recipe, dataset: Dataset, engine: str, requested: int
    ) -> Registered:
        """Return the row of a recipe; one whose name another recipe has gets its own label."""
        with KERAS_LOCK:
            model = recipe.model(dataset)
            engine = choose_engine(engine, model, dataset.train.x)
        description = recipe.describe(dataset, model)
        fingerprint = fingerprint_of(description)
        namesakes = self.file.rows(
            "SELECT * FROM recipe WHERE name = ? ORDER BY requested", recipe.name
        )
        known = [row for row in namesakes if row["fingerprint"] == fingerprint]
        other = [row["label"] for row in namesakes if row["fingerprint"] != fingerprint]
        with self.file.transaction() as connection:
            if known:
                row_id, count = known[0]["id"], known[0]["operations"]
                if count is None:  # as in a file from before they were counted
                    count = operations(model)
                statement = "UPDATE recipe SET requested = ?, operations = ? WHERE id = ?"
                connection.execute(statement, (requested, count, row_id))
                return Registered(recipe, engine, row_id, known[0]["label"], None)
            label = f"{recipe.name}@{fingerprint[:6]}" if other else recipe.name
            row_id = self.file.insert(
                connection,
                "recipe",
                label=label,
                name=recipe.name,
                fingerprint=fingerprint,
                description=json.dumps(description, sort_keys=True),
                summary=summary(recipe, model),
                parameters=json.dumps(parameter_counts(model)),
                requested=requested,
                operations=operations(model),
            )
        return Registered(recipe, engine, row_id, label, other[-1] if other else None)

    def missing(
        self, registered: Registered, seeds: Sequence[int], vary: str, keep_models: bool
    ) -> list[int]:
        """Return the seeds whose run, or whose kept model, is not there."""
        rows = self.file.rows(
            "SELECT seed, status, model_file FROM run WHERE recipe_id = ? AND vary = ?",
            registered.id,
            vary,
        )
        present = {row["seed"] for row in rows if not keep_models or self.has_model(row)}
        return [seed for seed in seeds if seed not in present]

    def has_model(self, row: Any) -> bool:
        """Say whether a run's model is kept; a diverged run has none to keep."""
        if row["status"] == "diverged":
            return True
        return bool(row["model_file"]) and (self.file.path.parent / row["model_file"]).exists()

    def add(self, registered: Registered, job: Job, result: RunResult, keep_models: bool) -> None:
        """Add a run that has ended, with its epochs, in one transaction."""
        keep = keep_models and result.status == "done"
        model_file = self.save_model(result, job) if keep else None
        outcome, probabilities = result.outcome, result.probabilities
        environment_id = self.environment_id
        if result.environment is not None:
            environment_id = self.register_environment(result.environment)
        with self.file.transaction() as connection:
            connection.execute(
                "DELETE FROM run WHERE recipe_id = ? AND seed = ? AND vary = ?",
                (registered.id, job.seed, job.vary),
            )
            run_id = self.file.insert(
                connection,
                "run",
                recipe_id=registered.id,
                seed=job.seed,
                vary=job.vary,
                status=result.status,
                engine=result.engine,
                environment_id=environment_id,
                started=result.started,
                seconds=result.seconds,
                test_loss=finite(result.test_loss),
                test_accuracy=finite(result.test_accuracy),
                outcome=None if outcome is None else np.packbits(outcome).tobytes(),
                probabilities=None
                if probabilities is None
                else probabilities.astype("<f2").tobytes(),
                model_file=model_file,
            )
            connection.executemany(
                "INSERT INTO epoch VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (run_id, entry.epoch, *map(finite, entry[1:-1]), entry.seconds)
                    for entry in result.epochs
                ],
            )

    def model_path(self, job: Job) -> Path:
        """Return where a run's model is kept."""
        return self.models / f"{job.label}-{job.source.replace(' ', '')}.keras"

    def save_model(self, result: RunResult, job: Job) -> str:
        """Keep a run's model beside the study file and return its path relative to it."""
        target = self.model_path(job)
        with writing(target):
            self.models.mkdir(exist_ok=True)
            with whole(target) as partial:
                if result.model_bytes is None:
                    save_keras(result.model, partial)
                else:
                    partial.write_bytes(result.model_bytes)
        return str(target.relative_to(self.file.path.parent))


def save_keras(model: keras.Model, path: Path) -> None:
    """Write a model as a ``.keras`` file."""
    with KERAS_LOCK, tensorflow_unread():
        model.save(path)


def finite(value: float) -> float | None:
    """Return the value, or None (SQL's NULL) where it is not a finite number."""
    return value if math.isfinite(value) else None


def summary(recipe: Recipe, model: keras.Model) -> str:
    """Return what ``model.summary()`` prints, 80 characters wide.

    Keras numbers its layers through a whole process; here they are numbered within the model, so
    that a recipe has one summary. The table keeps its shape.
    """
    text = io.StringIO()
    model.summary(line_length=80, print_fn=lambda line: text.write(line + "\n"))
    lines = text.getvalue().replace(f'Model: "{model.name}"', f'Model: "{recipe.name}"')
    for old, new in own_names(model).items():
        cell = re.compile(rf"│ {re.escape(old)}(?= )( \([^│]*?\))?")
        room = " " * (len(old) - len(new))
        lines = cell.sub(rf"│ {new}\g<1>{room}", lines)
    return lines


def own_names(model: keras.Model) -> dict[str, str]:
    """Return the names that Keras would give a model's layers in a fresh process."""
    seen: Counter[str] = Counter()
    names = {}
    for layer in model.layers:
        base = re.sub(r"_\d+$", "", layer.name)
        names[layer.name] = f"{base}_{seen[base]}" if seen[base] else base
        seen[base] += 1
    return names
