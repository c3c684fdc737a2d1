"""The samples figure: what the examples of each class look like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mlplab.errors import DataError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = npt.NDArray[Any]


def sample_grid(
    images: Array,
    labels: Array,
    class_names: Sequence[str],
    ax: Axes,
    *,
    per_class: int = 10,
) -> Axes:
    """Draw the first examples of each class, one row a class.

    Args:
        images: shape (n, height, width), or (n, height, width, 1); dark is 0.
        labels: class indices, shape (n,).
        class_names: one name a class, the labels of the rows.
        ax: where to draw.
        per_class: how many examples of each class.

    Returns:
        ``ax``.

    Raises:
        DataError: if the examples are no images of one channel.

    Examples:
        >>> from matplotlib.figure import Figure
        >>> from mlplab import load
        >>> digits = load("digits")
        >>> ax = sample_grid(*digits.train, digits.class_names, Figure().subplots())
        >>> [label.get_text() for label in ax.get_yticklabels()][:3]
        ['0', '1', '2']
    """
    images = as_images(images)
    height, width = images.shape[1:]
    canvas = np.zeros((len(class_names) * (height + 1) - 1, per_class * (width + 1) - 1))
    for row in range(len(class_names)):
        for column, index in enumerate(np.flatnonzero(labels == row)[:per_class]):
            top, left = row * (height + 1), column * (width + 1)
            canvas[top : top + height, left : left + width] = images[index]
    ax.imshow(canvas, cmap="gray_r", interpolation="nearest")
    ax.set_yticks(np.arange(len(class_names)) * (height + 1) + (height - 1) / 2, class_names)
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


def as_images(x: Array) -> Array:
    """Return examples as (n, height, width).

    Raises:
        DataError: if they have another shape than (height, width) or (height, width, 1).
    """
    if x.ndim == 4 and x.shape[-1] == 1:
        return x[..., 0]
    if x.ndim == 3:
        return x
    raise DataError(
        f"examples of shape {x.shape[1:]} are no images: expected (height, width) or "
        "(height, width, 1)"
    )
