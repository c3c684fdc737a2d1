"""TensorBoard: event files, a folder a run, FOLDER/STUDY-ID/RECIPE/SEED.

The records are written with tensorboard's own record writer and messages; its event file writer
would import TensorFlow wherever that is installed.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlplab.extras import needed
from mlplab.trackers.sink import Sink
from mlplab.trackers.told import Epoch, Key, Outcome, Run, StudyName, finite

WHOLE = "told"
"""The name of an empty file that says that a run's events are whole."""

_EVENTS = "events.out.tfevents."
_N_ID = 12  # digits of a study's id in the name of its folder


class TensorBoardSink(Sink):
    """Writes each run's events as they come.

    Args:
        place: the folder that ``tensorboard --logdir`` is given.
    """

    def __init__(self, place: str) -> None:
        super().__init__(place)
        with needed("tensorboard"):
            import tensorboard  # noqa: F401 - asked for before any training
        self.root = Path(place).absolute()
        self.writers: dict[Key, EventFile] = {}

    def open(self, study: StudyName) -> set[Key]:
        """Find the study's folder, whatever it was called when it was made; return its runs."""
        self.root.mkdir(parents=True, exist_ok=True)
        end = f"-{study.id[:_N_ID]}"
        there = sorted(found for found in self.root.iterdir() if found.name.endswith(end))
        self.folder = there[0] if there else self.root / f"{study.name}{end}"
        return set(self._whole())

    def begin(self, run: Run) -> None:
        """Begin a run's events anew."""
        self._forget(run.key)
        folder = self.folder / run.recipe / folder_name(run)
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f"{_EVENTS}*"):
            left.unlink()
        self.writers[run.key] = EventFile(folder, run.started)
        self.writers[run.key].add_parameters(run)

    def epochs(self, run: Run, epochs: Sequence[Epoch]) -> None:
        """Add the figures of epochs."""
        for epoch in epochs:
            self.writers[run.key].add(epoch.time, epoch.epoch, epoch.figures)
        self.writers[run.key].flush()

    def end(self, run: Run, outcome: Outcome) -> None:
        """Add the scores at the last epoch, and mark the run as whole."""
        writer = self.writers[run.key]
        scores = {name: outcome.scores[name] for name in ("test_loss", "test_accuracy")}
        writer.add(outcome.time, outcome.epochs, scores)
        writer.add_end(outcome)
        self._forget(run.key)
        (writer.folder / WHOLE).touch()

    def close(self) -> None:
        """Close the files of runs that did not end."""
        for key in list(self.writers):
            self._forget(key)

    def _forget(self, key: Key) -> None:
        writer = self.writers.pop(key, None)
        if writer:
            writer.close()

    def _whole(self) -> Iterator[Key]:
        for mark in self.folder.glob(f"*/*/{WHOLE}"):
            vary, _, seed = mark.parent.name.rpartition("seed-")
            yield mark.parent.parent.name, vary.rstrip("-") or "all", int(seed)


def folder_name(run: Run) -> str:
    """Return the name of a run's folder.

    Examples:
        >>> folder_name(Run(StudyName("1f", "mine"), "net", "init", 3, 0.0, {}))
        'init-seed-3'
    """
    return run.source.replace(" ", "-")


class EventFile:
    """An event file that is being written.

    Args:
        folder: where; each file has a name of its own.
        started: when its run began, in seconds since 1970.
    """

    def __init__(self, folder: Path, started: float) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.record_writer import RecordWriter

        self.folder, self.Event, self.Summary = folder, Event, Summary
        name = f"{_EVENTS}{int(started):010d}.{socket.gethostname()}.{os.getpid()}.{time.time_ns()}"
        self.records = RecordWriter((folder / name).open("wb"))
        self._write(Event(wall_time=started, file_version="brain.Event:2"))

    def add(self, at: float, step: int, figures: Mapping[str, float | None]) -> None:
        """Add figures, each a scalar at a step."""
        values = [
            self.Summary.Value(tag=tag, simple_value=value)
            for tag, value in finite(figures).items()
        ]
        self._write(self.Event(wall_time=at, step=step, summary=self.Summary(value=values)))

    def add_parameters(self, run: Run) -> None:
        """Add what TensorBoard's table of hyperparameters shows."""
        from tensorboard.plugins.hparams.summary_v2 import hparams_pb

        summary = hparams_pb(
            dict(run.parameters), trial_id=f"{run.recipe} {run.source}", start_time_secs=run.started
        )
        self._write(self.Event(wall_time=run.started, summary=summary))

    def add_end(self, outcome: Outcome) -> None:
        """Add how the run ended, for the same table."""
        from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

        done = outcome.status == "done"
        status = api_pb2.STATUS_SUCCESS if done else api_pb2.STATUS_FAILURE
        end = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=outcome.time)
        data = plugin_data_pb2.HParamsPluginData(session_end_info=end)
        value = self.Summary.Value(
            tag=metadata.SESSION_END_INFO_TAG,
            metadata=metadata.create_summary_metadata(data),
            tensor=metadata.NULL_TENSOR,
        )
        self._write(self.Event(wall_time=outcome.time, summary=self.Summary(value=[value])))

    def flush(self) -> None:
        """Let readers see what was added."""
        self.records.flush()

    def close(self) -> None:
        """Close the file."""
        self.records.close()

    def _write(self, event: Any) -> None:
        self.records.write(event.SerializeToString())


def problem(place: str) -> str:
    """Return why a place cannot be a folder of event files, or nothing."""
    return f"expected a folder, got a file: {place}" if Path(place).is_file() else ""
