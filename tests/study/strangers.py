"""Files as another user finds them: to be read, not to be written."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


@contextmanager
def read_only(file: Path) -> Iterator[Path]:
    """Copy a file into a folder that this process can read and not write, even as root."""
    folder = Path(tempfile.mkdtemp(prefix="mlplab-read-only-"))
    copy = Path(shutil.copy(file, folder))
    copy.chmod(0o444)
    folder.chmod(0o555)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield copy
    finally:
        if is_root:
            os.seteuid(0)
        folder.chmod(0o755)
        shutil.rmtree(folder)
