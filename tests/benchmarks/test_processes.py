"""Workers are real processes: they train in turns, fail aloud, and tell what they held."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
from benchmarks.networks import NETWORKS
from benchmarks.peers import PEERS
from benchmarks.process import Worker, WorkerFailedError
from benchmarks.race import NotLearnedError, Result, Runner, check_learned, run_in_turns
from benchmarks.shapes import Shape
from benchmarks.start import one_process

from mlplab.data import Dataset

SMALL = {"shape": asdict(Shape(width=8, depth=1, batch=8192, inputs=4))}


def test_two_sides_train_the_same_number_of_epochs_in_turns():
    runners = [Runner(PEERS[name], SMALL) for name in ("ours", "keras-jax")]
    run_in_turns(runners, seconds=0.0, at_least=3)
    for runner in runners:
        assert runner.result.failure == ""
        assert len(runner.result.epochs) == 3
        losses = runner.outcome["losses"]
        assert len(losses) == 4  # the first epoch is not counted
        assert losses[-1] < losses[0]
    ours, theirs = (runner.outcome["losses"][-1] for runner in runners)
    assert ours == pytest.approx(theirs, rel=0.05)  # the same weights, another order
    assert len(runners[0].result.phases) == 4


def test_a_worker_that_fails_says_why():
    runner = Runner(PEERS["ours"], {"shape": SMALL["shape"] | {"width": -1}})
    run_in_turns([runner], seconds=0.0)
    assert "-1" in runner.result.failure
    assert runner.result.epochs == []


def test_a_missing_peer_fails_at_its_start():
    absent = replace(PEERS["ours"], name="nobody")
    with pytest.raises(WorkerFailedError, match="nobody"):
        Worker(absent)


def test_a_process_alone_tells_seconds_and_bytes(mnist: Dataset):
    took = one_process(PEERS["ours-val"], "softmax")
    assert 0 < took["imports"] < took["first_epoch"] < took["all"]
    data = mnist.train.x.nbytes + mnist.test.x.nbytes
    assert took["imported"] + data <= took["read"] <= took["peak"]


def test_too_little_learned_is_an_error():
    with pytest.raises(NotLearnedError, match=r"0\.96 at least, got torch 0\.5000"):
        check_learned(
            {"torch": Result(accuracy=0.5), "jax": Result(accuracy=0.97)}, NETWORKS["relu-2"]
        )
