"""Drawn-like digits: test images changed as hands, pens and cameras change them.

A network is trained on digits that all stand in MNIST's frame, in strokes of one width. What it
will be shown stands elsewhere, leans, and comes from another pen. Each kind of change is a function
of images and random numbers, with a name; ``drawn_like`` makes a copy of the images for each kind.
Sizes are in units of 1/28 of the picture's side, a pixel of MNIST.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from mlplab.errors import DataError, did_you_mean

Images = npt.NDArray[np.uint8]
Float = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]

_SIDE = 28


def _thicker(images: Float, rng: np.random.Generator) -> Float:
    """Widen strokes by a pixel on each side."""
    cross = ndimage.generate_binary_structure(2, 1)[np.newaxis]
    return np.asarray(ndimage.grey_dilation(images, footprint=cross))


def _thinner(images: Float, rng: np.random.Generator) -> Float:
    """Take a pixel off the width of strokes, on one side."""
    return np.asarray(ndimage.grey_erosion(images, size=(1, 2, 2)))


def _slanted(images: Float, rng: np.random.Generator) -> Float:
    """Lean the digit by 10 to 30 degrees, to either side."""
    lean = np.tan(np.radians(_either_sign(rng, 10, 30, len(images))))
    return _transformed(images, [[1, 0], [lean, 1]])


def _turned(images: Float, rng: np.random.Generator) -> Float:
    """Turn the digit by 10 to 25 degrees, either way."""
    angle = np.radians(_either_sign(rng, 10, 25, len(images)))
    cos, sin = np.cos(angle), np.sin(angle)
    return _transformed(images, [[cos, -sin], [sin, cos]])


def _wobbly(images: Float, rng: np.random.Generator) -> Float:
    """Move each point by a smooth random field, of 1 pixel in the root of the mean square."""
    n, height, width = images.shape
    fields = ndimage.gaussian_filter(rng.normal(size=(n, 2, height, width)), sigma=(0, 0, 4, 4))
    fields *= _pixels(images) / np.sqrt((fields**2).mean(axis=(1, 2, 3), keepdims=True))
    grid = np.mgrid[:height, :width].astype(float)
    moved = [
        ndimage.map_coordinates(image, grid + field, order=1)
        for image, field in zip(images, fields, strict=True)
    ]
    return np.asarray(moved)


def _shifted(images: Float, rng: np.random.Generator) -> Float:
    """Move the digit by 2 to 4 pixels in each direction."""
    return _transformed(images, np.eye(2), _either_sign(rng, 2, 4, (2, len(images))))


def _scaled(images: Float, rng: np.random.Generator) -> Float:
    """Make the digit 0.6 to 1.3 times as large."""
    factor = rng.uniform(0.6, 1.3, len(images))
    return _transformed(images, [[1 / factor, 0], [0, 1 / factor]])


def _off_centre(images: Float, rng: np.random.Generator) -> Float:
    """Make the digit 0.5 to 0.8 times as large and put it anywhere in the picture."""
    factor = rng.uniform(0.5, 0.8, len(images))
    reach = _SIDE / 2 - 12 * factor
    shift = rng.uniform(-1, 1, (2, len(images))) * reach
    return _transformed(images, [[1 / factor, 0], [0, 1 / factor]], shift)


def _noisy(images: Float, rng: np.random.Generator) -> Float:
    """Add noise with a standard deviation of 30 grey levels."""
    return images + rng.normal(0, 30, images.shape).astype(np.float32)


def _inverted(images: Float, rng: np.random.Generator) -> Float:
    """Show dark ink on light paper."""
    return 255 - images


Change = Callable[[Float, np.random.Generator], Float]

KINDS: dict[str, Change] = {
    "thicker": _thicker,
    "thinner": _thinner,
    "slanted": _slanted,
    "turned": _turned,
    "wobbly": _wobbly,
    "shifted": _shifted,
    "scaled": _scaled,
    "off-centre": _off_centre,
    "noisy": _noisy,
    "inverted": _inverted,
}
"""Kind -> what it does to images, float32 of shape (n, height, width), 0 to 255."""


def drawn_like(images: Images, seed: int = 0) -> dict[str, Images]:
    """Return one changed copy of images for each kind.

    Args:
        images: pictures of digits, light ink on dark paper, uint8, shape (n, height, width) or
            (n, height, width, 1).
        seed: fixes the changes: the same seed and images give the same copies.

    Raises:
        DataError: the images are none.

    Examples:
        >>> ones = np.zeros((2, 28, 28), np.uint8)
        >>> ones[:, 4:24, 13:15] = 255
        >>> copies = drawn_like(ones)
        >>> list(copies)[:3], copies["inverted"][0, 0, 0]
        (['thicker', 'thinner', 'slanted'], np.uint8(255))
        >>> [int((copies[kind][0] > 127).sum()) for kind in ("thicker", "thinner")]
        [84, 19]
    """
    return {name: changed(images, name, _rng(seed, name)) for name in KINDS}


def changed(images: Images, kind: str, rng: np.random.Generator) -> Images:
    """Return images changed in one way.

    Args:
        images: as for ``drawn_like``.
        kind: a name of ``KINDS``.
        rng: where the random numbers come from.

    Raises:
        DataError: the images are none, or there is no such kind.
    """
    check_kinds([kind])
    if not can_change(images):
        raise DataError(
            "expected grey pictures, uint8 of shape (n, height, width) or (n, height, width, 1), "
            f"got {images.dtype} of shape {images.shape}"
        )
    grey = images.reshape(images.shape[:3]).astype(np.float32)
    return np.rint(KINDS[kind](grey, rng)).clip(0, 255).astype(np.uint8).reshape(images.shape)


def can_change(images: npt.NDArray[Any]) -> bool:
    """Whether these are grey pictures of bytes."""
    shape = images.shape
    return images.dtype == np.uint8 and (len(shape) == 3 or (len(shape) == 4 and shape[3] == 1))


def check_kinds(kinds: Sequence[str]) -> None:
    """Raise DataError where there is no change of a name."""
    for kind in kinds:
        if kind not in KINDS:
            raise DataError(
                f"expected changes out of {', '.join(KINDS)}, got {kind!r}"
                f"{did_you_mean(str(kind), KINDS)}"
            )


def _rng(seed: int, kind: str) -> np.random.Generator:
    """Return a generator that is the kind's own: more kinds change none of the others."""
    return np.random.default_rng([seed, *kind.encode()])


