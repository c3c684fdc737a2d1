"""``run``: recipes x seeds on one dataset, what is missing of them, into one study file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from threading import Event

from mlplab.data import Dataset, default_validation, load
from mlplab.engine import Streams, check_engine
from mlplab.errors import UsageError, did_you_mean
from mlplab.recipes import Recipe, seed_list
from mlplab.study.looks import AFTER_EPOCHS, AFTER_RUNS, LookCount, shown_by_runs
from mlplab.study.one_run import Epoch, RunResult, train
from mlplab.study.pool import one_by_one, side_by_side
from mlplab.study.progress import Job, Progress, Watchers
from mlplab.study.study import Study
from mlplab.study.together import train_together
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
        UsageError: no recipe, two of one name, seeds, ``keep``, ``vary`` or ``track`` that mean
            nothing.
        StudyError: the file is no study, or one on other data.
        StorageError: the disk is full or cannot be written.

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
    with followed(track) as tracking, open_writer(path, dataset, validation) as writer:
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
        try:
            run_tasks(writer, tasks, dataset, validation, keep == "models", progress, on_look)
        finally:
            progress.on_study_end()
    return Study(path, command, looks)


@dataclass(frozen=True)
class Task:
    """A run to do: the recipe as the file knows it, and its place."""

    recipe: Registered
    job: Job


IN_TURN = ("native", "jax", "keras")
"""The engines in the order in which their runs are done: those that go together first."""


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


def run_tasks(
    writer: StudyWriter,
    tasks: Sequence[Task],
    dataset: Dataset,
    validation: str | int | float,
    keep_models: bool,
    progress: Progress,
    on_look: Callable[[str], None],
) -> None:
    """Do runs and add each to the file as it ends.

    Native ones go side by side; those of ``jax`` together, recipe by recipe; Keras's in a row.
    ``on_look`` is told of each kind of test score before ``progress`` is.
    """
    stopped = Event()

    def tell_epoch(task: Task, epoch: Epoch) -> None:
        if validation == "test":
            on_look(AFTER_EPOCHS)
        progress.on_epoch_end(task.job, epoch)
        if stopped.is_set():
            raise RunStopped

    def do(task: Task, threads: int) -> RunResult:
        streams = streams_of(task.job.seed, task.job.vary)
        carved = dataset.with_validation(validation, streams.rng("split"))
        progress.on_run_begin(task.job)
        recipe, engine = task.recipe.recipe, task.recipe.engine
        return train(recipe, carved, streams, engine, threads, partial(tell_epoch, task))

    def do_together(tasks: Sequence[Task]) -> Iterator[tuple[Task, RunResult]]:
        for _, group in groupby(tasks, lambda task: task.recipe.id):
            runs = [
                (task, streams_of(task.job.seed, task.job.vary), partial(tell_epoch, task))
                for task in group
            ]
            recipe = runs[0][0].recipe.recipe
            yield from train_together(recipe, dataset, validation, runs, begin)

    def begin(task: Task) -> None:
        progress.on_run_begin(task.job)

    native, jax, keras = (
        [task for task in tasks if task.recipe.engine == engine] for engine in IN_TURN
    )
    with closing(side_by_side(native, do, stopped.set)) as first:
        for task, result in chain(first, do_together(jax), one_by_one(keras, do)):
            writer.add(task.recipe, task.job, result, keep_models)
            on_look(AFTER_RUNS)
            progress.on_run_end(task.job, result)


def ignore(seen: str) -> None:
    """Count no look."""


def streams_of(seed: int, vary: str) -> Streams:
    """Return a run's random streams: all with the seed, or one of them, and the others with 0.

    Examples:
        >>> streams_of(7, "order")
        Streams(init=0, order=7, dropout=0, split=0, augment=0)
    """
    return Streams.of(seed) if vary == "all" else replace(Streams.of(0), **{vary: seed})


class RunStopped(Exception):  # noqa: N818 - no error: the study that began the run has given up
    """Ends a run between two epochs."""


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
