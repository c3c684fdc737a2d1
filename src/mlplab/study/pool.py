"""Runs side by side: one run a core with one thread each, or a single run with all of them.

Training holds no interpreter lock, so threads are enough. Only engines that release it run here;
Keras's own training is not made for threads, and its runs go one after another.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from mlplab.engine.core import usable_cores

Task = TypeVar("Task")
Result = TypeVar("Result")


def side_by_side(
    tasks: Sequence[Task],
    do: Callable[[Task, int], Result],
    stop: Callable[[], None],
    n_workers: int | None = None,
) -> Generator[tuple[Task, Result], None, None]:
    """Do tasks on all cores and yield each with its result, as they end.

    Args:
        tasks: what to do, in the order to begin in.
        do: does one task with a number of threads.
        stop: asks the tasks under way to end early; called when the caller or a task gives up.
        n_workers: how many are under way at a time; one a core where it is None.

    Yields:
        (task, result), in the order in which they end.
    """
    if not tasks:
        return
    n_workers = min(n_workers or usable_cores(), len(tasks))
    n_threads = max(1, usable_cores() // n_workers)
    with ThreadPoolExecutor(n_workers, thread_name_prefix="mlplab-run") as pool:
        futures = {pool.submit(do, task, n_threads): task for task in tasks}
        try:
            for future in as_completed(futures):
                yield futures.pop(future), future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            stop()
            raise


def one_by_one(
    tasks: Sequence[Task], do: Callable[[Task, int], Result]
) -> Iterator[tuple[Task, Result]]:
    """Do tasks one after another, each with all cores, and yield each with its result."""
    for task in tasks:
        yield task, do(task, usable_cores())
