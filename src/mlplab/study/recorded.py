"""The runs of a study file as trackers are told of them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from mlplab.study.file import Row, connect, storage_errors
from mlplab.trackers import Epoch, Key, Outcome, Run, StudyName
from mlplab.trackers.told import Value

FIGURES = ("loss", "accuracy", "val_loss", "val_accuracy", "seconds")
SCORES = ("test_loss", "test_accuracy", "seconds")

_KEYS = """
SELECT run.id, recipe.label, run.vary, run.seed
FROM run JOIN recipe ON recipe.id = run.recipe_id ORDER BY run.id
"""
_RUN = """
SELECT study.id AS study_id, study.dataset, study.validation, recipe.*, run.*,
       environment.content AS environment
FROM study, run JOIN recipe ON recipe.id = run.recipe_id
     JOIN environment ON environment.id = run.environment_id
WHERE run.id = ?
"""
_EPOCHS = "SELECT * FROM epoch WHERE run_id = ? ORDER BY epoch"

Recorded = tuple[Run, list[Epoch], Outcome]


def study_name(path: Path) -> StudyName:
    """Return what trackers call the study of a file."""
    with storage_errors(path), closing(connect(path, writable=False)) as file:
        return StudyName(file.execute("SELECT id FROM study").fetchone()["id"], path.stem)


def keys(path: Path) -> dict[Key, int]:
    """Return the runs that a study file holds, with their rows."""
    with storage_errors(path), closing(connect(path, writable=False)) as file:
        return {(label, vary, seed): row for row, label, vary, seed in file.execute(_KEYS)}


def recorded(path: Path, row: int) -> Recorded | None:
    """Return a run of a study file; None where it is there no longer."""
    with storage_errors(path), closing(connect(path, writable=False)) as file:
        run = file.execute(_RUN, (row,)).fetchone()
        epochs = file.execute(_EPOCHS, (row,)).fetchall()
    return None if run is None else read(path, run, epochs)


def read(path: Path, row: Row, rows: list[Row]) -> Recorded:
    """Return a run, read from its row and those of its epochs."""
    started = datetime.fromisoformat(row["started"]).timestamp()
    study = {"dataset": row["dataset"], "validation": row["validation"]}
    run = Run(
        study=StudyName(row["study_id"], path.stem),
        recipe=row["label"],
        vary=row["vary"],
        seed=row["seed"],
        started=started,
        parameters=parameters(study, row, row["environment"], row["engine"])
        | {"vary": row["vary"], "seed": row["seed"]},
    )
    ends = accumulate((epoch["seconds"] for epoch in rows), initial=started)
    next(ends)
    epochs = [
        Epoch(epoch["epoch"], end, {name: epoch[name] for name in FIGURES})
        for epoch, end in zip(rows, ends, strict=True)
    ]
    scores = {name: row[name] for name in SCORES}
    model = path.parent / row["model_file"] if row["model_file"] else None
    end = started + row["seconds"]
    return run, epochs, Outcome(row["status"], len(epochs), end, scores, model)


def parameters(
    study: Mapping[str, Any] | Row, recipe: Row, environment: str, engine: str
) -> dict[str, Value]:
    """Return everything that is fixed before the runs of a recipe begin, but for the seed.

    Args:
        study: of the row of a study, ``dataset`` and ``validation``.
        recipe: the row of a recipe.
        environment: what the runs are made with, as JSON.
        engine: what trains them.
    """
    described, made_with = json.loads(recipe["description"]), json.loads(environment)
    augmentation = described.get("augmentation")
    return {
        "dataset": json.loads(study["dataset"])["name"],
        "validation": json.loads(study["validation"]),
        "recipe": recipe["label"],
        "fingerprint": recipe["fingerprint"],
        "layers": ", ".join(layers(described["model"])),
        "weights": json.loads(recipe["parameters"])["total"],
        **dict(settings("optimizer", described["optimizer"])),
        **dict(settings("loss", described["loss"])),
        "batch_size": described["batch_size"],
        "epochs": described["epochs"],
        **({"augmentation": ", ".join(augmentation)} if augmentation else {}),
        "engine": engine,
        "backend": made_with["backend"],
        "python": made_with["python"],
        **{name: version for name, version in made_with["versions"].items() if version},
    }


def layers(model: Mapping[str, Any]) -> Iterator[str]:
    """Yield a model's layers in words, but for its inputs.

    Examples:
        >>> dense = {"class_name": "Dense", "config": {"units": 8, "activation": "relu"}}
        >>> list(layers({"config": {"layers": [dense]}}))
        ['Dense(8, relu)']
    """
    for layer in model["config"].get("layers", []):
        if layer["class_name"] != "InputLayer":
            told = [layer["config"].get(name) for name in ("units", "rate", "activation")]
            words = ", ".join(str(value) for value in told if isinstance(value, str | int | float))
            yield f"{layer['class_name']}({words})" if words else layer["class_name"]


def settings(name: str, thing: Any) -> Iterator[tuple[str, Value]]:
    """Yield the settings of a Keras object, one level after another; those left unset are left out.

    The learning rate goes by its own name: it is what readers ask for first.

    Examples:
        >>> sgd = {"class_name": "SGD", "config": {"learning_rate": 0.009999999776482582}}
        >>> dict(settings("optimizer", sgd))
        {'optimizer': 'SGD', 'learning_rate': 0.01}
    """
    if isinstance(thing, dict) and "class_name" in thing:
        yield name, thing["class_name"]
        for key, value in thing.get("config", {}).items():
            yield from settings(key if key == "learning_rate" else f"{name}.{key}", value)
    elif isinstance(thing, dict):
        for key, value in thing.items():
            yield from settings(f"{name}.{key}", value)
    elif isinstance(thing, list):
        yield name, ", ".join(map(str, thing))
    elif thing is not None:
        yield name, short(thing)


def short(value: Any) -> Value:
    """Return a value, and a number that went through float32 by the digits that it had before.

    Examples:
        >>> short(0.009999999776482582), short(1 / 3), short(True)
        (0.01, 0.3333333333333333, True)
    """
    if not isinstance(value, float) or not math.isfinite(value):
        return value if isinstance(value, int) else str(value)
    with np.errstate(over="ignore"):
        single = np.float32(value)
    return float(str(single)) if float(single) == value else value
