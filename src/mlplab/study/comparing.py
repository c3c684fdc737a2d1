"""Comparisons of the runs in study files: their scores, handed to the room ``compare``."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mlplab.compare import CLAIMS, METRICS, Claim, Comparison, Look, Metric
from mlplab.compare import compare_scores as compare
from mlplab.compare.calibration import are_probabilities
from mlplab.compare.scores import check_word
from mlplab.errors import CompareError, StudyError, did_you_mean

if TYPE_CHECKING:
    from mlplab.study.study import Study

SMALLEST_PROBABILITY = 1e-7
"""Smaller ones count as this, as in Keras's cross-entropy."""


@dataclass(frozen=True)
class Entry:
    """A recipe that is compared.

    Attributes:
        name: what the comparison calls it.
        study: the study that has its runs.
        label: what that study calls it.
        seeds: the seeds whose runs are compared.
    """

    name: str
    study: Study
    label: str
    seeds: tuple[int, ...]

    def places(self) -> list[int]:
        """Return the places of the seeds among those that the study has."""
        there = self.study.kept.seeds(self.label)
        return [there.index(seed) for seed in self.seeds]

    def scores(self, metric: Metric) -> npt.NDArray[Any]:
        """Return the score of every seed on every test example, shape (seeds, examples).

        Raises:
            CompareError: a loss is asked of outputs that are no probabilities.
        """
        kept, places = self.study.kept, self.places()
        if metric == "accuracy":
            return kept.outcomes(self.label)[places]
        answers = kept.probabilities(self.label)[places]
        if not are_probabilities(answers):
            raise CompareError(
                f"the metric loss takes probabilities that sum to 1 for each example, as of a "
                f"softmax; the outputs of {self.name} do not; compare by accuracy, or leave it out"
            )
        return cross_entropy(answers, self.study.labels)


def compare_studies(
    studies: Sequence[Study],
    claim: Claim = "recipes",
    *,
    margin: float | None = None,
    level: float = 0.95,
    metric: Metric = "accuracy",
    recipes: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
    pairs: Iterable[tuple[str, str]] | None = None,
    look: Look | None = None,
) -> Comparison:
    """Compare the recipes of one study or several on the same data; see ``Study.compare``.

    Args:
        studies: one or more; where two have a recipe of the same label, its file's name is put
            before it, as in ``first/relu-2``.
        claim: see ``Study.compare``, as for the following.
        margin: 0.1 points or 0.01 units of loss where None.
        level: how often the intervals of all pairs hold at once.
        metric: ``"accuracy"`` or ``"loss"``.
        recipes: those to compare, by the names that the comparison gives them.
        seeds: use these alone; at a planned look, as far as a recipe has them.
        pairs: those to compare.
        look: which of several planned looks this is.

    Raises:
        CompareError: the studies are on different data, or the runs cannot carry the claim.
        StudyError: there is no such recipe.
    """
    check_word("claim", claim, CLAIMS)
    check_word("metric", metric, METRICS)
    check_same_data(studies)
    strict = look is None  # at a planned look, what has too few runs is left out, not refused
    entries, notes = with_runs(
        chosen(studies, recipes), seeds, named=strict and recipes is not None, all_of_them=strict
    )
    if not strict:
        entries, too_few = with_two_seeds(entries)
        notes += too_few
    if claim == "models":
        entries = one_seed_each(entries, seeds)
        notes.append(f"Of each recipe, the model of seed {entries[0].seeds[0]}.")
    seconds = {e.name: float(e.study.kept.seconds(e.label)[e.places()].mean()) for e in entries}
    try:
        found = compare(
            {entry.name: entry.scores(metric) for entry in entries},
            claim,
            margin,
            level,
            metric,
            pairs=pairs,
            look=look,
            seconds_a_run=seconds,
        )
    except CompareError as error:
        raise CompareError(" ".join([f"{error}.", *notes]) if notes else str(error)) from error
    for study in studies:
        at = f", {look}" if look else ""
        study.count_look(f"comparison: {claim}, {metric}{at}", planned=look is not None)
    told = (*notes, *guard_notes(studies, look), *few_seeds_note(entries, claim))
    return dataclasses.replace(found, notes=told)


