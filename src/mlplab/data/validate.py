"""What arrays must be to form a dataset. Each check returns its problems as sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mlplab.errors import DataError

Array = npt.NDArray[Any]


def raise_all(problems: Sequence[str], where: str) -> None:
    """Raise one DataError that lists every problem, or nothing if there is none."""
    if len(problems) == 1:
        raise DataError(f"{where}: {problems[0]}")
    if problems:
        raise DataError("\n  ".join([f"{where}:", *problems]))


def split_problems(
    name: str, x: Array, y: Array, class_names: Sequence[str], feature_names: Sequence[str] = ()
) -> list[str]:
    """What is wrong with one split of a dataset.

    Args:
        name: the split's name, for the sentences.
        x: features, shape (n, ...).
        y: class indices, shape (n,).
        class_names: one name a class.
        feature_names: the columns of ``x``, where it has any.

    Examples:
        >>> split_problems("train", np.ones((2, 3)), np.array([0, 2]), ["a", "b"])
        ['train: 1 label is outside the classes 0..1; the first is 2 at index 1']
    """
    problems = array_problems(name, x, y, feature_names)
    if len(x) == 0 or len(y) == 0 or label_problems(name, y):
        return problems
    if y.dtype.kind == "f":
        problems.append(f"{name}: labels must have an integer type, got {y.dtype}: use astype(int)")
    else:
        problems += _outside(name, y, len(class_names)) or _missing_classes(name, y, class_names)
    return problems


def array_problems(name: str, x: Array, y: Array, feature_names: Sequence[str] = ()) -> list[str]:
    """What is wrong with features and labels whose classes are not known yet.

    Examples:
        >>> array_problems("data", np.ones((2, 3)), np.array([0, 1, 0]))
        ['data: x has 2 examples, y has 3 labels: they must be as many']
    """
    if x.ndim == 0 or y.ndim == 0:
        return [f"{name}: x and y must be arrays with a row an example, got a single number"]
    if len(x) == 0 or len(y) == 0:
        return [f"{name} is empty: it has {len(x)} examples and {len(y)} labels"]
    return [
        *_length_problems(name, x, y),
        *feature_problems(name, x, feature_names),
        *label_problems(name, y),
    ]


def _length_problems(name: str, x: Array, y: Array) -> list[str]:
    if len(x) == len(y):
        return []
    return [f"{name}: x has {len(x)} examples, y has {len(y)} labels: they must be as many"]


def feature_problems(name: str, x: Array, feature_names: Sequence[str] = ()) -> list[str]:
    """Whether the features are numbers, and finite.

    Examples:
        >>> feature_problems("train", np.array([[1.0, np.nan]]), ["height", "width"])
        ["train: 1 feature is NaN; the first is at index (0, 1), column 'width'"]
    """
    if x.ndim < 2:
        return [f"{name}: features must have shape (n, ...), got {x.shape}"]
    if x.dtype.kind not in "uif":
        return [f"{name}: features must be numbers, got {x.dtype}"]
    if x.dtype.kind != "f" or np.isfinite(x).all():
        return []
    return [
        _not_finite(name, kind, mask, feature_names)
        for kind, mask in (("NaN", np.isnan(x)), ("infinite", np.isinf(x)))
        if mask.any()
    ]


def _not_finite(name: str, kind: str, mask: Array, feature_names: Sequence[str]) -> str:
    place = tuple(int(i) for i in np.unravel_index(int(np.argmax(mask)), mask.shape))
    return not_finite(name, kind, int(mask.sum()), place, feature_names)


def not_finite(
    name: str, kind: str, count: int, place: tuple[int, ...], feature_names: Sequence[str]
) -> str:
    """Say how many features are of a kind that cannot be used, and where the first is."""
    column = f", column {feature_names[place[1]]!r}" if feature_names else ""
    return (
        f"{name}: {count} {_plural('feature', count)} {kind}; the first is at index {place}{column}"
    )


def label_problems(name: str, y: Array) -> list[str]:
    """Whether the labels are integers, one an example.

    Examples:
        >>> label_problems("train", np.array([0.0, np.nan, 1.5]))
        ['train: 1 label is missing; the first is at index 1']
        >>> label_problems("train", np.array([0.0, 1.5]))
        ['train: 1 label is non-integer; the first is 1.5 at index 1']
    """
    if y.ndim != 1:
        return [f"{name}: labels must have shape (n,), got {y.shape}"]
    if y.dtype.kind in "ui":
        return []
    if y.dtype.kind != "f":
        return [f"{name}: labels must be integers, got {y.dtype}"]
    missing = np.isnan(y)
    if missing.any():
        return [missing_labels(name, int(missing.sum()), int(np.argmax(missing)))]
    return _first(name, y, y != np.floor(y), "non-integer") or _first(
        name, y, np.isinf(y), "not finite"
    )


def missing_labels(name: str, count: int, at: int) -> str:
    """Say how many labels are missing, and where the first is."""
    return f"{name}: {count} {_plural('label', count)} missing; the first is at index {at}"


def _outside(name: str, y: Array, n_classes: int) -> list[str]:
    return _first(name, y, (y < 0) | (y >= n_classes), f"outside the classes 0..{n_classes - 1}")


def _first(name: str, y: Array, bad: Array, what: str) -> list[str]:
    if not bad.any():
        return []
    at = int(np.argmax(bad))
    return [bad_labels(name, what, int(bad.sum()), y[at].item(), at)]


def bad_labels(name: str, what: str, count: int, first: float, at: int) -> str:
    """Say how many labels are of a kind that cannot be used, which is the first, and where."""
    return f"{name}: {count} {_plural('label', count)} {what}; the first is {first} at index {at}"


def _missing_classes(name: str, y: Array, class_names: Sequence[str]) -> list[str]:
    counts = np.bincount(y.astype(np.int64), minlength=len(class_names))
    absent = [class_names[i] for i in np.flatnonzero(counts == 0).tolist()]
    if not absent:
        return []
    shown = ", ".join(repr(label) for label in absent[:5]) + (", ..." if len(absent) > 5 else "")
    what = "class" if len(absent) == 1 else "classes"
    return [
        f"{name}: no example of {len(absent)} {what} ({shown}): "
        f"each of the {len(class_names)} classes must be in every split"
    ]


def _plural(noun: str, count: int) -> str:
    return f"{noun} is" if count == 1 else f"{noun}s are"
