"""Adding seeds until every pair of recipes is decided, or cannot be."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlplab.compare import CLAIMS, METRICS, Claim, Comparison, Look, Looks, Metric, planned_up_to
from mlplab.compare.scores import check_margin, check_word
from mlplab.data import Dataset, load
from mlplab.errors import CompareError
from mlplab.recipes import Recipe
from mlplab.study.comparing import compare_studies
from mlplab.study.decisions import Decisions
from mlplab.study.looks import LookCount
from mlplab.study.progress import Progress
from mlplab.study.runs import check_names, place_of, run
from mlplab.study.study import Study
from mlplab.study.tracking import Tracking, followed


def run_until_decided(
    recipes: Sequence[Recipe],
    dataset: Dataset | str | Path,
    *,
    path: str | Path,
    max_seeds: int = 30,
    max_minutes: float | None = None,
    claim: Claim = "recipes",
    margin: float | None = None,
    level: float = 0.95,
    metric: Metric = "accuracy",
    validation: str | int | float | None = None,
    keep: str | None = None,
    engine: str = "auto",
    on: str | None = None,
    progress: Progress | None = None,
    command: str = "Python",
    track: Mapping[str, str | Path] | Tracking | None = None,
) -> tuple[Study, Comparison]:
    """Give recipes more seeds until it is decided which are better.

    The runs are compared at planned moments: at 3, 5, 10, 20 and 30 seeds, as far as ``max_seeds``
    goes. The rate of error is spent over these looks, so that looking often does not make mistakes
    more frequent. At a look the first seeds of each recipe count, however many the file holds. A
    pair that is decided keeps the verdict of its look; recipes of which a pair is open get the
    seeds of the next look. It ends when every pair is decided, when no number of seeds can decide
    those that are open, at ``max_seeds``, or when the next look would take too long. The same call
    again trains only what is missing and comes to the same verdicts.

    Args:
        recipes: two or more.
        dataset: a Dataset, or the name or path of one.
        path: the study file.
        max_seeds: at most so many seeds a recipe. The looks are planned up to here, so another
            number is another plan, and an early look may then say something else.
        max_minutes: no look begins that is expected to end after so many minutes, as measured runs
            go; the first always does.
        claim: ``"recipes"`` or ``"recipes-this-test"``; see ``Study.compare``.
        margin: see ``Study.compare``, as for ``level`` and ``metric``.
        level: how often the verdicts of all looks and pairs are all to hold.
        metric: ``"accuracy"`` or ``"loss"``.
        validation: see ``run``, as for the following.
        keep: ``"models"`` keeps the trained models.
        engine: what trains.
        on: where the runs are done.
        progress: is told what happens, each look included.
        command: who looks; each look is counted in the study.
        track: see ``run``.

    Returns:
        The study, open for reading, and the comparison. Its ``notes`` say of each pair at which
        look it was decided, or why it is open.

    Raises:
        CompareError: fewer than two recipes or seeds, or runs that cannot carry the claim.
        UsageError: as for ``run``.

    Reference:
        docs/statistics.md, "Adding seeds until decided".

    Examples:
        >>> from mlplab import notebook_recipes, run_until_decided
        >>> short, long = (notebook_recipes()[1].replace(name=f"e{n}", epochs=n) for n in (1, 8))
        >>> study, found = run_until_decided(
        ...     [short, long], "digits", path="auto.study", max_seeds=5, margin=1.0
        ... )
        >>> found.pairs[0].verdict, study.looks()["seen"].tolist()[-1]
        ('b better', 'comparison: recipes, accuracy, look 2 of 2 planned, at 5 seeds')
        >>> study.close()
    """
    check(recipes, max_seeds, max_minutes, claim)
    check_word("metric", metric, METRICS)
    check_margin(margin or 0.0)
    dataset = dataset if isinstance(dataset, Dataset) else load(dataset)
    looks = Looks(planned_up_to(max_seeds), level)
    began, needy = time.monotonic(), list(recipes)
    decisions, counted = Decisions(), LookCount(Path(path), command)
    with followed(track) as tracking, place_of(on) as place:
        for look in map(looks.at, looks.planned):
            study = run(
                needy, dataset, look.seeds, path=path, validation=validation, keep=keep,
                engine=engine, on=place, progress=progress, command=command, looks=counted,
                track=tracking,
            )  # fmt: skip
            try:
                labels = labels_of(study, recipes)
                found = compare_studies(
                    [study], claim, margin=margin, level=level, metric=metric, recipes=list(labels),
                    seeds=range(look.seeds), look=look,
                )  # fmt: skip
                decisions.take(found, look)
                if progress:
                    progress.on_notice(decisions.said())
                needy = [recipe for label, recipe in labels.items() if label in decisions.undecided]
                spent = (time.monotonic() - began) / 60
                if decisions.end(next_look(looks, look), study, spent, max_minutes):
                    return study, decisions.comparison()
            except BaseException:
                study.close()
                raise
            study.close()
    raise AssertionError("the last look is the end")


def check(
    recipes: Sequence[Recipe], max_seeds: int, max_minutes: float | None, claim: Claim
) -> None:
    """Raise an error unless seeds can be added to these recipes, before any is trained."""
    check_names(recipes)
    if len(recipes) < 2:
        raise CompareError(f"comparing takes at least two recipes, got only {recipes[0].name!r}")
    if max_seeds < 2:
        raise CompareError(f"deciding takes at least two seeds a recipe, got at most {max_seeds}")
    if max_minutes is not None and not max_minutes > 0:
        raise CompareError(f"expected a limit of more than 0 minutes, got {max_minutes:g}")
    check_word("claim", claim, CLAIMS)
    if claim == "models":
        raise CompareError(
            "the claim models compares one trained model of each recipe, and has no use for more "
            "seeds; make the claim recipes, or give a number of seeds"
        )


def labels_of(study: Study, recipes: Sequence[Recipe]) -> dict[str, Recipe]:
    """Return the recipes by the labels that the study gave them when they were last run."""
    current = {record.name: record.label for record in study.recipes}
    return {current[recipe.name]: recipe for recipe in recipes}


def next_look(looks: Looks, look: Look) -> Look | None:
    """Return the look after one, or None after the last."""
    return None if look == look.last else Look(looks, look.number + 1)
