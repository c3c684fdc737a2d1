"""A process that searches: ``python -m tests.tuning.searching SPEC STORAGE TRIALS [FOLDER N]``.

With a folder it waits there until N such processes are ready, so that all begin at once.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from mlplab.tuning import search


def wait_for_all(folder: Path, n_processes: int) -> None:
    """Wait until so many processes have come here."""
    (folder / f"ready-{os.getpid()}").touch()
    while len(list(folder.glob("ready-*"))) < n_processes:
        time.sleep(0.01)


def main(spec: str, storage: str, trials: str, *meeting: str) -> None:
    if meeting:
        wait_for_all(Path(meeting[0]), int(meeting[1]))
    search(spec, trials=int(trials), storage=storage)


if __name__ == "__main__":
    main(*sys.argv[1:])
