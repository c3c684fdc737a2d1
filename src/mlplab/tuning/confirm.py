"""The winner of a search, trained again on seeds that the search never used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from mlplab.recipes import Recipe, SearchSpec
from mlplab.study import Progress, Study, run
from mlplab.study.writer import open_writer
from mlplab.tuning.optimism import optimism
from mlplab.tuning.trial import Terms
from mlplab.tuning.tuned import Found, Tuned

if TYPE_CHECKING:
    from mlplab.compare import Comparison

FIRST_FRESH = 1000
"""Searches use the seeds below, confirmations those from here on."""


def confirm(spec: SearchSpec, terms: Terms, found: Found, path: Path, **how: Any) -> Tuned:
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
    with closing(_run(recipes, terms, seeds, path, how)) as study:
        labels = {record.name: record.label for record in study.recipes}
        label = labels[recipes[-1].name]
        fresh = fresh_scores(study, label, recipes[-1].epochs, seeds, terms.metric)
        compete = [labels[one.name] for one in recipes]
        notes = [*_notes_on_search(found, won_by_start), *_notes_on_runs(study, compete, seeds)]
        compared = _compared(study, compete, seeds)
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
    with _alone(path, how["progress"] or Progress()):
        return run(
            recipes,
            terms.dataset,
            list(seeds),
            path=path,
            validation=terms.validation,
            engine=terms.engine,
            **how,
        )


def check_study(path: Path, terms: Terms) -> None:
    """See that the fresh runs can be added to the study file there is, or that one can be made.

    A search that ends early leaves no file without runs. While another process of the search is
    at its fresh runs, it has seen to that.

    Raises:
        StudyError: it is none, or one with runs on other data or under another validation.
        StorageError: it cannot be written.
    """
    lock = _lock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return
    try:
        is_new = not path.exists()
        with open_writer(path, terms.dataset, terms.validation):
            if is_new:
                path.unlink()
    finally:
        lock.release()


def _lock(path: Path) -> FileLock:
    return FileLock(path.with_name(f".{path.name}.tune.lock"))


@contextmanager
def _alone(path: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock of those who train into a study file at the end of a search."""
    lock = _lock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        progress.on_notice(f"another process is at the fresh runs of {path}; waiting for it to end")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def fresh_scores(study: Study, label: str, n_epochs: int, seeds: range, metric: str) -> list[float]:
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


def _notes_on_search(found: Found, won_by_start: bool) -> Iterator[str]:
    if (n_trials := sum(found.counts)) < found.asked:
        yield f"The time was up after {n_trials} of {found.asked} trials; the same command goes on."
    if won_by_start:
        yield "The starting recipe won: the search found none with a better score."


def _notes_on_runs(study: Study, labels: list[str], seeds: range) -> Iterator[str]:
    for label in labels:
        n_left = len(_done(study, label, seeds))
        if n_left < len(seeds):
            yield (
                f"{label} diverged on {len(seeds) - n_left} of {len(seeds)} fresh seeds: "
                "it is not to be relied on, whatever its other runs scored."
            )
        if n_left < 2 and len(labels) > 1:
            yield f"{label} has too few runs left to be compared."


def _done(study: Study, label: str, seeds: range) -> set[int]:
    return set(seeds) & set(study.seeds(label))
