"""Telling one tracker of one study: what happens, in turn, and what it lacks, from the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from mlplab.study.recorded import keys, recorded
from mlplab.trackers import Epoch, Key, Outcome, Run, Sink, StudyName


class Teller:
    """Tells a sink of each run once. It lives in the one thread that calls the sink.

    Args:
        sink: who is told.
        study: the study.
        path: its file.
        on_look: called with each kind of test score before runs of the file are told.
        shown: the kinds of test scores that these runs show.
        alone: whether no other command tells of these runs; if one does, none is told here.
    """

    def __init__(
        self,
        sink: Sink,
        study: StudyName,
        path: Path,
        on_look: Callable[[str], None],
        shown: Sequence[str],
        alone: bool = True,
    ) -> None:
        self.sink, self.study, self.path = sink, study, path
        self.on_look, self.shown, self.alone = on_look, shown, alone
        self.told = sink.open(study)
        self.begun: set[Key] = set()

    def begin(self, run: Run) -> None:
        """Tell that a run begins, unless it has been told already."""
        if self.alone and run.key not in self.told:
            self.sink.begin(run)
            self.begun.add(run.key)

    def epochs(self, run: Run, epochs: Sequence[Epoch]) -> None:
        """Tell epochs of a run that was begun."""
        if run.key in self.begun:
            self.sink.epochs(run, epochs)

    def end(self, run: Run, outcome: Outcome) -> None:
        """Tell the end of a run that was begun."""
        if run.key in self.begun:
            self.sink.end(run, outcome)
            self.begun.remove(run.key)
            self.told.add(run.key)

    def report(self, written: Sequence[Path]) -> None:
        """Tell that the study's report has been written."""
        self.sink.report(self.study, written)

    def catch_up(self, going_on: Callable[[], bool]) -> None:
        """Tell each run whole that the file holds and the tracker does not.

        Whatever else is told of these runs afterwards is known by then, and left out.

        Args:
            going_on: asked before each run.
        """
        found_in_file = keys(self.path) if self.alone else {}
        missing = [row for key, row in found_in_file.items() if key not in self.told]
        for kind in self.shown if missing else ():
            self.on_look(kind)
        for row in missing:
            found = recorded(self.path, row) if going_on() else None
            if found:
                run, epochs, outcome = found
                self.begin(run)
                self.epochs(run, epochs)
                self.end(run, outcome)
