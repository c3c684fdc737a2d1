"""Progress on stderr: a live line a run in a terminal, one plain line an epoch elsewhere."""

from __future__ import annotations

from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import TaskID, TextColumn

from mlplab.study import Epoch, Job, Progress, RunResult


def choose_progress(quiet: bool, verbose: bool) -> Progress | None:
    """Return the progress display that fits the options and the terminal; None where quiet."""
    if quiet:
        return None
    console = Console(stderr=True, highlight=False)
    return LiveProgress(console) if console.is_terminal and not verbose else PlainProgress(console)


def live_lines(console: Console) -> Bars:
    """Return lines that are drawn anew as their figures change: a description, then the figures."""
    return Bars(
        TextColumn("{task.description} {task.fields[figures]}", markup=False),
        console=console,
        transient=True,
    )


def figures(epoch: Epoch) -> str:
    """Return an epoch's figures in Keras's words."""
    return (
        f"loss {epoch.loss:.4f}  accuracy {epoch.accuracy:.4f}  "
        f"val_loss {epoch.val_loss:.4f}  val_accuracy {epoch.val_accuracy:.4f}"
    )


def ending(job: Job, result: RunResult) -> str:
    """Return the line that a run ends with."""
    name = f"{job.label}  {job.source}"
    if result.status == "diverged":
        return f"{name}  diverged in epoch {len(result.epochs)}: its loss is no finite number"
    return (
        f"{name}  test loss {result.test_loss:.4f}  test accuracy {result.test_accuracy:.4f}  "
        f"{result.seconds:.1f} s"
    )


class PlainProgress(Progress):
    """A line an epoch and a line a run, for logs."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def say(self, text: str) -> None:
        """Print one line, never wrapped."""
        self.console.print(text, soft_wrap=True, markup=False)

    def on_study_begin(self, n_jobs: int, n_present: int) -> None:
        """Say how much there is to do."""
        present = f", {n_present} already there" if n_present else ""
        self.say(f"{n_jobs} {'run' if n_jobs == 1 else 'runs'} to do{present}")

    def on_epoch_end(self, job: Job, epoch: Epoch) -> None:
        """Print the epoch."""
        self.say(
            f"run {job.place}/{job.n_jobs}  {job.label}  {job.source}  "
            f"epoch {epoch.epoch}/{job.epochs}  {epoch.seconds:.1f} s  {figures(epoch)}"
        )

    def on_run_end(self, job: Job, result: RunResult) -> None:
        """Print how the run ended."""
        self.say(ending(job, result))

    def on_notice(self, text: str) -> None:
        """Print the notice."""
        self.say(f"note: {text}")


class LiveProgress(PlainProgress):
    """A live line for each run in flight; a line stays when the run has ended."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self.bars = live_lines(console)
        self.tasks: dict[Job, TaskID] = {}

    def on_study_begin(self, n_jobs: int, n_present: int) -> None:
        """Say how much there is to do and begin to draw."""
        super().on_study_begin(n_jobs, n_present)
        self.bars.start()

    def on_run_begin(self, job: Job) -> None:
        """Begin the run's line."""
        description = f"{job.label} {job.source}"
        self.tasks[job] = self.bars.add_task(description, total=job.epochs, figures="preparing")

    def on_epoch_end(self, job: Job, epoch: Epoch) -> None:
        """Bring the run's line up to date."""
        left = (job.epochs - epoch.epoch) * epoch.seconds
        text = (
            f"{epoch.epoch}/{job.epochs} loss {epoch.loss:.3f} acc {epoch.accuracy:.3f} "
            f"val {epoch.val_loss:.3f} {epoch.val_accuracy:.3f} "
            f"{epoch.seconds:.1f} s, {left:.0f} s left"
        )
        self.bars.update(self.tasks[job], completed=epoch.epoch, figures=text)

    def on_run_end(self, job: Job, result: RunResult) -> None:
        """Replace the live line by the run's ending."""
        self.bars.remove_task(self.tasks.pop(job))
        super().on_run_end(job, result)

    def on_study_end(self) -> None:
        """Stop drawing."""
        self.bars.stop()
