"""Steady epochs: peers train one network, each in a process of its own, an epoch a turn.

While one trains the others are stopped by a signal, so that no thread of theirs spins beside it.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.networks import Network
from benchmarks.peers import Peer
from benchmarks.process import Worker, WorkerFailedError


class NotLearnedError(Exception):
    """A peer learned too little: its times mean nothing."""


@dataclass
class Result:
    """What a peer did on one network.

    Attributes:
        epochs: seconds of each epoch after the first.
        cpu: seconds that all its threads computed in each; waiting in turn for a core is not in it.
        accuracy: on the test images, at the end.
        phases: seconds of each phase of the core, an entry an epoch; ours alone has them.
        failure: why there are no figures; empty where there are.
    """

    epochs: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    accuracy: float = 0.0
    phases: list[dict[str, float]] = field(default_factory=list)
    failure: str = ""

    @property
    def median(self) -> float:
        """Seconds an epoch."""
        return statistics.median(self.epochs)


class Runner:
    """A peer in a race: its worker, stopped but for its turns, and its result."""

    def __init__(
        self, peer: Peer, job: dict[str, Any], cores: int | None = None, core: str | None = None
    ) -> None:
        self.peer, self.job, self._cores, self._core = peer, job, cores, core
        self.result = Result()
        self.outcome: dict[str, Any] = {}
        self._worker: Worker | None = None

    def begin(self) -> None:
        """Start the process and train the first epoch, which compiles and is not counted."""
        try:
            self._worker = Worker(self.peer, self._cores, self._core)
            self._worker.start(self.job)
            self._worker.pause()
        except WorkerFailedError as failure:
            self._fail(failure)

    def turn(self) -> None:
        """Train one epoch."""
        assert self._worker is not None
        try:
            self._worker.go_on()
            told = self._worker.epoch()
            self.result.epochs.append(told["seconds"])
            self.result.cpu.append(told["cpu"])
            self._worker.pause()
        except WorkerFailedError as failure:
            self._fail(failure)

    def finish(self) -> None:
        """Let it evaluate, take its last words and end the process."""
        if self._worker is None:
            return
        try:
            self._worker.go_on()
            self.outcome = self._worker.stop()
            self.result.accuracy = self.outcome.get("accuracy", 0.0)
            self.result.phases = self.outcome.get("phases", [])
        except WorkerFailedError as failure:
            self._fail(failure)
        self.close()

    def close(self) -> None:
        """End the process."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def wants_another(self, seconds: float, at_least: int, at_most: int) -> bool:
        """Whether it still has a turn, if each has this many seconds of steady epochs."""
        done = self.result.epochs
        if self._worker is None or len(done) >= at_most:
            return False
        return len(done) < at_least or sum(done) < seconds

    def _fail(self, failure: WorkerFailedError) -> None:
        self.result.failure = str(failure)
        self.close()


def run_in_turns(
    runners: Sequence[Runner], seconds: float, at_least: int = 2, at_most: int = 12
) -> None:
    """Let runners train in turns, A B C A B C.

    Args:
        runners: who runs; each one's result holds what came of it.
        seconds: steady epochs go on until a runner has used this much.
        at_least: steady epochs that each trains however slow it is.
        at_most: steady epochs that none exceeds.
    """
    try:
        for runner in runners:
            runner.begin()
        while waiting := [r for r in runners if r.wants_another(seconds, at_least, at_most)]:
            for runner in waiting:
                runner.turn()
        for runner in runners:
            runner.finish()
    finally:
        for runner in runners:
            runner.close()


def race(peers: Iterable[Peer], network: Network, seconds: float) -> dict[str, Result]:
    """Let peers train a network in turns and return their results by name.

    Raises:
        NotLearnedError: a peer trained and learned too little.
    """
    runners = [Runner(peer, {"network": network.name}) for peer in peers]
    run_in_turns(runners, seconds)
    results = {runner.peer.name: runner.result for runner in runners}
    check_learned(results, network)
    return results


def check_learned(results: dict[str, Result], network: Network) -> None:
    """Raise NotLearnedError where a peer's accuracy is below the floor."""
    lazy = [
        f"{name} {result.accuracy:.4f}"
        for name, result in results.items()
        if not result.failure and result.accuracy < network.floor
    ]
    if lazy:
        raise NotLearnedError(
            f"{network.name}: expected a test accuracy of {network.floor} at least, "
            f"got {', '.join(lazy)}"
        )
