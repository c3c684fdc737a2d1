"""MLflow: an experiment a study, a run a recipe, and nested in it a run a seed."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mlplab.errors import UsageError
from mlplab.extras import installing
from mlplab.trackers.mlflow_uri import artefacts, uri
from mlplab.trackers.sink import Sink
from mlplab.trackers.told import Epoch, Key, Outcome, Run, StudyName, finite

DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_ALLOW_FILE_STORE": "true",  # a folder is what the user asked for
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",  # seconds; a server that is silent must not hold us
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
}
"""How MLflow is asked to behave, where the user has not said otherwise."""

_URLLIB3 = logging.getLogger("urllib3.connectionpool")
_STUDY, _RECIPE, _VARY, _SEED = (f"mlplab.{name}" for name in ("study", "recipe", "vary", "seed"))
_REPORT, _PARENT = "mlplab.report", "mlflow.parentRunId"
_WHOLE = {"done": "FINISHED", "diverged": "FAILED"}  # a run that has not ended is RUNNING
_MOST = 6000  # characters of a parameter that every MLflow store takes


class MlflowSink(Sink):
    """Tells MLflow through its client. Of what is global only ``DEFAULTS`` are set.

    Args:
        place: a folder, ``sqlite:///FILE`` or ``http://HOST:PORT``.
    """

    def __init__(self, place: str) -> None:
        super().__init__(place)
        if find_spec("mlflow") is None:  # it is imported in the tracker's own thread: that is slow
            raise UsageError(
                f"expected the package mlflow, which is not installed; run: {installing('mlflow')}"
            )
        self.uri = uri(place)
        self.runs: dict[Key, str] = {}
        self.parents: dict[str, str] = {}
        self.unfinished: dict[Key, list[str]] = {}

    def load(self) -> None:
        """Import MLflow, after it has been told how to behave."""
        for name, value in DEFAULTS.items():
            os.environ.setdefault(name, value)
        import mlflow  # noqa: F401

        self.quiet = OfOtherThreads()
        _URLLIB3.addFilter(self.quiet)

    def open(self, study: StudyName) -> set[Key]:
        """Find or make the experiment; return the runs in it that have ended."""
        from mlflow import MlflowClient

        self.study = study
        self.client: Any = MlflowClient(tracking_uri=self.uri)
        self.experiment = self._experiment(study.name)
        told = set()
        for run in self._search(f"tags.`{_STUDY}` = '{study.id}'"):
            tags = run.data.tags
            if _SEED in tags:
                key = tags[_RECIPE], tags[_VARY], int(tags[_SEED])
                if run.info.status in _WHOLE.values():
                    told.add(key)
                else:
                    self.unfinished.setdefault(key, []).append(run.info.run_id)
            elif _RECIPE in tags:
                self.parents[tags[_RECIPE]] = run.info.run_id
        return told

    def begin(self, run: Run) -> None:
        """Make a run under its recipe's, with its parameters."""
        for left in self.unfinished.pop(run.key, []):
            self.client.delete_run(left)
        tags = {_PARENT: self._parent(run), _VARY: run.vary, _SEED: str(run.seed)}
        made = self._create(run, run.source, tags)
        self.runs[run.key] = made
        self.unfinished[run.key] = [made]
        self._log_parameters(made, run.parameters)

    def epochs(self, run: Run, epochs: Sequence[Epoch]) -> None:
        """Log the figures of epochs, a step an epoch."""
        self._log(
            self.runs[run.key],
            [(name, v, e.time, e.epoch) for e in epochs for name, v in finite(e.figures).items()],
        )

    def end(self, run: Run, outcome: Outcome) -> None:
        """Log scores and model, and then that the run has ended."""
        made = self.runs.pop(run.key)
        scores = {name: outcome.scores[name] for name in ("test_loss", "test_accuracy")}
        self._log(
            made, [(name, v, outcome.time, outcome.epochs) for name, v in finite(scores).items()]
        )
        self.client.set_tag(made, "mlplab.status", outcome.status)
        if outcome.model and outcome.model.exists():
            self.client.log_artifact(made, str(outcome.model), "model")
        self.client.set_terminated(made, _WHOLE[outcome.status], milliseconds(outcome.time))
        self.unfinished.pop(run.key)

    def report(self, study: StudyName, written: Sequence[Path]) -> None:
        """Add the report to the experiment; a later one is written over an earlier one."""
        there = self._search(f"tags.`{_REPORT}` = '{study.id}'")
        found = next((run.info.run_id for run in there), None)
        made = found or self.client.create_run(
            self.experiment, run_name="report", tags={_REPORT: study.id}
        ).info.run_id  # fmt: skip
        for path in written:
            if path.is_dir():
                self.client.log_artifacts(made, str(path), f"report/{path.name}")
            else:
                self.client.log_artifact(made, str(path), "report")
        self.client.set_terminated(made)

    def close(self) -> None:
        """Take the filter off the log again."""
        _URLLIB3.removeFilter(self.quiet)

    def _experiment(self, name: str) -> str:
        there = self.client.get_experiment_by_name(name)
        if there is None:
            where = artefacts(self.uri, name)
            return str(self.client.create_experiment(name, artifact_location=where))
        if there.lifecycle_stage != "active":
            raise UsageError(
                f"the experiment {name!r} was deleted there; restore it, or remove it for good"
            )
        return str(there.experiment_id)

    def _search(self, wanted: str) -> Iterator[Any]:
        token = None
        while True:
            page = self.client.search_runs([self.experiment], wanted, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def _parent(self, run: Run) -> str:
        """Return the run that stands for a recipe."""
        if run.recipe not in self.parents:
            made = self.parents[run.recipe] = self._create(run, run.recipe, {})
            of_seed = ("seed", "vary")
            shared = {k: value for k, value in run.parameters.items() if k not in of_seed}
            self._log_parameters(made, shared)
            self.client.set_terminated(made)
        return self.parents[run.recipe]

    def _create(self, run: Run, name: str, tags: Mapping[str, str]) -> str:
        made = self.client.create_run(
            self.experiment,
            start_time=milliseconds(run.started),
            run_name=name,
            tags={_STUDY: run.study.id, _RECIPE: run.recipe, **tags},
        )
        return str(made.info.run_id)

    def _log_parameters(self, run_id: str, parameters: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        found = [Param(name, str(value)[:_MOST]) for name, value in parameters.items()]
        self.client.log_batch(run_id, params=found)

    def _log(self, run_id: str, figures: Sequence[tuple[str, float, float, int]]) -> None:
        from mlflow.entities import Metric

        found = [Metric(name, value, milliseconds(at), step) for name, value, at, step in figures]
        self.client.log_batch(run_id, metrics=found)


class OfOtherThreads(logging.Filter):
    """Leaves out what the thread logs that made it: retries that the user need not hear of."""

    def __init__(self) -> None:
        super().__init__()
        self.thread = threading.get_ident()

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether another thread logged a record."""
        return record.thread != self.thread


def milliseconds(time: float) -> int:
    """Return a time as MLflow writes it."""
    return round(time * 1000)
