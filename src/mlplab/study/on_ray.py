"""Runs on Ray: each a task on some machine of a cluster, its result brought to this process."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import Any

from mlplab.data import Dataset
from mlplab.errors import FailedError
from mlplab.study import ray_sent
from mlplab.study.one_run import Epoch, RunResult
from mlplab.study.places import Task, Work
from mlplab.study.progress import Progress
from mlplab.study.ray_cluster import Cluster, check_address, connect, reason
from mlplab.study.ray_recipe import sendable
from mlplab.study.ray_task import Asked, packed
from mlplab.study.ray_versions import check_machines, versions
from mlplab.study.signals import uninterrupted

MOST_TRIES = 3
"""How often a run is begun whose worker is lost again and again."""


ON_PROCESSORS = {"env_vars": {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}}
"""The environment of runs. A GPU would be opened by the workers of all cores at once."""


class OnRay:
    """Ray, as a place to do runs; it is connected to when there is a first one.

    Args:
        on: ``"ray"``, or the address of a cluster, ``"ray://HOST:PORT"``.

    Raises:
        UsageError: it is neither, or Ray is not installed.
    """

    def __init__(self, on: str) -> None:
        check_address(on)
        self.on = on
        self.entered = 0
        self.cluster: Cluster | None = None
        self.put: tuple[Dataset, Any] | None = None

    def __enter__(self) -> OnRay:
        self.entered += 1
        return self

    def __exit__(self, *ignored: Any) -> None:
        self.entered -= 1
        if self.cluster is not None and not self.entered:
            with uninterrupted():
                self.cluster.close()
            self.cluster = self.put = None

    def do(self, work: Work, progress: Progress) -> Generator[tuple[Task, RunResult], None, None]:
        """Do runs; see ``Place``."""
        if not work.tasks:
            return
        flight = None
        try:
            cluster = self.connect(progress)
            flight = Flight(cluster, work, progress, self.sent(cluster.ray, work.dataset))
            yield from flight.results()
        except ConnectionError as error:
            if flight and error is flight.raised:  # a run's own
                raise
            raise FailedError(
                f"the connection to {self.on} is lost: {reason(error)}; "
                "the runs that ended are kept"
            ) from error
        finally:
            if flight:
                with uninterrupted():
                    flight.end()

    def sent(self, ray: Any, dataset: Dataset) -> Any:
        """Put a dataset on Ray, unless it is the one that was put last."""
        if self.put is None or self.put[0] is not dataset:
            self.put = dataset, ray.put(packed(dataset))
        return self.put[1]

    def connect(self, progress: Progress) -> Cluster:
        """Connect, unless it is; see to it that runs give there what they give here; say so."""
        if self.cluster is None:
            cluster = connect(self.on)
            try:
                if not cluster.started:
                    check_machines(cluster.ray, versions())
                progress.on_notice(f"the runs go to Ray: {size_of(cluster.ray)}")
            except BaseException:
                with uninterrupted():
                    cluster.close()
                raise
            self.cluster = cluster
        return self.cluster


def size_of(ray: Any) -> str:
    """Say how many machines and cores there are."""
    machines = sum(node["Alive"] for node in ray.nodes())
    cores = round(ray.cluster_resources().get("CPU", 0))
    return ", ".join(
        f"{n} {word}{'' if n == 1 else 's'}" for n, word in ((machines, "machine"), (cores, "core"))
    )


class Flight:
    """Runs on their way: the tasks that stand for them, and what has been told of them.

    Args:
        cluster: where they go.
        work: the runs.
        progress: who is told.
        dataset: the reference of the dataset that was put.
    """

    def __init__(self, cluster: Cluster, work: Work, progress: Progress, dataset: Any) -> None:
        self.cluster, self.work, self.progress = cluster, work, progress
        self.ray = ray = cluster.ray
        self.task = ray.remote(num_cpus=1, max_retries=0, runtime_env=ON_PROCESSORS)(
            ray_sent.do_run
        )
        recipes = {task.recipe.id: task.recipe.recipe for task in work.tasks}
        self.recipes = {id_: ray.put(sendable(recipe)) for id_, recipe in recipes.items()}
        self.dataset = dataset
        self.raised: Exception | None = None
        self.versions = versions()
        self.mailbox = self.open_mailbox()
        self.letters: Any = self.mailbox.take.remote()
        self.by_place = {task.job.place: task for task in work.tasks}
        self.pending: dict[Any, Task] = {}
        self.tries: Counter[int] = Counter()
        self.told: dict[int, int] = {}

    def open_mailbox(self) -> Any:
        """Make the actor that takes letters, on this process's machine if it can be there."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        node_id = self.ray.get_runtime_context().get_node_id()
        here = NodeAffinitySchedulingStrategy(node_id, soft=True)
        return self.ray.remote(num_cpus=0, scheduling_strategy=here)(ray_sent.Mailbox).remote()

    def results(self) -> Iterator[tuple[Task, RunResult]]:
        """Begin all runs; yield each with its result as it ends."""
        for task in self.work.tasks:
            self.begin(task)
        while self.pending:
            for reference in self.wait():
                if reference == self.letters:
                    self.read_letters()
                    continue
                task = self.pending.pop(reference)
                result = self.result_of(task, reference)
                if result is not None:
                    self.tell_all(task, result)
                    yield task, result

    def begin(self, task: Task) -> None:
        """Have a run done."""
        job = task.job
        asked = Asked(
            job.place,
            f"{job.label}, {job.source}",
            job.seed,
            job.vary,
            task.recipe.engine,
            self.work.validation,
            self.work.keep_models,
        )
        self.tries[job.place] += 1
        reference = self.task.remote(
            pickle.dumps(asked),
            self.recipes[task.recipe.id],
            self.dataset,
            self.mailbox,
            self.versions,
        )
        self.pending[reference] = task

    def wait(self) -> list[Any]:
        """Return what is there of letters and results, when anything is."""
        awaited = [*self.pending, *([] if self.letters is None else [self.letters])]
        while True:
            self.cluster.check()
            ready, _ = self.ray.wait(awaited, num_returns=1, timeout=1)
            if ready:
                return list(self.ray.wait(awaited, num_returns=len(awaited), timeout=0)[0])

    def result_of(self, task: Task, reference: Any) -> RunResult | None:
        """Return a run's result; None where its worker was lost, and it has begun again.

        Raises:
            FailedError: its worker was lost once too often, or could not begin it.
            Exception: what the run itself raised.
        """
        from ray.exceptions import RayError, RayTaskError

        try:
            found = pickle.loads(self.ray.get(reference))  # noqa: S301 - from our own task
        except RayTaskError as error:
            raise FailedError(
                f"a machine could not begin the run {task.job.label}, {task.job.source}: "
                f"{reason(error.cause)}; is the same mlplab installed there? "
                "The runs that ended are kept"
            ) from error
        except RayError as error:
            self.cluster.check()
            self.begin_again(task, error)
            return None
        if isinstance(found, Exception):
            self.raised = found
            raise found
        assert isinstance(found, RunResult)
        return found

    def begin_again(self, task: Task, error: Exception) -> None:
        """Have a run done again whose worker was lost."""
        name, tries = f"{task.job.label}, {task.job.source}", self.tries[task.job.place]
        if tries == MOST_TRIES:
            raise FailedError(
                f"the run {name} lost its worker {tries} times, the last time so: "
                f"{reason(error)}; it may take more memory than there is. "
                "The runs that ended are kept"
            ) from error
        self.progress.on_notice(f"the worker of {name} is lost; the run begins again")
        self.begin(task)

    def read_letters(self) -> None:
        """Tell what the letters say; where the mailbox is lost, all is told at each run's end."""
        from ray.exceptions import RayError

        try:
            letters = self.ray.get(self.letters)
        except RayError:
            self.letters = None
            return
        for place, figures in letters:
            self.tell(self.by_place[place], figures and Epoch(*figures))
        self.letters = self.mailbox.take.remote()

    def tell(self, task: Task, epoch: Epoch | None) -> None:
        """Tell that a run begins, or of an epoch, once."""
        place = task.job.place
        if place not in self.told:
            self.told[place] = 0
            self.progress.on_run_begin(task.job)
        if epoch is not None and epoch.epoch == self.told[place] + 1:
            self.told[place] += 1
            self.progress.on_epoch_end(task.job, epoch)

    def tell_all(self, task: Task, result: RunResult) -> None:
        """Tell the epochs of a run that has ended, as far as no letter did."""
        for epoch in result.epochs:
            self.tell(task, epoch)

    def end(self) -> None:
        """Have nothing left under way."""
        with suppress(ConnectionError):  # lost, and with it all of this
            self.cluster.check()
            for reference in reversed(self.pending):  # or the next would begin meanwhile
                with suppress(Exception):
                    self.ray.cancel(reference, force=True)
            with suppress(Exception):
                self.ray.kill(self.mailbox)