def _either_sign(
    rng: np.random.Generator, low: float, high: float, size: int | tuple[int, int]
) -> Numbers:
    return np.asarray(rng.uniform(low, high, size) * rng.choice([-1, 1], size))


def _pixels(images: Float) -> float:
    """Return how many pixels of these images a pixel of MNIST is."""
    return int(images.shape[1]) / _SIDE


def _transformed(images: Float, matrix: Any, shift: Any = ((0,), (0,))) -> Float:
    """Map the points of each picture around its middle, linearly between pixels.

    Args:
        images: (n, height, width).
        matrix: 2 x 2, of numbers or of arrays of shape (n,): from a point of the result (row,
            column) to the point of the picture it shows.
        shift: how far the digit moves, (2, n), rows and columns.
    """
    n = len(images)
    matrices = np.moveaxis(
        np.array([[np.broadcast_to(x, n) for x in row] for row in matrix], float), 2, 0
    )
    shifts = np.broadcast_to(np.asarray(shift, float), (2, n)).T * _pixels(images)
    middle = (np.array(images.shape[1:]) - 1) / 2
    moved = [
        ndimage.affine_transform(image, m, middle - m @ (middle + s), order=1)
        for image, m, s in zip(images, matrices, shifts, strict=True)
    ]
    return np.asarray(moved).reshape(images.shape)
