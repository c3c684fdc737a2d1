"""The winner of a search, trained again on seeds that the search never used."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from mlplab.recipes import Recipe, SearchSpec
from mlplab.study import Study, run
from mlplab.tuning.optimism import optimism
from mlplab.tuning.trial import Terms
from mlplab.tuning.tuned import Found, Tuned

if TYPE_CHECKING:
    from mlplab.compare import Comparison

FIRST_FRESH = 1000
"""Searches use the seeds below, confirmations those from here on."""


def confirm(
    spec: SearchSpec, terms: Terms, found: Found, path: Path, **how: Any
) -> Tuned:
    """Train winner and start on fresh seeds into a study file, and compare them on these alone.

    Args:
        spec: what was searched.
        terms: what all trials had in common.
        found: the best of them.
        path: the study file; it may hold other runs.
        how: goes to ``run``.
    """
    start = spec.first
    winner = spec.recipe(found.values, f"{start.name}-tuned")
    won_by_start = winner.fingerprint(terms.dataset) == start.fingerprint(terms.dataset)
    recipes = [start] if won_by_start else [start, winner]
    seeds = range(FIRST_FRESH, FIRST_FRESH + spec.settings.fresh_seeds)
    study = _run(recipes, terms, seeds, path, how)
    with closing(study):
        labels = {record.name: record.label for record in study.recipes}
        label = labels[recipes[-1].name]
        fresh = fresh_scores(study, label, recipes[-1].epochs, seeds, terms.metric)
        notes = list(_notes(study, [labels[one.name] for one in recipes], seeds, won_by_start))
        compared = _compared(study, [labels[one.name] for one in recipes], seeds)
    return Tuned(
        found=found,
        metric=terms.metric,
        start=spec.start,
        recipe=recipes[-1],
        started_from=start,
        path=path,
        seeds=tuple(seeds),
        fresh=tuple(fresh),
        comparison=compared,
        optimism=optimism(found.scores, fresh, terms.metric) if fresh else None,
        notes=tuple(notes),
    )


def _run(
    recipes: list[Recipe], terms: Terms, seeds: range, path: Path, how: dict[str, Any]
) -> Study:
    """Train what is missing; of processes that share a search, one after another."""
    path.absolute().parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.tune.lock")):
        return run(
            recipes,
            terms.dataset,
            list(seeds),
            path=path,
            validation=terms.validation,
            engine=terms.engine,
            **how,
        )


def fresh_scores(
    study: Study, label: str, n_epochs: int, seeds: range, metric: str
) -> list[float]:
    """Return the validation score after the last epoch of the runs under these seeds.

    Runs that diverged have none, and runs under other seeds do not count.
    """
    history = study.history()
    rows = history[
        (history["recipe"] == label)
        & (history["epoch"] == n_epochs)
        & history["seed"].isin(sorted(set(seeds) & set(study.seeds(label))))
    ]
    return [float(score) for score in rows[f"val_{metric}"]]


def _compared(study: Study, labels: list[str], seeds: range) -> Comparison | None:
    """The comparison on fresh seeds alone, where both recipes have two runs that count."""
    if len(labels) < 2 or any(len(_done(study, label, seeds)) < 2 for label in labels):
        return None
    return study.compare(recipes=labels, seeds=list(seeds))


def _notes(study: Study, labels: list[str], seeds: range, won_by_start: bool) -> list[str]:
    notes = []
    if won_by_start:
        notes.append("The starting recipe won: the search found none with a better score.")
    for label in labels:
        n_diverged = len(seeds) - len(_done(study, label, seeds))
        if n_diverged:
            notes.append(
                f"{label} diverged on {n_diverged} of {len(seeds)} fresh seeds: "
                "it is not to be relied on, whatever the other runs scored."
            )
        if len(seeds) - n_diverged < 2 and not won_by_start:
            notes.append(f"{label} has too few runs left to be compared.")
    return notes


def _done(study: Study, label: str, seeds: range) -> set[int]:
    return set(seeds) & set(study.seeds(label))
