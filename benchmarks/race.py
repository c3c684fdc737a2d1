"""Peers against each other on one network: each in a process of its own, an epoch a turn.

While one trains the others are stopped by a signal, so that no thread of theirs spins beside it.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.networks import Network
from benchmarks.peers import Peer

MIN_EPOCHS, MAX_EPOCHS = 2, 12  # steady epochs of each peer


class NotLearnedError(Exception):
    """A peer's test accuracy is below its network's floor: its times mean nothing."""


@dataclass
class Result:
    """What a peer did on one network.

    Attributes:
        start: seconds from the start of its process to the end of its first epoch.
        epochs: seconds of each later epoch.
        accuracy: on the test images, at the end.
        memory: bytes held at most, beyond what was held after the imports.
        phases: seconds of each phase of the core, an entry an epoch; ours alone has them.
        failure: why there are no figures; empty where there are.
    """

    start: float = 0.0
    epochs: list[float] = field(default_factory=list)
    accuracy: float = 0.0
    memory: int = 0
    phases: list[dict[str, float]] = field(default_factory=list)
    failure: str = ""

    @property
    def median(self) -> float:
        """Seconds an epoch, the median of the later ones."""
        return statistics.median(self.epochs)


class Runner:
    """A peer's process, stopped but for its turns."""

    def __init__(self, peer: Peer, network: Network) -> None:
        self.peer, self.network, self.result = peer, network, Result()
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"}
        if peer.backend:
            environment["KERAS_BACKEND"] = peer.backend
        started = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", peer.name, network.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=environment,
        )
        if self._read() is not None:
            self.result.start = time.perf_counter() - started
            self.process.send_signal(signal.SIGSTOP)

    @property
    def alive(self) -> bool:
        """Whether nothing has failed yet."""
        return not self.result.failure

    def wants_another(self, seconds: float) -> bool:
        """Whether it still has a turn, if each has this many seconds of steady epochs."""
        done = self.result.epochs
        if not self.alive or len(done) >= MAX_EPOCHS:
            return False
        return len(done) < MIN_EPOCHS or sum(done) < seconds

    def turn(self) -> None:
        """Train one epoch."""
        answer = self._tell("epoch")
        if answer is not None:
            self.result.epochs.append(answer["seconds"])
            self.process.send_signal(signal.SIGSTOP)

    def finish(self) -> None:
        """End the process and take its last words."""
        answer = self._tell("stop") if self.alive else None
        if answer is not None:
            self.result.accuracy, self.result.memory = answer["accuracy"], answer["memory"]
            self.result.phases = answer.get("phases", [])
        self.close()

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self.process.send_signal(signal.SIGCONT)
        if not self.alive:
            self.process.kill()
        self.process.communicate()
        self.errors.close()

    def _tell(self, word: str) -> dict[str, Any] | None:
        self.process.send_signal(signal.SIGCONT)
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any] | None:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if line:
            return dict(json.loads(line))
        self.process.wait()
        self.errors.seek(0)
        lines = self.errors.read().split("\n")
        self.result.failure = next((line for line in reversed(lines) if line.strip()), "it ended")
        return None


def race(peers: Sequence[Peer], network: Network, seconds: float) -> dict[str, Result]:
    """Let peers train a network in turns, A B C A B C, and return their results by name.

    Args:
        peers: who runs.
        network: what they train.
        seconds: steady epochs go on until a peer has used this much, within ``MIN_EPOCHS`` and
            ``MAX_EPOCHS``.

    Raises:
        NotLearnedError: a peer trained and learned too little.
    """
    runners: list[Runner] = []
    try:
        for peer in peers:
            runners.append(Runner(peer, network))  # noqa: PERF401 - each is closed on an error
        while waiting := [runner for runner in runners if runner.wants_another(seconds)]:
            for runner in waiting:
                runner.turn()
    except BaseException:
        for runner in runners:
            runner.result.failure = runner.result.failure or "interrupted"
            runner.close()
        raise
    for runner in runners:
        runner.finish()
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
