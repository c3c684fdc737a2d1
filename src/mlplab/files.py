"""Writing a file whole or not at all, and what to say when it cannot be written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from mlplab.errors import StorageError


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a name beside a path to write under; what is written gets the path's name at the end.

    Whoever reads the path sees the old file or the new one, never a part. Where anything goes
    wrong, nothing is left. The name has the path's ending, and is another one each time: two who
    write the same file do not write into each other's.

    Args:
        path: the file to be; its folder is there.

    Raises:
        OSError: the file cannot have its name.

    Examples:
        >>> with whole(Path("a.txt")) as partial:
        ...     _ = partial.write_text("all of it")
        >>> Path("a.txt").read_text(), partial.exists()
        ('all of it', False)
    """
    partial = path.with_name(f".partial-{uuid4().hex[:8]}-{path.name}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        if partial.exists():
            partial.unlink()


@contextmanager
def writing(path: Path, advice: str = "") -> Iterator[None]:
    """Turn an OSError into an error that says which file cannot be written, and why.

    Args:
        path: the file.
        advice: what to do about it.

    Raises:
        StorageError: in place of the OSError.

    Examples:
        >>> with writing(Path("none/a.txt"), "name another file"):
        ...     Path("none/a.txt").write_text("")
        Traceback (most recent call last):
        mlplab.errors.StorageError: cannot write none/a.txt: No such file or directory; \
name another file
    """
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write {path}: {error.strerror or error}{advice and '; '}{advice}"
        ) from error
