"""Threads that work together: no sum races, and a system that starts fewer than asked for."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from mlplab.engine import _core
from tests.core.builders import SGD, layer_norm, network


@pytest.mark.parametrize("isa", _core.isas())
def test_a_network_without_weights_to_multiply_is_evaluated_alike(isa):
    """No dense layer makes threads meet between one batch's losses and the next one's."""
    x = np.random.default_rng(0).normal(size=(20_000, 24)).astype(np.float32)
    alone = network(24, [layer_norm()], isa=isa).evaluate(x, x, 64)["loss"]
    together = network(24, [layer_norm()], isa=isa, threads=2)
    assert {together.evaluate(x, x, 64)["loss"] for _ in range(100)} == {alone}


FEW_THREADS = """
import resource
import numpy as np
from tests.core.builders import ADAM, activation, dense, network, one_hot

layers = [dense(40), activation("relu"), dense(5), activation("softmax")]
x, y = np.ones((64, 20), np.float32), one_hot(64, 5)
alone, many = (
    network(20, layers, "categorical_crossentropy", ADAM, threads=threads) for threads in (1, 200)
)
with open("/proc/self/statm") as file:
    taken = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + 200 * 2**20,) * 2)  # stacks for some 20 threads
for net in (alone, many):
    net.train_epoch(x, y, np.arange(64), 32, np.full(2, 0.01, np.float32), 0)
print(all(map(np.array_equal, alone.get_weights(), many.get_weights())))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
def test_fewer_threads_than_asked_for_do_all_the_work():
    done = subprocess.run(
        [sys.executable, "-c", FEW_THREADS], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "True", "")


@pytest.mark.parametrize("n_values", [0, 1, 3])
def test_a_mask_of_another_length_is_refused(n_values):
    optimizer = SGD | {"weight_decay": 0.1, "decay_mask": [True] * n_values}
    layers = [{"kind": "dense", "units": 3, "use_bias": True}]
    loss = {"kind": "mean_squared_error"}
    if n_values == 0:  # all weights
        _core.Network(4, layers, loss, optimizer, 8, 1, "")
        return
    with pytest.raises(ValueError, match="decay_mask: expected 2 values, one a trainable weight"):
        _core.Network(4, layers, loss, optimizer, 8, 1, "")


def test_batches_too_large_to_count_are_refused():
    with pytest.raises(ValueError, match="max_batch: expected arrays of at most"):
        _core.Network(
            2**31 - 1, [layer_norm()], {"kind": "mean_squared_error"}, SGD, 2**31 - 1, 1, ""
        )
