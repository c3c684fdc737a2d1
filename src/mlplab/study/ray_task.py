"""A run on a worker of Ray: what it is given, and what it gives back.

All of it goes as bytes and arrays: whatever passes them on need not know what they are.
"""

from __future__ import annotations

import functools
import hashlib
import io
import pickle
import socket
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mlplab.data import Dataset
from mlplab.engine import KERAS_LOCK
from mlplab.errors import FailedError, UsageError
from mlplab.recipes import Recipe
from mlplab.study.environment import environment
from mlplab.study.one_run import Epoch, RunResult, train
from mlplab.study.places import Validation, streams_of
from mlplab.study.ray_sent import Letter, versions_here
from mlplab.study.ray_versions import Versions, said
from mlplab.study.together import train_together
from mlplab.study.writer import save_keras

SECONDS_BETWEEN_LETTERS = 0.2

Packed = tuple[bytes, list[npt.NDArray[np.uint8]]]
"""A pickled object, and the arrays in it, which workers of one machine share."""


@dataclass(frozen=True)
class Asked:
    """The run that is asked for; see ``Job`` and ``Work``."""

    place: int
    name: str
    seed: int
    vary: str
    engine: str
    validation: Validation
    keep_model: bool


class _Pickler(pickle.Pickler):
    """Keeps the bytes of arrays apart, also of those that are mapped from a file."""

    def reducer_override(self, value: Any) -> Any:
        """Say how a mapped array is pickled: as any other."""
        if isinstance(value, np.memmap):
            return value.view(np.ndarray).__reduce_ex__(5)
        return NotImplemented


def packed(dataset: Dataset) -> Packed:
    """Pickle a dataset, its arrays apart.

    Examples:
        >>> from mlplab.data import load
        >>> content, arrays = packed(load("digits"))
        >>> unpacked((content, arrays)).train.x.shape, len(content) < 2000
        ((1438, 8, 8), True)
    """
    content, buffers = io.BytesIO(), []  # type: tuple[io.BytesIO, list[pickle.PickleBuffer]]
    _Pickler(content, protocol=5, buffer_callback=buffers.append).dump(dataset)
    return content.getvalue(), [np.frombuffer(part.raw(), np.uint8) for part in buffers]


def unpacked(sent: Packed) -> Dataset:
    """Return the dataset that was packed; its arrays are those of the pack."""
    dataset: Dataset = pickle.loads(sent[0], buffers=sent[1])  # noqa: S301 - our own driver's
    return dataset


def do_run(asked: bytes, recipe: bytes, dataset: Packed, mailbox: Any, here: Versions) -> bytes:
    """Do a run; return its result, or the error that it raised, as bytes.

    Args:
        asked: an ``Asked``, pickled.
        recipe: what to train, pickled.
        dataset: without a validation split.
        mailbox: the ``Mailbox`` that is told of the beginning and of epochs.
        here: the driver's versions.
    """
    run: Asked = pickle.loads(asked)  # noqa: S301 - our own driver's, as the recipe
    try:
        check_versions(here)
        data = unpacked(dataset)
        result = trained(run, known(recipe, data), data, mailbox)
        return pickle.dumps(result)
    except Exception as error:  # whatever a run may raise at home is raised there
        text = "".join(traceback.format_exception(error))
        error.add_note(f"in the run {run.name}, on a worker of Ray:\n{text}")
        return portable(error)


_KNOWN: set[bytes] = set()
"""SHA-256 of the recipes that this worker has built a model of."""


def known(content: bytes, dataset: Dataset) -> Recipe:
    """Read a recipe; build a model of one that is new to this worker.

    What Keras compiles for that, once a process, is not to count among the seconds of a run.
    """
    recipe: Recipe = pickle.loads(content)  # noqa: S301 - our own driver's
    digest = hashlib.sha256(content).digest()
    if digest not in _KNOWN:
        with KERAS_LOCK:
            recipe.model(dataset)
        _KNOWN.add(digest)
    return recipe


def trained(run: Asked, recipe: Recipe, dataset: Dataset, mailbox: Any) -> RunResult:
    """Train as at home, with one thread, and leave the model out of the result."""
    streams = streams_of(run.seed, run.vary)
    letters = Letters(mailbox, run.place)
    if run.engine == "jax":  # as one program, so that the figures are those of many
        planned = [(run.place, streams, letters.tell)]
        own = train_together(recipe, dataset, run.validation, planned, lambda place: None)
        result = next(iter(own))[1]
    else:
        carved = dataset.with_validation(run.validation, streams.rng("split"))
        result = train(recipe, carved, streams, run.engine, 1, letters.tell)
    if run.keep_model and result.status == "done":
        result.model_bytes = keras_bytes(result.model)
    result.model, result.environment = None, environment_of_worker()
    return result


class Letters:
    """Tells a mailbox of a run, never waiting for an answer and not oftener than needed.

    Args:
        mailbox: the actor.
        place: the run's number among those to do.
    """

    def __init__(self, mailbox: Any, place: int) -> None:
        self.mailbox, self.place = mailbox, place
        self.waiting: list[Letter] = [(place, None)]
        self.send()

    def tell(self, epoch: Epoch) -> None:
        """Tell of an epoch, at once or with the next."""
        self.waiting.append((self.place, tuple(epoch)))
        if time.monotonic() - self.sent > SECONDS_BETWEEN_LETTERS:
            self.send()

    def send(self) -> None:
        """Send what waits."""
        self.mailbox.put.remote(self.waiting)
        self.waiting, self.sent = [], time.monotonic()


def keras_bytes(model: Any) -> bytes:
    """Return a model as the content of a ``.keras`` file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        save_keras(model, path)
        return path.read_bytes()


def portable(error: Exception) -> bytes:
    """Pickle an error; one that cannot be told elsewhere becomes a FailedError of its text.

    Examples:
        >>> pickle.loads(portable(KeyError("a")))
        KeyError('a')
        >>> class Odd(Exception):
        ...     def __init__(self, left, right):
        ...         super().__init__(f"{left} and {right}")
        >>> pickle.loads(portable(Odd(1, 2)))
        FailedError('Odd: 1 and 2')
    """
    from ray import cloudpickle

    try:
        content: bytes = cloudpickle.dumps(error)
        pickle.loads(content)  # noqa: S301 - made a line above
        return content
    except Exception:
        told = FailedError(f"{type(error).__name__}: {error}")
        for note in getattr(error, "__notes__", []):
            told.add_note(note)
        return pickle.dumps(told)


@functools.cache
def environment_of_worker() -> dict[str, Any]:
    """Return what this worker makes its runs with."""
    return environment()


@functools.cache
def versions_of_worker(names: Sequence[str]) -> Versions:
    """Return this worker's versions."""
    return versions_here(names)


def check_versions(here: Versions) -> None:
    """Raise UsageError where this worker, of a machine that may have come late, has others."""
    there = versions_of_worker(tuple(here))
    if there != here:
        raise UsageError(said({socket.gethostname(): there}, here))
