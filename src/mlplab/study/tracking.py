"""Telling trackers what a study does, beside whoever watches it, without keeping it waiting."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from mlplab.errors import MlplabError
from mlplab.study.one_run import Epoch, RunResult
from mlplab.study.progress import Job, Progress
from mlplab.study.recorded import FIGURES, SCORES, parameters, study_name
from mlplab.study.teller import Teller
from mlplab.study.teller_thread import Event, TellerThread
from mlplab.study.turn import Turn
from mlplab.study.writer import Registered, StudyWriter, finite
from mlplab.trackers import Epoch as ToldEpoch
from mlplab.trackers import Key, Outcome, Run, StudyName, sinks
from mlplab.trackers.told import Value

_log = logging.getLogger(__name__)

PATIENCE = 30.0
"""Seconds to wait, when all is trained, for an answer of a tracker; four times that to load."""

MOST_PATIENCE = 300.0
"""Seconds to wait for all answers of all trackers together."""


SECONDS_BEFORE_A_WORD = 2.0
"""After which a wait for trackers is said."""


class Tracking:
    """The trackers of one study, from the first run of a command to its end.

    Args:
        track: for each tracker its place, such as ``{"csv": "runs.csv"}``.
        warn: is given one line for each tracker that fails; the log where it is None.
        note: is given one line where the end of a command has to wait; the log where it is None.

    Raises:
        UsageError: no such tracker, or a place that cannot be one.
    """

    def __init__(
        self,
        track: Mapping[str, str | Path],
        warn: Callable[[str], None] | None = None,
        note: Callable[[str], None] | None = None,
    ) -> None:
        self.threads = [
            TellerThread(name, sink, warn or _log.warning) for name, sink in sinks(track).items()
        ]
        self.warn, self.note = warn or _log.warning, note or _log.info
        self.path = Path()
        self.study: StudyName | None = None
        self.turn: Turn | None = None

    def __bool__(self) -> bool:
        return bool(self.threads)

    def begin(
        self,
        path: Path,
        on_look: Callable[[str], None],
        shown: Sequence[str],
        *,
        report_only: bool = False,
    ) -> None:
        """Begin to tell of a study, and of the runs in its file first; once.

        Where another command tells of it, trackers wait for that one's end.

        Args:
            path: the study file.
            on_look: called with each kind of test score before those in the file are told.
            shown: these kinds.
            report_only: do not wait, and then tell of no run.
        """
        if self.study is None and self:
            self.path, self.study, self.turn = path, study_name(path), Turn(path)
            alone = not report_only or self.turn.taken()
            if not alone:
                self.warn(
                    f"note: another command is telling trackers of {path}; only the report is "
                    "sent, and the next command tells what is missing"
                )
            make = partial(
                Teller, study=self.study, path=path.absolute(), on_look=on_look, shown=shown,
                alone=alone,
            )  # fmt: skip
            ready = self.turn.taken if alone else lambda: True
            for thread in self.threads:
                thread.start(make, ready)

    def tell(self, key: Key, event: Event) -> None:
        """Tell every tracker, some time."""
        for thread in self.threads:
            thread.tell(key, event)

    def report(self, written: Sequence[Path]) -> None:
        """Tell that the study's report has been written: files, and folders of files."""
        for thread in self.threads:
            thread.tell_last(lambda teller: teller.report(written))

    def close(self, hurried: bool = False) -> None:
        """Tell what is missing, wait for the trackers as long as they answer, and end.

        Args:
            hurried: leave what is missing to the next command, and wait for a moment only.

        Raises:
            KeyboardInterrupt: while it waits; the message says what becomes of the rest.
        """
        for thread in self.threads:
            thread.finish(hurried)
        began = time.monotonic()
        try:
            if not hurried:
                self._say_who_is_late(began + SECONDS_BEFORE_A_WORD)
            for thread in self.threads:
                thread.wait(began, *((1.0, 1.0) if hurried else (PATIENCE, MOST_PATIENCE)))
        except KeyboardInterrupt:
            self._give_up()
            if not hurried:
                raise KeyboardInterrupt(
                    f"Interrupted. The study file {self.path} is whole; the next command on it "
                    "tells trackers the rest."
                ) from None
        finally:
            if self.turn:
                self.turn.end()

    def _say_who_is_late(self, until: float) -> None:
        """Wait for a moment; name the trackers that are not ready then."""
        late = [thread.name for thread in self.threads if not thread.ends_by(until)]
        if late:
            self.note(f"note: waiting for {', '.join(late)}, which the runs are still told to")

    def _give_up(self) -> None:
        """End without waiting, and without a word."""
        for thread in self.threads:
            thread.finish(hurried=True)
            thread.fail("interrupted")

    def __enter__(self) -> Tracking:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self.close(hurried=not (kind is None or issubclass(kind, MlplabError)))


@contextmanager
def followed(track: Mapping[str, str | Path] | Tracking | None) -> Iterator[Tracking]:
    """Give the tracking of a command: the one that there is, or one that ends with the block."""
    if isinstance(track, Tracking):
        yield track
        return
    with Tracking(track or {}) as tracking:
        yield tracking


class Feed(Progress):
    """Hands what a study tells to its trackers.

    Args:
        tracking: the trackers.
        writer: the study file.
        recipes: the recipes that will run.
        keep_models: whether models are kept.
    """

    def __init__(
        self,
        tracking: Tracking,
        writer: StudyWriter,
        recipes: Sequence[Registered],
        keep_models: bool,
    ) -> None:
        self.tracking, self.models = tracking, writer.model_path if keep_models else None
        self.fixed = {recipe.label: fixed(writer, recipe) for recipe in recipes}
        self.runs: dict[Job, Run] = {}

    def on_run_begin(self, job: Job) -> None:
        """Tell that a run begins."""
        assert self.tracking.study is not None
        own: dict[str, Value] = {"vary": job.vary, "seed": job.seed}
        run = self.runs[job] = Run(
            study=self.tracking.study,
            recipe=job.label,
            started=time.time(),
            parameters=self.fixed[job.label] | own,
            vary=job.vary,
            seed=job.seed,
        )
        self.tracking.tell(run.key, lambda teller: teller.begin(run))

    def on_epoch_end(self, job: Job, epoch: Epoch) -> None:
        """Tell an epoch."""
        run = self.runs[job]
        figures = {name: finite(getattr(epoch, name)) for name in FIGURES}
        told = ToldEpoch(epoch.epoch, time.time(), figures)
        self.tracking.tell(run.key, lambda teller: teller.epochs(run, [told]))

    def on_run_end(self, job: Job, result: RunResult) -> None:
        """Tell how a run ended."""
        run = self.runs.pop(job)
        scores = {name: finite(getattr(result, name)) for name in SCORES}
        kept = self.models is not None and result.status == "done"
        model = self.models(job).absolute() if self.models and kept else None
        outcome = Outcome(result.status, len(result.epochs), time.time(), scores, model)
        self.tracking.tell(run.key, lambda teller: teller.end(run, outcome))


def fixed(writer: StudyWriter, recipe: Registered) -> dict[str, Value]:
    """Return what is fixed before the runs of a recipe begin."""
    rows = writer.file.rows
    (study,) = rows("SELECT dataset, validation FROM study")
    (row,) = rows("SELECT * FROM recipe WHERE id = ?", recipe.id)
    (environment,) = rows("SELECT content FROM environment WHERE id = ?", writer.environment_id)
    return parameters(study, row, environment["content"], recipe.engine)
