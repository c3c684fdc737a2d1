"""``run``: recipes x seeds on one dataset, what is missing of them, into one study file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from mlplab.data import Dataset, default_validation, load
from mlplab.engine import Streams, check_engine
from mlplab.errors import UsageError, did_you_mean
from mlplab.recipes import Recipe, seed_list
from mlplab.study.here import IN_TURN, Here
from mlplab.study.looks import LookCount, Told, shown_by_runs
from mlplab.study.on_ray import OnRay
from mlplab.study.places import Place, Task, Work
from mlplab.study.progress import Job, Progress, Watchers
from mlplab.study.study import Study
from mlplab.study.tracking import Feed, Tracking, followed
from mlplab.study.variation import VARY
from mlplab.study.writer import Registered, StudyWriter, open_writer


def run(
    recipes: Recipe | Sequence[Recipe],
    dataset: Dataset | str | Path,
    seeds: int | Sequence[int] = 3,
    *,
    path: str | Path,
    validation: str | int | float | None = None,
    keep: str | None = None,
    engine: str = "auto",
    vary: str = "all",
    on: str | Place | None = None,
    progress: Progress | None = None,
    command: str = "Python",
    looks: LookCount | None = None,
    track: Mapping[str, str | Path] | Tracking | None = None,
) -> Study:
    """Train recipes x seeds on a dataset and keep every run in a study file.

    The same call again runs only what the file lacks. Each run is written when it ends; a run that
    diverges is recorded as diverged and the rest go on.

    Args:
        recipes: what to train.
        dataset: a Dataset, or the name or path of one.
        seeds: a number of seeds (0, 1, 2, ...) or the seeds themselves.
        path: the study file; it is made where there is none.
        validation: ``"test"`` to watch the test set, a number of examples or a fraction to carve
            out of the training set, anew for each seed; 5,000 or a tenth (the smaller) where None.
        keep: ``"models"`` keeps each trained model as a ``.keras`` file beside the study file.
        engine: what trains; see ``mlplab.fit``.
        vary: ``"init"``, ``"order"``, ``"dropout"`` or ``"split"``: the seed of a run is that of
            this random stream alone, the others have seed 0. These runs are kept apart, for
            ``Study.variation``.
        on: where the runs are done: this process where it is None; ``"ray"``, Ray on this machine;
            ``"ray://HOST:PORT"``, the Ray cluster whose head listens there.
        progress: is told what happens; the test scores it is told are counted as a look.
        command: who looks at the test scores, in the progress and in the study that is returned.
        looks: the looks counted for the same command already; see ``Study``.
        track: trackers that are told every run, and where they are: ``{"csv": "runs.csv"}``; any of
            ``mlflow``, ``tensorboard``, ``csv`` and ``jsonl``. They are told test scores as a
            progress display is. One that fails is named in the log, and changes nothing else. Or
            the ``Tracking`` of a command that has several calls of this function.

    Returns:
        The study, open for reading.

    Raises:
        UsageError: no recipe, two of one name, seeds, ``keep``, ``vary``, ``on`` or ``track`` that
            mean nothing; no Ray at that address, or one with other versions.
        StudyError: the file is no study, or one on other data.
        StorageError: the disk is full or cannot be written.
        FailedError: a run was lost with its worker again and again.

    Examples:
        >>> from mlplab import notebook_recipes
        >>> softmax = notebook_recipes()[0].replace(epochs=2)
        >>> with run(softmax, "digits", seeds=[7], path="softmax.study") as study:
        ...     study.history()[["seed", "epoch"]].to_numpy().tolist()
        [[7, 1], [7, 2]]
    """
    recipes = [recipes] if isinstance(recipes, Recipe) else list(recipes)
    dataset = dataset if isinstance(dataset, Dataset) else load(dataset)
    if validation is None:
        validation = default_validation(len(dataset.train.y))
    seeds = check_seeds(seeds)
    check_names(recipes)
    check_engine(engine)
    check_vary(vary, validation)
    if keep not in (None, "models"):
        raise UsageError(f'expected keep="models" or None, got {keep!r}')
    dataset.with_validation(validation, Streams.of(0).rng("split"))  # raises early if impossible
    path = Path(path)
    looks = looks or LookCount(path, command)
    progress, watched = progress or Progress(), progress is not None
    with (
        followed(track) as tracking,
        place_of(on) as place,
        open_writer(path, dataset, validation) as writer,
    ):
        registered = writer.register(recipes, dataset, engine)
        if tracking:
            tracking.begin(path, looks.count, shown_by_runs(validation))
            progress = Watchers([progress, Feed(tracking, writer, registered, keep == "models")])
        on_look = looks.count if watched or tracking else ignore  # nobody watches, nobody is shown
        for recipe in registered:
            if recipe.replaces:
                progress.on_notice(
                    f"recipe {recipe.recipe.name} is not the one this study holds as "
                    f"{recipe.replaces}: its runs are kept apart, as {recipe.label}"
                )
        tasks = tasks_missing(writer, registered, seeds, vary, keep == "models")
        progress.on_study_begin(len(tasks), len(registered) * len(seeds) - len(tasks))
        work = Work(tasks, dataset, validation, keep == "models")
        try:
            do_runs(writer, place, work, Told(progress, on_look, validation == "test"))
        finally:
            progress.on_study_end()
    return Study(path, command, looks)


def tasks_missing(
    writer: StudyWriter,
    recipes: Sequence[Registered],
    seeds: Sequence[int],
    vary: str,
    keep_models: bool,
) -> list[Task]:
    """Return the runs that the file lacks, engine by engine."""
    todo = [
        (recipe, seed)
        for recipe in sorted(recipes, key=lambda recipe: IN_TURN.index(recipe.engine))
        for seed in writer.missing(recipe, seeds, vary, keep_models)
    ]
    return [
        Task(recipe, Job(recipe.label, seed, recipe.recipe.epochs, place, len(todo), vary))
        for place, (recipe, seed) in enumerate(todo, start=1)
    ]


def do_runs(writer: StudyWriter, place: Place, work: Work, told: Told) -> None:
    """Do runs and add each to the file as it ends."""
    with closing(place.do(work, told)) as ended:
        for task, result in ended:
            writer.add(task.recipe, task.job, result, work.keep_models)
            told.on_run_end(task.job, result)


def place_of(on: str | Place | None) -> Place:
    """Return the place that a caller names.

    Raises:
        UsageError: there is no such place, or a package for it is missing.
    """
    if on is None:
        return Here()
    return OnRay(on) if isinstance(on, str) else on


def ignore(seen: str) -> None:
    """Count no look."""


def check_seeds(seeds: int | Sequence[int]) -> list[int]:
    """Return the seeds as a list; a number stands for 0, 1, ... below it."""
    try:
        return seed_list(seeds)
    except ValueError as error:
        raise UsageError(f"seeds: {error}") from error


def check_vary(vary: str, validation: str | int | float) -> None:
    """Raise UsageError unless ``vary`` names a random stream that these runs use, or all."""
    if vary not in VARY:
        raise UsageError(
            f"expected vary to be one of {', '.join(VARY)}, got {vary!r}{did_you_mean(vary, VARY)}"
        )
    if vary == "split" and validation == "test":
        raise UsageError(
            "expected a validation split to vary, got the test set as validation data; "
            "give validation a number of training examples or a share"
        )


def check_names(recipes: Sequence[Recipe]) -> None:
    """Raise UsageError unless there are recipes, each with a name of its own."""
    strangers = [type(recipe).__name__ for recipe in recipes if not isinstance(recipe, Recipe)]
    if strangers:
        raise UsageError(f"expected recipes that are mlplab.Recipe, got {', '.join(strangers)}")
    names = [recipe.name for recipe in recipes]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if not names:
        raise UsageError("expected at least one recipe, got none")
    if repeated:
        raise UsageError(
            f"expected recipes with different names, got {', '.join(repeated)} more than once"
        )
