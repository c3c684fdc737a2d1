"""Progress of a search on stderr: a live line in a terminal, one plain line a trial elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import TaskID

from mlplab.cli.progress import live_lines
from mlplab.tuning import TuneProgress
from mlplab.tuning.tuned import shown

if TYPE_CHECKING:
    from mlplab.recipes import Plain
    from mlplab.tuning.trial import Outcome


def choose_tune_progress(quiet: bool, verbose: bool) -> TuneProgress | None:
    """Return the display that fits the options and the terminal; None where quiet."""
    if quiet:
        return None
    console = Console(stderr=True, highlight=False)
    live = console.is_terminal and not verbose
    return LiveTuneProgress(console) if live else PlainTuneProgress(console, verbose)


class PlainTuneProgress(TuneProgress):
    """A line a trial, for logs; with ``verbose`` a line an epoch as well."""

    def __init__(self, console: Console, verbose: bool = False) -> None:
        self.console, self.verbose = console, verbose
        self.n_trials, self.waiting = 0, False
        self.values: dict[int, str] = {}

    def say(self, text: str) -> None:
        """Print one line, never wrapped."""
        self.console.print(text, soft_wrap=True, markup=False)

    def on_search_begin(self, n_trials: int, n_present: int) -> None:
        """Say how much there is to do."""
        self.n_trials = n_trials
        left = max(n_trials - n_present, 0)
        present = f", {n_present} already there" if n_present else ""
        self.say(f"{left} {'trial' if left == 1 else 'trials'} to do{present}")

    def on_trial_begin(self, number: int, values: Mapping[str, Plain], n_epochs: int) -> None:
        """Keep the trial's values for its line."""
        self.values[number] = "  ".join(f"{name} {shown(value)}" for name, value in values.items())

    def on_trial_epoch(self, number: int, epoch: int, mean: float) -> None:
        """Print the epoch where lines for epochs were asked for."""
        if self.verbose:
            self.say(f"trial {number}  epoch {epoch}  mean {mean:.4f}")

    def on_trial_end(
        self, number: int, outcome: Outcome, seconds: float, best: float | None, place: int
    ) -> None:
        """Print how the trial ended."""
        ending = f"{outcome.value:.4f}" if outcome.scores else f"{outcome.state}: {outcome.reason}"
        so_far = "" if best is None else f"  best {best:.4f}"
        values = self.values.pop(number, "")
        self.say(
            f"{place}/{self.n_trials}  trial {number}  {ending}{so_far}  {seconds:.1f} s  {values}"
        )

    def on_trial_taken(self, number: int) -> None:
        """Say that a trial is no longer this process's."""
        self.values.pop(number, None)
        self.say(f"trial {number}  taken up by another process, as this one gave no sign of life")

    def on_wait(self, n_under_way: int) -> None:
        """Say once that others have trials under way."""
        if not self.waiting:
            self.waiting = True
            trials = "a trial" if n_under_way == 1 else f"{n_under_way} trials"
            self.say(f"waiting for {trials} of other processes")


class LiveTuneProgress(PlainTuneProgress):
    """A live line for the trial in flight; a line stays when it has ended."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self.bars = live_lines(console)
        self.tasks: dict[int, tuple[TaskID, int]] = {}

    def on_search_begin(self, n_trials: int, n_present: int) -> None:
        """Say how much there is to do and begin to draw."""
        super().on_search_begin(n_trials, n_present)
        self.bars.start()

    def on_trial_begin(self, number: int, values: Mapping[str, Plain], n_epochs: int) -> None:
        """Begin the trial's line."""
        super().on_trial_begin(number, values, n_epochs)
        task = self.bars.add_task(f"trial {number}", total=n_epochs, figures="preparing")
        self.tasks[number] = (task, n_epochs)

    def on_trial_epoch(self, number: int, epoch: int, mean: float) -> None:
        """Bring the trial's line up to date."""
        task, n_epochs = self.tasks[number]
        self.bars.update(task, completed=epoch, figures=f"epoch {epoch}/{n_epochs} mean {mean:.4f}")

    def on_trial_end(
        self, number: int, outcome: Outcome, seconds: float, best: float | None, place: int
    ) -> None:
        """Replace the live line by the trial's ending."""
        self._remove(number)
        super().on_trial_end(number, outcome, seconds, best, place)

    def on_trial_taken(self, number: int) -> None:
        """Remove the trial's line."""
        self._remove(number)
        super().on_trial_taken(number)

    def _remove(self, number: int) -> None:
        if number in self.tasks:
            self.bars.remove_task(self.tasks.pop(number)[0])

    def on_search_end(self) -> None:
        """Stop drawing."""
        self.bars.stop()