def terms_of(studies: Sequence[Study], recipes: Sequence[str] | None = None) -> pd.DataFrame:
    """Return on what terms recipes compete, a row each; see ``Study.terms``."""
    rows = []
    for entry in chosen(studies, recipes):
        record, seconds = entry.study.recipe(entry.label), entry.study.kept.seconds(entry.label)
        rows.append(
            {
                "recipe": entry.name,
                "parameters": record.parameters["total"],
                "operations": record.operations,
                "seconds": float(seconds.mean()) if len(seconds) else None,
            }
        )
    frame = pd.DataFrame(rows, columns=["recipe", "parameters", "operations", "seconds"])
    return frame.astype({"parameters": "Int64", "operations": "Int64", "seconds": float})


def check_same_data(studies: Sequence[Study]) -> None:
    """Raise CompareError unless all studies are on the same dataset."""
    about = {study.dataset["fingerprint"]: study for study in reversed(studies)}
    if len(about) > 1:
        shown = "; ".join(
            f"{study.path} on {study.dataset['name']} ({fingerprint[:12]})"
            for fingerprint, study in reversed(about.items())
        )
        raise CompareError(
            f"comparing studies takes the same data in all of them, got {shown}; "
            "scores on different test sets cannot be held against each other"
        )


def chosen(studies: Sequence[Study], recipes: Sequence[str] | None) -> list[Entry]:
    """Return the recipes to compare; without a choice, those that the studies now ask for."""
    known = {entry.name: entry for entry in entries_of(studies, current=recipes is None)}
    if recipes is None:
        return list(known.values())
    unknown = [name for name in recipes if name not in known]
    if unknown:
        got = ", ".join(f"{name!r}{did_you_mean(name, known)}" for name in unknown)
        raise StudyError(f"expected recipes out of {', '.join(known)}, got {got}")
    return [known[name] for name in dict.fromkeys(recipes)]


def entries_of(studies: Sequence[Study], *, current: bool) -> Iterator[Entry]:
    """Yield every recipe of the studies under a name that no other has."""
    count = Counter(record.label for study in studies for record in study.all_recipes)
    labels = [
        (study, record.label)
        for study in studies
        for record in (study.recipes if current else study.all_recipes)
    ]
    stems = Counter(study.path.stem for study in studies)
    for study, label in labels:
        prefix = study.path.stem if stems[study.path.stem] == 1 else str(study.path)
        name = label if count[label] == 1 else f"{prefix}/{label}"
        yield Entry(name, study, label, tuple(study.kept.seeds(label)))


def with_runs(
    entries: Sequence[Entry], seeds: Sequence[int] | None, *, named: bool, all_of_them: bool
) -> tuple[list[Entry], list[str]]:
    """Keep the seeds asked for; return the recipes that have runs, and what was left out.

    Raises:
        CompareError: a recipe that was asked for by name has no run that is done, or one lacks a
            seed that was asked for.
    """
    kept, notes = [], []
    for entry in entries:
        wanted = set(entry.seeds if seeds is None else seeds)
        diverged = set(entry.study.kept.diverged(entry.label))
        lost = len(diverged if seeds is None else diverged & wanted)
        missing = sorted(wanted - set(entry.seeds) - diverged)
        if missing and all_of_them:
            raise CompareError(f"{entry.name} has no run of seed {', '.join(map(str, missing))}")
        left = dataclasses.replace(entry, seeds=tuple(s for s in entry.seeds if s in wanted))
        if lost:
            n = lost + len(left.seeds)
            notes.append(f"{entry.name}: {lost} of {n} runs diverged and are left out.")
        if left.seeds:
            kept.append(left)
        elif named:
            raise CompareError(f"{entry.name} has no run to compare: none ended without diverging")
        elif not lost:
            notes.append(f"{entry.name} has no run yet and is left out.")
    return kept, notes


