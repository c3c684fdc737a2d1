"""What is exported: a model file, or runs of a study whose models are kept, read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from mlplab import __version__
from mlplab.data import Dataset, load
from mlplab.data.drawn_set import can_stress, drawn_set
from mlplab.engine import load_model, predict_probabilities
from mlplab.errors import ModelError, StudyError, UsageError, did_you_mean
from mlplab.export.ensemble import Ensemble
from mlplab.export.facts import scores
from mlplab.export.from_keras import as_classes, read_network
from mlplab.study import Study
from mlplab.study.dataset import load_dataset
from mlplab.study.file import now

Array = npt.NDArray[np.float32]

_RUNS = re.compile(r"(?P<study>.+?)(?::(?P<recipe>[A-Za-z0-9][\w.+@-]*)(?::(?P<seed>\d+))?)?")
_LOWEST = "the lowest whose model is kept, chosen without a look at any score"


@dataclass(frozen=True, eq=False)
class Source:
    """Trained models, read, with the data on which their exports are checked.

    Attributes:
        name: what an exported file is called, without its ending: ``relu-2-seed0``.
        models: Keras models that give probabilities.
        ensemble: the same as arrays.
        dataset: what they were trained on.
        expected: what Keras's own ``predict`` makes of the test set, (n_models, n_test, n_classes).
    """

    name: str
    models: tuple[keras.Model, ...]
    ensemble: Ensemble
    dataset: Dataset
    expected: Array

    def with_facts(self, **facts: Any) -> Source:
        """Return the same with more facts."""
        ensemble = replace(self.ensemble, facts=self.ensemble.facts | facts)
        return replace(self, ensemble=ensemble)

    def stressed(self) -> Source:
        """Return the same with the fact ``drawn_like``, where drawings can be framed for it.

        It is how the ensemble reads the dataset's stress set (``mlplab.data.drawn_set``).
        """
        if not can_stress(self.dataset):
            return self
        found = drawn_set(self.dataset).accuracies(self.ensemble.probabilities)
        return self.with_facts(drawn_like=found)


def read_source(
    argument: str, *, ensemble: bool = False, dataset: str | None = None, command: str = "Python"
) -> Source:
    """Read what an export is made from.

    Args:
        argument: a ``.keras`` file, or ``STUDY:RECIPE`` or ``STUDY:RECIPE:SEED``, runs of a study
            whose models are kept. Without a seed it is the lowest: one chosen by its score would
            look better than it is.
        ensemble: all seeds of the recipe, their probabilities averaged.
        dataset: the name or path of the data: for a model that no study keeps, and where a study's
            data is found elsewhere now.
        command: who looks at the test scores; it is written into the study.

    Raises:
        UsageError: the argument is neither.
        ModelError: the file is no Keras model, or one that cannot be exported.
        StudyError: there is no such study, recipe or seed, or no model of it is kept.

    Examples:
        >>> from mlplab import notebook_recipes, run
        >>> softmax = notebook_recipes()[0].replace(epochs=1)
        >>> run(softmax, "digits", seeds=2, path="softmax.study", keep="models").close()
        >>> read_source("softmax.study:softmax:1").name
        'softmax-seed1'
        >>> len(read_source("softmax.study:softmax", ensemble=True).models)
        2
    """
    path = Path(argument)
    runs = _kept_by(path) if path.suffix == ".keras" else _parsed(argument)
    if runs is None:
        return _from_file(path, ensemble, dataset)
    with Study(runs.study, command) as study:
        return _from_study(study, runs, ensemble, dataset)


@dataclass(frozen=True)
class _Runs:
    """Runs of a study as they were asked for."""

    study: Path
    recipe: str | None
    seed: int | None


def _parsed(argument: str) -> _Runs:
    found = _RUNS.fullmatch(argument)
    if found is None:
        raise UsageError(f"expected MODEL.keras or STUDY:RECIPE[:SEED], got {argument!r}")
    seed = found["seed"]
    return _Runs(Path(found["study"]), found["recipe"], None if seed is None else int(seed))


def _kept_by(path: Path) -> _Runs | None:
    """Return the run whose model a file is, where the study that keeps it lies beside it."""
    folder = path.resolve().parent
    study_path = folder.with_suffix(".study")
    if folder.suffix != ".models" or not study_path.exists():
        return None
    with Study(study_path) as study:
        for record in study.all_recipes:
            for row in study.kept.rows(record.label, "seed", "model_file"):
                if row["model_file"] == f"{folder.name}/{path.name}":
                    return _Runs(study_path, record.label, row["seed"])
    return None


def _from_file(path: Path, ensemble: bool, dataset: str | None) -> Source:
    model = load_model(path)
    if ensemble:
        raise UsageError(f"expected STUDY:RECIPE with --ensemble, got one model: {path}")
    if dataset is None:
        raise UsageError(
            f"{path}: expected --dataset NAME, the data the model was trained on: its test set is "
            "what the export is checked on, and its classes are what the outputs are called"
        )
    data = load(dataset)
    return _source(path.stem, [model], [None], data, {"recipe": path.stem})


def _from_study(study: Study, runs: _Runs, ensemble: bool, dataset: str | None) -> Source:
    label = _recipe(study, runs.recipe)
    record = study.recipe(label)
    if ensemble and runs.seed is not None:
        raise UsageError(
            f"expected STUDY:RECIPE with --ensemble, which takes all seeds, got seed {runs.seed}"
        )
    seeds, chosen = _seeds(study, label, runs.seed, ensemble)
    models = [_ending_in_probabilities(load_model(path), record.logits) for path in seeds.values()]
    data = load_dataset(study, dataset)
    facts = {"recipe": label, "recipe_fingerprint": record.fingerprint, "study": study.id}
    study.count_look("test scores of exported networks")
    name = f"{label}-ensemble" if ensemble else f"{label}-seed{next(iter(seeds))}"
    return _source(name, models, list(seeds), data, facts | chosen)


def _recipe(study: Study, label: str | None) -> str:
    """Return the recipe that was asked for; without a word, the only one."""
    labels = [record.label for record in study.recipes]
    if label is None:
        if len(labels) == 1:
            return labels[0]
        choices = ", ".join(f"{study.path}:{label}" for label in labels)
        raise UsageError(f"expected one of {choices}, got {study.path}")
    return study.recipe(label).label


def _seeds(
    study: Study, label: str, seed: int | None, ensemble: bool
) -> tuple[dict[int, Path], dict[str, str]]:
    """Return the kept models to export, by seed, and how the seed was chosen where it was."""
    done = study.seeds(label)
    if not done:
        raise StudyError(f"expected a run of {label} that has ended, got none in {study.path}")
    if seed is not None and seed not in done:
        shown = ", ".join(map(str, done))
        raise StudyError(
            f"expected a seed of {label} out of {shown}, got {seed}"
            f"{did_you_mean(str(seed), map(str, done))}"
        )
    kept = {s: path for s in done if (path := study.model_path(label, s)) is not None}
    asked = done if ensemble else [seed if seed is not None else min(kept, default=done[0])]
    missing = [str(s) for s in asked if s not in kept]
    if missing:
        raise StudyError(
            f"expected kept models, got none of {label} seed {', '.join(missing)} beside "
            f"{study.path}; the command that made the study, with --keep models, trains and keeps "
            "them: the same seed gives the same network"
        )
    chosen = {} if ensemble or seed is not None else {"chosen": _LOWEST}
    return {s: kept[s] for s in asked}, chosen


def _ending_in_probabilities(model: keras.Model, logits: bool) -> keras.Model:
    """Return a model with its output as probabilities, where its loss took logits."""
    if not logits:
        return model
    last = "sigmoid" if model.output_shape[-1] == 1 else "softmax"
    return keras.Model(model.inputs, keras.layers.Activation(last)(model.outputs[0]))


def _source(
    name: str,
    models: Sequence[keras.Model],
    seeds: Sequence[int | None],
    dataset: Dataset,
    facts: dict[str, Any],
) -> Source:
    networks = tuple(as_classes(read_network(model)) for model in models)
    expected = np.array([predict_probabilities(model, dataset.test.x) for model in models])
    if expected.shape[2] != dataset.n_classes:
        raise ModelError(
            f"expected an output for each of the {dataset.n_classes} classes of {dataset.name}, "
            f"got {expected.shape[2]}; name the model's own data with --dataset"
        )
    facts = facts | {
        "seeds": list(seeds),
        "dataset": {"name": dataset.name, "fingerprint": dataset.fingerprint},
        "input": {
            "shape": list(dataset.input_shape),
            "dtype": str(dataset.test.x.dtype),
            "range": list(dataset.value_range),
        },
        "scores": scores(expected, dataset.test.y, seeds),
        "mlplab": __version__,
        "created": now(),
    }
    return Source(
        name, tuple(models), Ensemble(networks, dataset.class_names, facts), dataset, expected
    )
