"""The random streams of a run: one seed, five independent sources of chance.

===========  ==============================================================
``init``     the weights a model starts from
``order``    the order in which the examples of each epoch are shown
``dropout``  the units that dropout (or noise layers) touch
``split``    the examples carved out of the training set for validation
``augment``  the changes that augmentation makes to training examples
===========  ==============================================================

Every stream is a child of the seed, named by its place in the table, so that one can be varied
while the others stay as they are: ``replace(Streams.of(0), order=7)`` changes the order alone.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from functools import partial

import keras
import numpy as np
import numpy.typing as npt

from mlplab.data import splits
from mlplab.engine import keras_private
from mlplab.engine.orders import ByBlocks, Order, Whole
from mlplab.errors import UsageError


@dataclass(frozen=True)
class Streams:
    """The seeds of a run's random streams.

    Attributes:
        init: seed of the initial weights.
        order: seed of the order of the examples.
        dropout: seed of dropout and noise.
        split: seed of the validation split.
        augment: seed of augmentation.

    Examples:
        >>> Streams.of(3).rng("split").integers(10)
        np.int64(5)
    """

    init: int
    order: int
    dropout: int
    split: int
    augment: int = 0

    def __post_init__(self) -> None:
        for field, seed in zip(fields(self), astuple(self), strict=True):
            if not isinstance(seed, int) or seed < 0:
                raise UsageError(
                    f"expected a seed that is an integer >= 0, got {field.name}={seed!r}"
                )

    @classmethod
    def of(cls, seed: int | Streams) -> Streams:
        """Return the streams of a seed: the same seed for each of them."""
        return seed if isinstance(seed, Streams) else cls(*(seed for _ in fields(cls)))

    def rng(self, stream: str, *key: int) -> np.random.Generator:
        """Return a generator for a stream; ``key`` (for instance the epoch) names a part of it."""
        place = [field.name for field in fields(self)].index(stream)
        sequence = np.random.SeedSequence(getattr(self, stream), spawn_key=(place, *key))
        return np.random.Generator(np.random.PCG64(sequence))

    def order_in_blocks(self, epoch: int, n_samples: int) -> Order:
        """Return the order of an epoch's samples (0-based), by blocks where they are many."""
        if n_samples > splits.BLOCK_ROWS:
            return ByBlocks(n_samples, partial(self.rng, "order", epoch))
        return Whole(self.rng("order", epoch).permutation(n_samples))

    def epoch_order(self, epoch: int, n_samples: int) -> npt.NDArray[np.int64]:
        """Return ``order_in_blocks`` at once: a permutation, shape (n_samples,)."""
        return self.order_in_blocks(epoch, n_samples).rows(0, n_samples)


@contextmanager
def initial_weights(streams: Streams) -> Iterator[None]:
    """Let models built inside draw their weights from the ``init`` stream.

    Keras draws the seed of each unseeded initializer from Python's global generator. It is set for
    the block and put back afterwards, as are NumPy's and those of Keras and its backend, from
    which a layer of the user's own may draw. ``keras.utils.set_random_seed`` would do the first
    half, and import TensorFlow wherever it is installed, which takes seconds and hundreds of MB.
    """
    seed = int(streams.rng("init").integers(2**32))
    with _python_and_numpy_seed(seed), keras_private.global_seed(seed), _backend_seed(seed):
        yield


@contextmanager
def _python_and_numpy_seed(seed: int) -> Iterator[None]:
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002


@contextmanager
def _backend_seed(seed: int) -> Iterator[None]:
    """Set the generator of the backend in use; JAX has none. TensorFlow's cannot be put back."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow

        tensorflow.random.set_seed(seed)
        yield
    elif backend == "torch":
        import torch

        with torch.random.fork_rng():
            torch.manual_seed(seed)
            yield
    else:
        yield


def seed_dropout(model: keras.Model, streams: Streams, steps_done: int = 0) -> None:
    """Set the counters from which a model's dropout and noise layers draw.

    Keras keeps a pair (key, counter) a layer and adds one to the counter at each training step. The
    key comes from the ``dropout`` stream and the layer's place; the counter is ``steps_done``, so
    that training that goes on after ``initial_epoch`` draws what an uninterrupted one would have.
    """
    weights = {id(variable) for variable in model.weights}
    states = [variable for variable in model.variables if id(variable) not in weights]
    for place, state in enumerate(states):
        key = streams.rng("dropout", place).integers(2**32)
        state.assign(np.array([key, steps_done], dtype=state.dtype))