def with_two_seeds(entries: Sequence[Entry]) -> tuple[list[Entry], list[str]]:
    """Return the recipes with two seeds or more, and of the others that they are left out."""
    kept = [entry for entry in entries if len(entry.seeds) > 1]
    return kept, [
        f"{entry.name}: one run that did not diverge cannot show how much seeds differ; left out."
        for entry in entries
        if len(entry.seeds) == 1
    ]


def one_seed_each(entries: Sequence[Entry], seeds: Sequence[int] | None) -> list[Entry]:
    """Return the recipes with one seed, the same for all: the lowest that they share."""
    if seeds is not None and len(seeds) != 1:
        raise CompareError(
            f"the claim models compares one trained model of each recipe, got {len(seeds)} seeds; "
            "choose one"
        )
    shared = set.intersection(*(set(entry.seeds) for entry in entries)) if entries else set()
    if not shared:
        had = "; ".join(f"{e.name}: {', '.join(map(str, e.seeds))}" for e in entries) or "no runs"
        raise CompareError(
            f"the claim models takes a seed that all recipes were run under, got {had}; "
            "run one seed for all of them"
        )
    return [dataclasses.replace(entry, seeds=(min(shared),)) for entry in entries]


def few_seeds_note(entries: Sequence[Entry], claim: Claim) -> list[str]:
    """Return what a reader should know of recipes with two seeds, where seeds are a sample."""
    few = [entry.name for entry in entries if len(entry.seeds) == 2]
    if claim == "models" or not few:
        return []
    return [
        f"{', '.join(few)}: two seeds hardly show how much seeds differ, so the intervals are very "
        "wide; with three they are several times narrower, and with five better still."
    ]


def guard_notes(studies: Sequence[Study], look: Look | None) -> list[str]:
    """Return what a reader should know of the test set, and of how the seeds came about."""
    notes = []
    if watched := [str(study.path) for study in studies if study.validation == "test"]:
        where = "" if len(studies) == 1 else f" in {', '.join(watched)}"
        notes.append(
            f"The validation data was the test set{where}: what was chosen by watching it scores "
            "better here than on new examples."
        )
    if look is None and any(study.looks()["planned"].any() for study in studies):
        notes.append(
            "Seeds were added over planned looks, until pairs were decided. The verdicts here "
            "count all runs in one look, and are wrong more often than they say; those that "
            "mlplab run --seeds auto ends with keep their level, and the same command shows "
            "them again."
        )
    return notes


def cross_entropy(
    probabilities: npt.NDArray[np.float16], labels: npt.NDArray[np.int32]
) -> npt.NDArray[np.float64]:
    """Return the loss of each answer: ``-log p``, p being the probability of the right class.

    A float16 next to 1 has three digits left, so there the loss is taken from the other
    probabilities: ``-log(1 - sum of the others)``.

    Args:
        probabilities: shape (seeds, examples, classes).
        labels: the right classes, shape (examples,).

    Returns:
        Shape (seeds, examples).

    Examples:
        >>> answers = np.array([[[0.25, 0.75], [0.99999, 0.00001]]], dtype=np.float16)
        >>> cross_entropy(answers, np.array([0, 0])).round(6)
        array([[1.386294e+00, 1.000000e-05]])
    """
    n = np.arange(len(labels))
    right = probabilities[:, n, labels].astype(np.float64)  # (seeds, examples)
    others = probabilities.astype(np.float64)
    others[:, n, labels] = 0.0
    rest = others.sum(axis=2)
    low = -np.log(np.maximum(right, SMALLEST_PROBABILITY))
    return np.where(right >= 0.5, -np.log1p(-np.minimum(rest, 0.5)), low)
