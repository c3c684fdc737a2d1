"""Writing an export: made, read back, compared with Keras, and only then given its name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlplab.errors import ParityError, UsageError
from mlplab.export.parity import Parity, check, compare
from mlplab.export.source import Source
from mlplab.export.targets import Target, keras_answers, target_named
from mlplab.files import whole, writing

_ADVICE = "name another with --output"


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


def write_export(
    source: Source, to: str, path: Path, *, force: bool = False, stress: bool = False
) -> Exported:
    """Write trained models as a file that is checked to compute what they compute.

    The networks, as they were read, are compared with Keras's ``predict`` over the whole test set.
    The file is made under another name, read back and run over the same, and compared with what it
    was made from. The outcome goes into the file's facts, and the file with it is checked again. It
    gets its name last: one that fails the check is not left behind.

    Args:
        source: the models.
        to: the kind of file, a name of ``TARGETS``.
        path: the file to write.
        force: write over files that are there.
        stress: measure the drawn-like accuracy of what the file holds, where drawings can be framed
            for it; it becomes the fact ``drawn_like``.

    Raises:
        UsageError: there is no such kind, a file is there already, or the name's ending is another
            kind's.
        ParityError: the file does not compute what the models compute, or rounding its weights
            costs too much.
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
    _check_ending(path, to, target)
    _check_free(path, beside, force)
    source = _measured(source, target, path, stress)
    with writing(path, _ADVICE):
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as partial:
            parity = _made(source, target, partial, path)
            source = source.with_facts(parity=parity.as_facts())
            if _made(source, target, partial, path) != parity:
                raise ParityError(f"{path}: the file gives other answers each time it is written")
            _check_free(path, beside, force)  # the check takes its time
    for file, content in beside.items():
        with writing(file, _ADVICE), whole(file) as partial:
            partial.write_bytes(content)
    return Exported(path, to, source.ensemble.facts, parity, tuple(beside))


def _measured(source: Source, target: Target, path: Path, stress: bool) -> Source:
    """Return a source with what is known of it before any file is made."""
    x, labels = source.dataset.test
    reference, expected = keras_answers(source)
    got = source.ensemble.probabilities(x)
    as_read = compare(got, expected, labels, "NumPy with the arrays read from the model", reference)
    check(as_read, path)
    source = source.with_facts(as_read=as_read.as_facts())
    source = source.with_facts(**target.measured(source))
    return _stressed(source, target) if stress else source


def _stressed(source: Source, target: Target) -> Source:
    """Return a source with the fact ``drawn_like``, which names the weights it is of."""
    held = replace(source, ensemble=target.held(source)).stressed().ensemble.facts
    if "drawn_like" not in held:
        return source
    kind = held.get("weights", {}).get("kind", "trained")
    return source.with_facts(drawn_like=held["drawn_like"] | {"weights": kind})


def _made(source: Source, target: Target, partial: Path, path: Path) -> Parity:
    """Write a file and check what it answers."""
    x, labels = source.dataset.test
    target.write(source, partial)
    reader, got = target.run(partial, x)
    reference, expected = target.reference(source)
    parity = compare(got, expected, labels, reader, reference)
    check(parity, path)
    return parity


def _check_ending(path: Path, to: str, target: Target) -> None:
    """Raise UsageError where a name says that the file is of another kind."""
    if path.suffix != target.suffix:
        raise UsageError(
            f"expected a name that ends in {target.suffix} for --to {to}, got {path.name}; "
            f"name it {path.with_suffix(target.suffix).name}"
        )


def _check_free(path: Path, beside: dict[Path, bytes], force: bool) -> None:
    """Raise UsageError where a file would be written over, but by the same content."""
    there = [path] if path.exists() else []
    there += [
        file
        for file, content in beside.items()
        if file.exists() and not (file.is_file() and file.read_bytes() == content)
    ]
    if there and not force:
        raise UsageError(
            f"expected new files to write, got files that are there: {', '.join(map(str, there))}; "
            "give another name with --output, or --force to write over them"
        )
