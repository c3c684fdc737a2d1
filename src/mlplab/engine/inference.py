"""``predict`` and ``evaluate``: Keras's own, through the core where it covers the model."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import keras
import numpy as np
import numpy.typing as npt

from mlplab.engine import arrays
from mlplab.engine.job import as_samples, build, check_compiled
from mlplab.engine.kept import network_of
from mlplab.engine.keras_private import LOCK
from mlplab.engine.native import named_results
from mlplab.engine.plan import plan, plan_layers
from mlplab.errors import DataError, Unplannable, UsageError

Result = TypeVar("Result")

logger = logging.getLogger("mlplab")

BATCH_SIZE = 256
_FEW_ROWS = 4096  # a network for as many is kept from call to call, whatever the number of examples


def choose(engine: str, native: Callable[[], Result], keras_way: Callable[[], Result]) -> Result:
    """Return what ``native`` returns, or Keras's way of it where the engine is or has to be Keras.

    ``native`` checks and raises Unplannable before it changes anything.
    """
    if engine in ("jax", "keras"):
        return keras_way()
    try:
        return native()
    except Unplannable as reason:
        if engine == "native":
            raise
        logger.info("Keras does this: %s", reason)
        return keras_way()


def _some_rows(features: Any) -> int:
    """Return the number of examples."""
    n_rows = int(features.shape[0])
    if not n_rows:
        raise DataError("expected x with at least one example, got none")
    return n_rows


def _pass_size(batch_size: int | None, n_rows: int) -> int:
    """Return how many examples pass at a time: no more than there are, where that saves memory.

    Examples:
        >>> _pass_size(None, 10), _pass_size(100_000, 10), _pass_size(100_000, 50_000)
        (256, 4096, 50000)
    """
    if batch_size is not None and batch_size < 1:
        raise UsageError(f"expected a batch_size of at least 1, got {batch_size}")
    size = batch_size or BATCH_SIZE
    return min(size, max(_FEW_ROWS, n_rows))


def predict(
    model: keras.Model, x: Any, batch_size: int | None, engine: str, threads: int | None
) -> npt.NDArray[Any]:
    """Return the model's output for x, shape (n, n_outputs)."""

    def native() -> npt.NDArray[Any]:
        features = arrays.at_hand(arrays.as_array(x, "x"))
        with LOCK:
            build(model, features)
            planned = plan_layers(model)
        n_rows = _some_rows(features)
        data, size = arrays.features(features, planned), _pass_size(batch_size, n_rows)
        with network_of(model, planned, n_rows, size, threads) as network:
            return network.predict(data, size)

    def keras_way() -> npt.NDArray[Any]:
        return np.asarray(model.predict(arrays.at_hand(x), batch_size=batch_size, verbose=0))

    return choose(engine, native, keras_way)


def evaluate(
    model: keras.Model,
    x: Any,
    y: Any,
    batch_size: int | None,
    sample_weight: Any,
    engine: str,
    threads: int | None,
) -> dict[str, float]:
    """Return {"loss": ..., metric: ...} of a compiled model on x and y."""
    check_compiled(model)

    def native() -> dict[str, float]:
        features = arrays.at_hand(arrays.as_array(x, "x"))
        targets = arrays.as_dense_array(y, "y")
        with LOCK:
            build(model, features)
            planned = plan(model, (None, *targets.shape[1:]))
        data = as_samples(features, targets, sample_weight, planned)
        size = _pass_size(batch_size, _some_rows(features))
        with network_of(model, planned, len(data.y), size, threads) as network:
            result = network.evaluate(data.x, data.y, size, data.weight)
        return named_results(result, planned.metric_names)

    def keras_way() -> dict[str, float]:
        scores: dict[str, float] = model.evaluate(
            arrays.at_hand(x),
            arrays.at_hand(y),
            batch_size=batch_size,
            sample_weight=sample_weight,
            verbose=0,
            return_dict=True,
        )
        return scores

    return choose(engine, native, keras_way)
