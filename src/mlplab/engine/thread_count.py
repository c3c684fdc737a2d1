"""How many threads a network gets where the caller names no number.

The threads of a network meet after each layer of each pass. A meeting takes microseconds, and far
more where another program runs on one of the cores; below a certain work between two meetings one
thread alone is faster. The result has the same bits either way.
"""

from __future__ import annotations

import math

from mlplab.engine import core
from mlplab.engine.plan import Plan

# Multiplications between two meetings below which one thread trains faster than two, by
# `make bench` at widths 16..512, depths 2..16 and batches 16..2048.
_FEW_BETWEEN_MEETINGS = 1 << 17

# Multiplications of a call to predict below which a second thread takes longer to start than it
# saves: for 32 images through half a million weights one thread and two took the same.
_FEW_OF_A_CALL = 1 << 24


def to_train(plan: Plan, batch_size: int) -> int:
    """Return the threads for training in batches of ``batch_size`` examples."""
    n_dense = sum(step["kind"] == "dense" for step in plan.layers)
    work = 3 * n_weights(plan) * batch_size  # forward, gradient of the inputs, of the weights
    meetings = 2 * n_dense + 3
    return 1 if work < _FEW_BETWEEN_MEETINGS * meetings else core.usable_cores()


def to_predict(plan: Plan, n_examples: int) -> int:
    """Return the threads for one pass over ``n_examples`` examples."""
    return 1 if n_examples * n_weights(plan) < _FEW_OF_A_CALL else core.usable_cores()


def n_weights(plan: Plan) -> int:
    """Return the number of weights of a plan, all arrays together."""
    return sum(math.prod(weight.shape) for weight in plan.weights)
