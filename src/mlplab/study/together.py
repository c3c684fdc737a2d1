"""Runs of one recipe under many seeds, trained as one program of JAX; see ``mlplab.fit_many``.

All seeds share one copy of the training set on the device. What differs from seed to seed is which
of its rows are for training and which for validation. Under augmentation each run has a training
part of its own; they lie there one after another.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from mlplab.data import Dataset, Split
from mlplab.engine import KERAS_LOCK, Streams, initial_weights
from mlplab.engine.jax_engine import all_rows, build, check_fits, check_model
from mlplab.engine.jax_memory import most_copies, n_bytes
from mlplab.engine.jax_program import Data, Program, State, on_device, put_into, state_of
from mlplab.engine.many import Copies, HeldOut, filled, in_chunks, repeated, stacked, way_here
from mlplab.engine.streams import seed_dropout
from mlplab.recipes import Recipe, adapts
from mlplab.study.file import now
from mlplab.study.one_run import Epoch, RunResult, keep_answers, train

Run = TypeVar("Run")
Planned = tuple[Run, Streams, Callable[[Epoch], None]]
"""A run to do: whatever the caller calls it, its streams, and who is told of its epochs."""

Rows = npt.NDArray[np.intp]


def train_together(
    recipe: Recipe,
    dataset: Dataset,
    validation: str | int | float,
    runs: Sequence[Planned[Run]],
    begin: Callable[[Run], None],
    most_bytes: int | None = None,
) -> Iterator[tuple[Run, RunResult]]:
    """Train one recipe under many seeds, as many at once as fit the memory.

    Args:
        recipe: what to train.
        dataset: without a validation split.
        validation: as for ``run``.
        runs: the runs, in the order to begin in.
        begin: called with each run when it begins.
        most_bytes: memory to stay within; a share of what the device has free where it is None.

    Yields:
        Each run with its result. All results share one model, which holds the state of a run until
        the next is asked for. ``seconds`` are shares of what the runs of a chunk took together.
    """
    with KERAS_LOCK, initial_weights(runs[0][1]):
        model = recipe.model(dataset)
    if adapts(model):  # to the training part of each run: these are other models
        for run, streams, on_epoch in runs:
            begin(run)
            carved = dataset.with_validation(validation, streams.rng("split"))
            yield run, train(recipe, carved, streams, "jax", None, on_epoch)
        return
    yield from Together(recipe, dataset, validation, model).train(runs, begin, most_bytes)


class Together:
    """What all runs of a recipe share: the model's program, and the examples on the device.

    Args:
        recipe: what to train.
        dataset: without a validation split.
        validation: as for ``run``.
        model: the recipe's, compiled.
    """

    def __init__(
        self, recipe: Recipe, dataset: Dataset, validation: str | int | float, model: Any
    ) -> None:
        check_model(model)
        check_fits(dataset.train.x)
        self.recipe, self.dataset, self.validation = recipe, dataset, validation
        self.model = model
        build(model, (dataset.train.x, self._targets(dataset.train), None))
        self.fresh = state_of(model)
        self.train_data = self._on_device(dataset.train)
        self.test_data = self._on_device(dataset.test)
        self.n_rows = len(self._rows(Streams.of(0))[0]) * (2 if recipe.augmentation else 1)

    def train(
        self,
        runs: Sequence[Planned[Run]],
        begin: Callable[[Run], None],
        most_bytes: int | None,
    ) -> Iterator[tuple[Run, RunResult]]:
        """Train runs chunk by chunk; see ``train_together``."""
        most = most_copies(
            Program(self.model, self.recipe.batch_size),
            self.fresh,
            self.train_data,
            self.n_rows,
            None if most_bytes is None else most_bytes - n_bytes(self.test_data),
            self._own_bytes(),
        )
        chunks, size = in_chunks(runs, most)
        program = Program(self.model, self.recipe.batch_size, size, way_here())
        for chunk in chunks:
            for run, _, _ in chunk:
                begin(run)
            yield from self._train_chunk(chunk, program)

    def _own_bytes(self) -> int:
        """Return the bytes of a run's own examples, and of its answers while they are joined."""
        x, shape = self.dataset.train.x, (self.dataset.test.n, *self.model.output_shape[1:])
        answers = 2 * 4 * int(math.prod(shape))
        return answers + (self.n_rows * int(x[:1].nbytes) if self.recipe.augmentation else 0)

    def _train_chunk(
        self, chunk: Sequence[Planned[Run]], program: Program
    ) -> Iterator[tuple[Run, RunResult]]:
        started, clock = now(), time.perf_counter()
        streams = filled([own for _, own, _ in chunk], program.n_copies)
        rows = [self._rows(own) for own in streams]
        data, train_rows = self._training_parts(streams, [stays for stays, _ in rows])
        held_out = self._held_out([out for _, out in rows])
        state, epochs = self._first_state(streams), self.recipe.epochs
        copies = Copies(program, state, streams, data, train_rows, epochs=epochs)
        seen = self._run_epochs(copies, held_out, [tell for _, _, tell in chunk])
        copies.finish()
        result = partial(RunResult, engine="jax", started=started, model=self.model)
        losses, outputs = self._answers(copies)
        seconds = (time.perf_counter() - clock) / len(chunk)
        for copy, (run, _, _) in enumerate(chunk):
            diverged = seen[copy][-1].diverged
            found = result("diverged" if diverged else "done", seconds=seconds, epochs=seen[copy])
            with KERAS_LOCK:
                put_into(self.model, copies.state_of_copy(copy))
            if not diverged:
                keep_answers(found, float(losses[copy]), outputs[copy], self.dataset.test.y)
            yield run, found

    def _run_epochs(
        self,
        copies: Copies,
        held_out: HeldOut,
        tell: Sequence[Callable[[Epoch], None]],
    ) -> list[list[Epoch]]:
        """Train until the last epoch, or until no run is left; return the epochs of each."""
        epochs: list[list[Epoch]] = [[] for _ in tell]
        going = list(range(len(tell)))
        for epoch in range(self.recipe.epochs):
            clock = time.perf_counter()
            logs = copies.run_epoch(epoch, held_out)
            seconds = (time.perf_counter() - clock) / len(tell)
            for copy in going:
                own = {name: value[copy] for name, value in logs.items()}
                epochs[copy].append(Epoch.of(epoch + 1, own, seconds))
                tell[copy](epochs[copy][-1])
            going = [copy for copy in going if not epochs[copy][-1].diverged]
            if not going:
                break
        return epochs

    def _answers(self, copies: Copies) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Return the test loss of each copy, and its outputs, (n_copies, n_test, n_outputs)."""
        where = (self.test_data, all_rows(self.test_data), self.recipe.batch_size)
        _, logs = copies.program.evaluate(copies.state, *where)
        outputs = copies.program.predict(copies.state, *where)
        return np.asarray(logs["loss"]), np.asarray(outputs)

    def _first_state(self, streams: Sequence[Streams]) -> State:
        """Return the state in which the runs begin, drawn as if each were built by itself."""
        drawn = []
        for own in streams:
            with KERAS_LOCK:
                with initial_weights(own):
                    model = self.recipe.build(self.dataset)  # compiling it would draw nothing
                seed_dropout(model, own)
            trained = [np.asarray(variable.value) for variable in model.trainable_variables]
            fixed = [np.asarray(variable.value) for variable in model.non_trainable_variables]
            drawn.append(State(trained, fixed, []))
        optimizer = [repeated(value, len(streams)) for value in self.fresh.optimizer]
        return stacked(drawn)._replace(optimizer=optimizer)

    def _rows(self, streams: Streams) -> tuple[Rows, Rows]:
        """Return which training examples a run trains on, and which it holds out."""
        if self.validation == "test":
            return np.arange(self.dataset.train.n), np.arange(0)
        return self.dataset.validation_rows(self.validation, streams.rng("split"))

    def _training_parts(
        self, streams: Sequence[Streams], stays: Sequence[Rows]
    ) -> tuple[Data, npt.NDArray[np.intp]]:
        """Return the examples to train on, and the rows of each run."""
        if not self.recipe.augmentation:
            return self.train_data, np.stack(stays)
        x, y = self.dataset.train
        parts = [
            self.recipe.training_part(Split(x[rows], y[rows]), own.rng("augment"))
            for own, rows in zip(streams, stays, strict=True)
        ]
        whole = Split(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
        return self._on_device(whole), np.arange(len(whole.y)).reshape(len(parts), -1)

    def _held_out(self, rows: Sequence[Rows]) -> HeldOut:
        if self.validation == "test":
            return HeldOut(self.test_data, all_rows(self.test_data), self.recipe.batch_size)
        held_out = np.stack(rows).astype(np.int32)
        return HeldOut(self.train_data, held_out, self.recipe.batch_size)

    def _targets(self, split: Split) -> Any:
        return self.recipe.targets(split.y, self.dataset.n_classes)

    def _on_device(self, split: Split) -> Data:
        return on_device(split.x, np.asarray(self._targets(split)))
