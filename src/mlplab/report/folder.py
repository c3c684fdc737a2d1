"""The folder of a report: what may be written where, and writing it without halves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

from mlplab.errors import StorageError, UsageError
from mlplab.files import whole, writing

PAGE = "report.html"
ID_NAME = "mlplab-study"
"""Name of the page's ``<meta>`` that says which study it shows."""

_OWN = (PAGE, "figures", "tables")
_BEGINNING = 16_384  # characters in which a page's head must lie


def check_folder(folder: Path, study_id: str, force: bool) -> None:
    """Raise UsageError if a report would be written over anything but a report of the same study.

    Other files in the folder are no hindrance: a report leaves them alone.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"expected a folder for the report, got a file: {folder}; name a folder")
    there = [name for name in _OWN if (folder / name).exists()]
    if not there or force or study_id_of(folder / PAGE) == study_id:
        return
    raise UsageError(
        f"expected to write {folder / there[0]}, which is there already and belongs to no report "
        "of this study; name another folder, or use --force (force=True) to write over it"
    )


def written(folder: Path) -> list[Path]:
    """Return the files and folders of the report in a folder, which may hold others."""
    return [folder / name for name in _OWN if (folder / name).exists()]


def study_id_of(page: Path) -> str | None:
    """Return the id of the study that a page is a report of, or None where it is no report."""
    if not page.is_file():
        return None
    try:
        with page.open(encoding="utf-8", errors="replace") as stream:
            head = stream.read(_BEGINNING)
    except OSError as error:
        raise StorageError(f"cannot read {page}: {error.strerror}") from error
    finder = _IdFinder()
    finder.feed(head)
    return finder.found


class _IdFinder(HTMLParser):
    """Finds the content of the page's ``<meta name="mlplab-study">``."""

    found: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "meta" and attributes.get("name") == ID_NAME:
            self.found = attributes.get("content")


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files, each whole or not at all, in their order: the page comes last.

    Raises:
        StorageError: the disk is full, or the folder cannot be written.
    """
    for name, content in files.items():
        target = folder / name
        with writing(target, "name another folder"):
            target.parent.mkdir(parents=True, exist_ok=True)
            with whole(target) as partial:
                partial.write_bytes(content)


def file_names(labels: list[str]) -> dict[str, str]:
    """Return for each label a name that is safe in file names and in links, no two the same.

    Examples:
        >>> file_names(["relu-2", "../x", "..-x"])
        {'relu-2': 'relu-2', '../x': '_.-x', '..-x': '_.-x-2'}
    """
    names: dict[str, str] = {}
    for label in labels:
        name = re.sub(r"[^A-Za-z0-9._+@-]", "-", label)
        name = re.sub(r"^[.-]", "_", name) or "_"
        taken = [
            other
            for other in names.values()
            if re.sub(r"-\d+$", "", other) == name or other == name
        ]
        names[label] = name if name not in names.values() else f"{name}-{len(taken) + 1}"
    return names
