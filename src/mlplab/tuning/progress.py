"""What a search tells whoever watches it: empty hooks, of which a watcher fills in some."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mlplab.recipes import Plain

if TYPE_CHECKING:
    from mlplab.tuning.trial import Outcome


class TuneProgress:
    """Is told what a search does; does nothing itself. None of its scores is a test score."""

    def on_search_begin(self, n_trials: int, n_present: int) -> None:
        """A search of ``n_trials`` begins, of which ``n_present`` are in its storage."""

    def on_trial_begin(self, number: int, values: Mapping[str, Plain], n_epochs: int) -> None:
        """A trial begins."""

    def on_trial_epoch(self, number: int, epoch: int, mean: float) -> None:
        """All seeds of a trial have passed an epoch; ``mean`` is that of their scores."""

    def on_trial_end(
        self, number: int, outcome: Outcome, seconds: float, best: float | None, place: int
    ) -> None:
        """A trial has ended; ``best`` is the best score so far, ``place`` how many have begun."""

    def on_trial_taken(self, number: int) -> None:
        """Another process took a trial up, as this one gave no sign of life; it is theirs."""

    def on_wait(self, n_under_way: int) -> None:
        """All trials have begun, and other processes have some under way."""

    def on_search_end(self) -> None:
        """The search has ended, whether whole or not."""
