"""Figures made of small pictures: digits the networks misread, weights of the first layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from mlplab.report.figures.palette import ORANGE, SIGNED, literal
from mlplab.report.figures.samples import sample_grid

_COLUMNS = 5
_CAPTION = 0.62  # height of a picture's two lines of text, in pictures


class Gallery(NamedTuple):
    """Pictures with their captions.

    Attributes:
        images: shape (n, height, width) or (n, height, width, 3).
        captions: the lines under each picture.
        marked: whether each picture gets a dashed frame.
    """

    images: npt.NDArray[np.generic]
    captions: Sequence[str]
    marked: Sequence[bool]


def picture_gallery(gallery: Gallery, ax: Axes) -> Axes:
    """Draw pictures in rows of five, each over its caption, some in a dashed frame.

    Examples:
        >>> from matplotlib.figure import Figure
        >>> gallery = Gallery(np.zeros((2, 8, 8)), ["3 read as 5", "1 read as 7"], [False, True])
        >>> ax = picture_gallery(gallery, Figure().subplots())
        >>> len(ax.images), len(ax.patches)
        (2, 1)
    """
    low, high = float(gallery.images.min()), float(gallery.images.max())
    for place, image in enumerate(gallery.images):
        row, column = divmod(place, _COLUMNS)
        x, y = column * 1.12, row * (1 + _CAPTION)
        ax.imshow(image, cmap="gray", vmin=low, vmax=high, extent=(x, x + 1, y + 1, y))
        ax.text(
            x + 0.5, y + 1.04, literal(gallery.captions[place]),
            ha="center", va="top", fontsize=8, linespacing=1.15,
        )  # fmt: skip
        if gallery.marked[place]:
            ax.add_patch(
                Rectangle((x, y), 1, 1, fill=False, edgecolor=ORANGE, linestyle="--", linewidth=2)
            )
    n_rows = math.ceil(len(gallery.images) / _COLUMNS)
    return _frame(_COLUMNS * 1.12 - 0.12, n_rows * (1 + _CAPTION), ax)


def picture_pairs(pairs: npt.NDArray[np.generic], names: Sequence[str], ax: Axes) -> Axes:
    """Draw pairs of pictures, one over the other, in rows of six, each under its name.

    Args:
        pairs: shape (n_pairs, 2, height, width).
        names: one a pair.
        ax: where to draw.

    Examples:
        >>> from matplotlib.figure import Figure
        >>> ax = picture_pairs(np.zeros((3, 2, 8, 8)), ["a", "b", "c"], Figure().subplots())
        >>> len(ax.images), [text.get_text() for text in ax.texts]
        (6, ['a', 'b', 'c'])
    """
    low, high = float(pairs.min()), float(pairs.max())
    room, columns = 0.4, 6
    for place, (pair, name) in enumerate(zip(pairs, names, strict=True)):
        row, column = divmod(place, columns)
        x, y = column * 1.08, row * (2.16 + room) + room
        for below, picture in enumerate(pair):
            top = y + 1.04 * below
            ax.imshow(picture, cmap="gray", vmin=low, vmax=high, extent=(x, x + 1, top + 1, top))
            ax.add_patch(Rectangle((x, top), 1, 1, fill=False, edgecolor="gray", linewidth=0.5))
        ax.text(x + 0.5, y - 0.06, literal(name), ha="center", va="bottom", fontsize=8)
    n_rows = math.ceil(len(pairs) / columns)
    return _frame(columns * 1.08 - 0.08, n_rows * (2.16 + room), ax)


def samples_on_black(
    images: npt.NDArray[Any], labels: npt.NDArray[Any], class_names: Sequence[str], ax: Axes
) -> Axes:
    """Draw the first ten examples of each class as they are stored: 0 is black.

    Args:
        images: shape (n, height, width), or (n, height, width, 1).
        labels: class indices, shape (n,).
        class_names: one a class.
        ax: where to draw.
    """
    sample_grid(images, labels, class_names, ax)
    for image in ax.images:
        image.set_cmap("gray")
    return ax


def first_layer(
    kernel: npt.NDArray[np.float32], image_shape: tuple[int, ...], names: Sequence[str], ax: Axes
) -> Axes:
    """Draw the weights of each unit of a first layer as a picture of its inputs.

    Blue weights are positive, orange negative; the paper shows through where they are near zero.

    Args:
        kernel: shape (fan_in, n_units), with fan_in = the product of ``image_shape``.
        image_shape: shape of an example: (height, width) or (height, width, 1).
        names: what to write over each picture; empty to write nothing.
        ax: where to draw.
    """
    n_units = kernel.shape[1]
    n_columns = 5 if n_units <= 10 else 8
    room = 0.3 if names else 0.0
    limit = float(np.quantile(np.abs(kernel), 0.995)) or 1.0
    for unit in range(n_units):
        row, column = divmod(unit, n_columns)
        x, y = column * 1.08, row * (1.08 + room) + room
        weights = kernel[:, unit].reshape(image_shape[:2])
        extent = (x, x + 1, y + 1, y)
        image = ax.imshow(weights, cmap=SIGNED, vmin=-limit, vmax=limit, extent=extent)
        ax.add_patch(Rectangle((x, y), 1, 1, fill=False, edgecolor="gray", linewidth=0.5))
        if names:
            ax.text(x + 0.5, y - 0.05, literal(names[unit]), ha="center", va="bottom", fontsize=8)
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.6, pad=0.03, aspect=25, use_gridspec=False)
    bar.set_label("weight")
    n_rows = math.ceil(n_units / n_columns)
    return _frame(n_columns * 1.08 - 0.08, n_rows * (1.08 + room), ax)


def _frame(width: float, height: float, ax: Axes) -> Axes:
    ax.set_xlim(-0.04, width + 0.04)
    ax.set_ylim(height, -0.04)
    ax.set_aspect("equal")
    ax.set_axis_off()
    return ax
