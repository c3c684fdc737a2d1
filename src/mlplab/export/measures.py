"""Measures of a drawn digit: what can be said of it in numbers, and what is usual in a class.

The page measures a drawing by the same definitions (``assets/measures.js``) and says where it lies
outside the range of nine in ten training pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Picture = npt.NDArray[np.float64]

_SHARE = (0.05, 0.95)
_EIGHT = np.ones((3, 3))  # neighbours, the diagonal ones included


def _mask(picture: Picture) -> npt.NDArray[np.bool_]:
    """Mark what is at least half as dark as full ink, with a margin of paper."""
    return np.pad(picture > 0.5, 1)


def stroke_width(picture: Picture) -> float:
    """Return the mean width of the strokes, in pixels.

    Across a stroke of w pixels the distances to the nearest paper are 1, 2, ..., w / 2 and back;
    their mean is w / 4 + 1 / 2.
    """
    mask = _mask(picture)
    if not mask.any():
        return 0.0
    return float(4 * ndimage.distance_transform_edt(mask)[mask].mean() - 2)


def pieces(picture: Picture) -> float:
    """Return the number of separate strokes: blots of ink that do not touch."""
    return float(ndimage.label(_mask(picture), structure=_EIGHT)[1])


def loops(picture: Picture) -> float:
    """Return the number of closed loops: areas of paper with ink all around."""
    return float(ndimage.label(~_mask(picture))[1] - 1)


def lean(picture: Picture) -> float:
    """Return how far the digit leans, in degrees: positive to the right, as in italics.

    With moments about the centre of mass, y growing downwards::

        lean = atan(-sum(ink * dx * dy) / sum(ink * dy * dy))
    """
    if not picture.any():
        return 0.0
    y, x = np.indices(picture.shape)
    centre_y, centre_x = ndimage.center_of_mass(picture)
    dy, dx = y - centre_y, x - centre_x
    upright = np.sum(picture * dy * dy)
    return float(np.degrees(np.arctan(-np.sum(picture * dx * dy) / upright))) if upright else 0.0


def aspect(picture: Picture) -> float:
    """Return the width of the ink divided by its height."""
    rows, columns = np.nonzero(picture > 0.5)
    return float((np.ptp(columns) + 1) / (np.ptp(rows) + 1)) if len(rows) else 0.0


def darkness(picture: Picture) -> float:
    """Return how much of the field is inked, from 0 to 1."""
    return float(picture.mean())


MEASURES: dict[str, Callable[[Picture], float]] = {
    "stroke_width": stroke_width,
    "darkness": darkness,
    "aspect": aspect,
    "lean": lean,
    "pieces": pieces,
    "loops": loops,
}
"""Each takes a picture of ink, shape (height, width), 0 (paper) to 1, and returns a number."""


def measure(picture: Picture) -> dict[str, float]:
    """Return all measures of one picture.

    Args:
        picture: ink, shape (height, width), from 0 (paper) to 1.

    Examples:
        >>> ring = np.zeros((28, 28))
        >>> ring[4:24, 8:20] = 1
        >>> ring[7:21, 11:17] = 0
        >>> found = measure(ring)
        >>> round(found["stroke_width"], 1), found["aspect"], found["pieces"], found["loops"]
        (3.4, 0.6, 1.0, 1.0)
    """
    return {name: function(picture) for name, function in MEASURES.items()}


def usual_ranges(
    pictures: npt.NDArray[np.uint8], labels: npt.NDArray[Any], n_classes: int, n_each: int
) -> dict[str, list[list[float]]]:
    """Return between what numbers nine in ten pictures of each class lie.

    Args:
        pictures: ink from 0 to 255, shape (n, height, width), uint8.
        labels: shape (n,).
        n_classes: classes.
        n_each: how many pictures of a class are measured: its first ones.

    Returns:
        For each measure, a row a class: its 5 % and 95 % quantiles, both of them values that occur.
    """
    ranges: dict[str, list[list[float]]] = {name: [] for name in MEASURES}
    for label in range(n_classes):
        found = [measure(picture / 255) for picture in pictures[labels == label][:n_each]]
        for name, rows in ranges.items():
            values = [each[name] for each in found]
            low, high = np.quantile(values, _SHARE, method="inverted_cdf")
            rows.append([round(float(low), 4), round(float(high), 4)])
    return ranges
