"""Writing an export: made, read back, compared with Keras, and only then given its name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlplab.errors import ParityError, StorageError, UsageError
from mlplab.export.parity import Parity, check, compare
from mlplab.export.source import Source
from mlplab.export.targets import Target, target_named


@dataclass(frozen=True)
class Exported:
    """What an export left behind.

    Attributes:
        path: the file.
        target: the kind of file.
        facts: what the file says of itself.
        parity: how its answers differ from Keras's.
        beside: the files that go with it.
    """

    path: Path
    target: str
    facts: dict[str, Any]
    parity: Parity
    beside: tuple[Path, ...]


def default_path(source: Source, to: str) -> Path:
    """Return the name of the file where none was given, here."""
    return Path(f"{source.name}{target_named(to).suffix}")


def write_export(source: Source, to: str, path: Path, *, force: bool = False) -> Exported:
    """Write trained models as a file that is checked to compute what they compute.

    The file is made under another name, read back and run over the whole test set, and compared
    with what it was made from. The outcome goes into the file's facts, and the file with it is
    checked again. It gets its name last: one that fails the check is not left behind.

    Args:
        source: the models.
        to: the kind of file, a name of ``TARGETS``.
        path: the file to write.
        force: write over files that are there.

    Raises:
        UsageError: there is no such kind, or a file is there already.
        ParityError: the file does not compute what the models compute.
        StorageError: the disk is full, or the folder cannot be written.

    Examples:
        >>> from mlplab import notebook_recipes, run
        >>> from mlplab.export.source import read_source
        >>> softmax = notebook_recipes()[0].replace(epochs=1)
        >>> run(softmax, "digits", seeds=1, path="softmax.study", keep="models").close()
        >>> source = read_source("softmax.study:softmax")
        >>> done = write_export(source, "numpy", Path("softmax.npz"))
        >>> done.parity.labels_that_differ, [file.name for file in done.beside]
        (0, ['npz_reader.py'])
    """
    target = target_named(to)
    beside = {path.with_name(name): content for name, content in target.beside().items()}
    _check_free(path, beside, force)
    source = source.with_facts(**target.measured(source))
    with _partial(path) as partial:
        parity = _made(source, target, partial, path)
        source = source.with_facts(parity=parity.as_facts())
        if _made(source, target, partial, path) != parity:
            raise ParityError(f"{path}: the file gives other answers each time it is written")
        for file, content in beside.items():
            file.write_bytes(content)
        os.replace(partial, path)
    return Exported(path, to, source.ensemble.facts, parity, tuple(beside))


def _made(source: Source, target: Target, partial: Path, path: Path) -> Parity:
    """Write a file and check what it answers."""
    x, labels = source.dataset.test
    target.write(source, partial)
    reader, got = target.run(partial, x)
    reference, expected = target.reference(source)
    parity = compare(got, expected, labels, reader, reference)
    check(parity, path)
    return parity


def _check_free(path: Path, beside: dict[Path, bytes], force: bool) -> None:
    """Raise UsageError where a file would be written over, but by the same content."""
    there = [path] if path.exists() else []
    there += [
        file for file, content in beside.items() if file.exists() and file.read_bytes() != content
    ]
    if there and not force:
        raise UsageError(
            f"expected new files to write, got files that are there: {', '.join(map(str, there))}; "
            "give another name with --output, or --force to write over them"
        )


@contextmanager
def _partial(path: Path) -> Iterator[Path]:
    """Give a name beside a path for a file in the making, and leave nothing under it."""
    partial = path.with_name(f".partial-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"cannot write {path}: {error.strerror or error}; name another with --output"
        ) from error
