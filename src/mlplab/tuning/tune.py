"""``search`` and ``tune``: trials until there are enough, and what the best of them is worth."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlplab.data import Dataset
from mlplab.errors import FailedError, RecipeError
from mlplab.extras import needed
from mlplab.files import writing
from mlplab.recipes import SearchSpec
from mlplab.recipes.problems import sentence
from mlplab.study import Progress
from mlplab.study.tracking import Tracking, followed
from mlplab.tuning.confirm import check_study, confirm
from mlplab.tuning.prepare import prepare
from mlplab.tuning.process import alive
from mlplab.tuning.progress import TuneProgress
from mlplab.tuning.storage import answering, open_store, sqlite_url
from mlplab.tuning.trial import Outcome, Terms, run_trial
from mlplab.tuning.tuned import Found, Tuned

if TYPE_CHECKING:
    from optuna.trial import Trial

    from mlplab.tuning.shared import SharedSearch

WAIT = 0.5
"""Seconds between two looks at whether other processes have ended their trials."""


def tune(
    spec: SearchSpec | str | Path,
    dataset: Dataset | None = None,
    *,
    trials: int | None = None,
    seeds: int | None = None,
    sampler: str | None = None,
    pruner: str | None = None,
    metric: str | None = None,
    storage: str | None = None,
    fresh_seeds: int | None = None,
    max_minutes: float | None = None,
    path: str | Path | None = None,
    engine: str = "auto",
    track: Mapping[str, str | Path] | Tracking | None = None,
    progress: TuneProgress | None = None,
    run_progress: Progress | None = None,
    command: str = "Python",
) -> Tuned:
    """Search for a better recipe, and say what the one that is found is worth.

    Each trial trains one recipe under the same few seeds; its score is the mean of their scores on
    validation examples, which come out of the training set. No trial looks at the test set. At the
    end the winner and the starting recipe are trained on fresh seeds, into a study file, and
    compared on these alone.

    The same call again goes on where the last one ended. Processes that share a storage share the
    search.

    Args:
        spec: a study spec with ranges, or its path.
        dataset: the data; what the spec names where it is None.
        trials: how many recipes to try; as the spec's ``[tune]`` says where None, as for the
            following.
        seeds: how many runs each gets.
        sampler: ``"tpe"``, ``"random"``, ``"grid"``, ``"qmc"`` or ``"cmaes"``.
        pruner: ``"median"``, ``"hyperband"``, ``"halving"`` or ``"none"``.
        metric: ``"accuracy"`` or ``"loss"``, on the validation examples.
        storage: an Optuna storage URL; an SQLite file beside the study file where neither says.
        fresh_seeds: how many seeds the winner and the start are trained under at the end.
        max_minutes: begin no trial after so many.
        path: the study file of the fresh runs; NAME.study where None.
        engine: what trains; see ``mlplab.fit``.
        track: trackers that are told the fresh runs, as for ``run``; those of the spec's
            ``[track]`` where None.
        progress: is told what the search does.
        run_progress: is told of the fresh runs.
        command: who looks at the test scores of the fresh runs.

    Raises:
        RecipeError: the spec cannot be used.
        UsageError: settings or a storage that cannot be used, or one with another search.
        StudyError: the study file is none, or one on other data or validation.
        StorageError: the storage stopped answering.
        FailedError: no trial was complete.

    Examples:
        >>> text = '''
        ... [study]
        ... dataset = "digits"
        ... [train]
        ... epochs = 2
        ... [[recipe]]
        ... name = "linear"
        ... batch_size = { choices = [32, 256], start = 256 }
        ... layers = [
        ...     { class = "Rescaling", scale = 0.0625 },
        ...     { class = "Dense", units = "classes", activation = "softmax" },
        ... ]
        ... '''
        >>> _ = Path("linear.toml").write_text(text)
        >>> tuned = tune("linear.toml", trials=2, seeds=2, sampler="grid", fresh_seeds=3)
        >>> tuned.values, tuned.comparison.pairs[0].verdict
        ({'batch_size': 32}, 'b better')
    """
    spec, terms = prepare(
        spec,
        dataset,
        engine,
        trials=trials,
        seeds=seeds,
        sampler=sampler,
        pruner=pruner,
        metric=metric,
        storage=storage,
        fresh_seeds=fresh_seeds,
        max_minutes=max_minutes,
    )
    path = Path(path or f"{spec.study.name}.study")
    with writing(path, "choose another place"):
        path.absolute().parent.mkdir(parents=True, exist_ok=True)
    how: dict[str, Any] = {"progress": run_progress, "command": command, "keep": spec.study.keep}
    with followed(spec.study.track if track is None else track) as tracking:
        check_study(path, terms)
        found = _search(spec, terms, _url(spec, path), progress or TuneProgress())
        return confirm(spec, terms, found, path, track=tracking, **how)


def search(
    spec: SearchSpec | str | Path,
    dataset: Dataset | None = None,
    *,
    trials: int | None = None,
    seeds: int | None = None,
    sampler: str | None = None,
    pruner: str | None = None,
    metric: str | None = None,
    storage: str | None = None,
    max_minutes: float | None = None,
    engine: str = "auto",
    progress: TuneProgress | None = None,
) -> Found:
    """Do the trials of a search alone, as one of the processes that share it.

    The arguments and errors are those of ``tune``, which trains the winner on fresh seeds as well.

    Returns:
        The best trial so far, once there are as many as were asked for, by whomever.
    """
    spec, terms = prepare(
        spec,
        dataset,
        engine,
        trials=trials,
        seeds=seeds,
        sampler=sampler,
        pruner=pruner,
        metric=metric,
        storage=storage,
        max_minutes=max_minutes,
    )
    url = _url(spec, Path(f"{spec.study.name}.study"))
    return _search(spec, terms, url, progress or TuneProgress())


def _url(spec: SearchSpec, path: Path) -> str:
    return spec.settings.storage or sqlite_url(path.with_name(f"{path.stem}.tune.db"))


def _search(spec: SearchSpec, terms: Terms, url: str, progress: TuneProgress) -> Found:
    """Do trials until there are enough of them, or the time is up."""
    with needed("tune"):
        from mlplab.tuning.shared import SharedSearch

    limit = spec.settings.max_minutes
    ends = time.monotonic() + limit * 60 if limit else float("inf")
    with closing(open_store(url)) as store, answering(url):
        shared = SharedSearch(store, spec, terms)
        progress.on_search_begin(shared.n_trials, shared.begun())
        try:
            while time.monotonic() < ends:
                trial = shared.next()
                if trial is not None:
                    with shared.doing(trial):
                        _do(shared, trial, terms, progress)
                elif others := shared.under_way():
                    progress.on_wait(others)
                    time.sleep(WAIT)
                else:
                    break
        finally:
            progress.on_search_end()
        return _found(shared)


def _do(shared: SharedSearch, trial: Trial, terms: Terms, progress: TuneProgress) -> None:
    """Do one trial and write down what came of it; put it back where this process gives up.

    A trial that others took up meanwhile, as it gave no sign of life, is theirs.
    """
    from optuna.exceptions import UpdateFinishedTrialError

    began = time.perf_counter()

    def on_mean(epoch: int, mean: float) -> bool:
        progress.on_trial_epoch(trial.number, epoch, mean)
        trial.report(mean, epoch)
        return trial.should_prune()

    try:
        with alive(lambda: shared.sign(trial)):
            outcome = _outcome(shared, trial, terms, progress, on_mean)
        shared.end(trial, outcome)
    except UpdateFinishedTrialError:
        progress.on_trial_taken(trial.number)
        return
    except BaseException:
        shared.put_back(trial)
        raise
    best = shared.best()
    progress.on_trial_end(
        trial.number,
        outcome,
        time.perf_counter() - began,
        best.value if best else None,
        shared.begun(),
    )


def _outcome(
    shared: SharedSearch, trial: Trial, terms: Terms, progress: TuneProgress, on_mean: Any
) -> Outcome:
    try:
        recipe = shared.spec.recipe(trial.params)
    except RecipeError as error:  # values that do not go together
        return Outcome("failed", reason=sentence(error))
    progress.on_trial_begin(trial.number, trial.params, recipe.epochs)
    return run_trial(recipe, terms, on_mean)


def _found(shared: SharedSearch) -> Found:
    from mlplab.tuning.shared import SCORES

    best, counts = shared.best(), shared.counts()
    if best is None:
        raise FailedError(
            f"no trial of the search was complete: {counts}; "
            f"{shared.last_reason() or 'the time was too short for one'}"
        )
    return Found(
        name=shared.spec.study.name,
        storage=shared.store.url,
        number=best.number,
        values={one.name: best.params[one.name] for one in shared.spec.ranges},
        value=float(best.value or 0.0),
        scores=tuple(best.user_attrs[SCORES]),
        counts=counts,
        asked=shared.n_trials,
    )
