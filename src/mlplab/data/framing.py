"""Framing: any picture of one digit, brought to the frame MNIST's digits stand in.

MNIST's authors cropped each digit to its ink, scaled it into a box of 20 x 20 pixels with its
aspect kept, and placed it in a field of 28 x 28 pixels with its centre of mass at the centre
(http://yann.lecun.com/exdb/mnist/). A network trained on such digits misreads a drawing that is
small, off-centre or dark on light, however well it is drawn.

The steps, in the order they run: ``_read`` (file to picture), ``_colours`` (picture to an array of
colours), ``_ink`` (ink from paper), ``_clean`` (ink from noise), ``_fit`` (crop and scale) and
``_place`` (centre of mass).
"""

from __future__ import annotations

import io
import struct
import threading
import warnings
import zlib
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps
from scipy import ndimage

from mlplab.errors import DataError

FIELD = 28
"""Side of the field, in pixels."""

BOX = 20
"""Side of the box that the ink is scaled into, in pixels."""

Array = npt.NDArray[Any]
Float = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Box = tuple[slice, slice]

_WARNINGS = threading.Lock()  # the filters of warnings belong to the whole process
_FORMATS = ("PNG", "JPEG")
_WORKING_SIDE = 560  # larger pictures are shrunk to this first: 20 x 28, ample for a 28-pixel field
_EDGE_POINTS = 1000  # pixels of the edge that the paper's colour is fitted to, at least
_CONTRAST = 8.0  # grey levels out of 255 between paper and ink, below which nothing was drawn
_NOISE = 6.0  # how many deviations of the paper the darkest ink must stand out by
_FAINT = 0.1  # share of full ink below which it is no stroke's edge: JPEG's ripples are fainter
_FAINT_LARGE = 0.25  # the same where edges are sharp, so that the lines of ruled paper go too
_SPECK = 0.02  # share of the largest stroke's area below which a separate blot is a speck
_THIN = 1.5  # strokes narrower than this in the frame are thickened to it; MNIST's are wider
_WIDEST = 0.35  # share of the longer side that no stroke is as wide as, but a shadow is


def frame(
    image: str | PathLike[str] | Image.Image | Array, name: str = "image"
) -> npt.NDArray[np.uint8]:
    """Bring a picture of one digit to MNIST's frame.

    The ink may be darker or lighter than the paper, or of another colour: what the edge of the
    picture shows is taken for paper. A transparent background, a gradient or soft shadow on the
    paper and faint noise are removed; the soft edges of strokes are kept. Strokes thinner than any
    in MNIST are thickened. The rotation that a camera notes in a JPEG is applied.

    Args:
        image: path of a PNG or JPEG file; or a Pillow image; or an array of shape (height, width),
            (height, width, 1), (height, width, 3) or, for uint8 alone, (height, width, 4), with
            values in 0..255 (integers), 0..65535 (uint16) or 0..1 (floating).
        name: what to call an image that is no file, in messages.

    Returns:
        The digit, shape (28, 28), uint8: 0 is paper and 255 is ink, as in MNIST.

    Raises:
        DataError: the file cannot be read, or no digit stands out in the picture.

    Examples:
        >>> import numpy as np
        >>> paper = np.full((100, 300), 230, np.uint8)
        >>> paper[20:80, 40:50] = 30  # a one, left of the middle
        >>> digit = frame(paper)
        >>> rows, columns = np.nonzero(digit)
        >>> np.ptp(rows) + 1, np.ptp(columns) + 1
        (np.int64(20), np.int64(3))
        >>> columns.mean()
        np.float64(14.0)
    """
    name, picture = _read(image, name)
    ink = _clean(_ink(_colours(picture), name), name)
    return _place(_fit(ink))


def decode(content: bytes, name: str, max_pixels: int) -> Image.Image:
    """Decode a PNG or JPEG file whose bytes came from elsewhere.

    Args:
        content: the bytes of the file.
        name: what to call it in messages.
        max_pixels: how many pixels its header may announce; more are refused undecoded.

    Raises:
        DataError: it is no PNG or JPEG, is damaged, or has too many pixels.

    Examples:
        >>> import io
        >>> file = io.BytesIO()
        >>> Image.new("L", (40, 30)).save(file, "PNG")
        >>> decode(file.getvalue(), "upload", 1200).size
        (40, 30)
    """
    if not content:
        raise DataError(f"{name}: expected a PNG or JPEG file, got an empty one")
    return _decoded(name, io.BytesIO(content), max_pixels)


def _read(image: str | PathLike[str] | Image.Image | Array, name: str) -> tuple[str, Image.Image]:
    """Return what to call the picture in messages, and the picture, loaded and upright."""
    if isinstance(image, Image.Image):
        picture = image
    elif isinstance(image, np.ndarray):
        picture = _from_array(image)
    else:
        name, picture = str(image), _open(Path(image))
    if 0 in picture.size:
        raise DataError(f"{name}: expected a picture, got one of {_size(picture)} pixels")
    return name, _shrunk(_turned(picture))


def _turned(picture: Image.Image) -> Image.Image:
    """Return the picture upright, or as it is where the note that tells its rotation is damaged."""
    try:
        return ImageOps.exif_transpose(picture)
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error):
        return picture


def _open(path: Path) -> Image.Image:
    """Read a PNG or JPEG file whole; Pillow would leave the pixels for later."""
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no such file"
        raise DataError(f"{path}: expected a PNG or JPEG file, got {what}")
    if path.stat().st_size == 0:
        raise DataError(f"{path}: expected a PNG or JPEG file, got an empty one")
    try:
        with path.open("rb") as stream:
            return _decoded(str(path), stream)
    except PermissionError:
        raise DataError(f"{path}: expected a file that can be read, got no permission") from None


def _decoded(name: str, stream: BinaryIO, max_pixels: int | None = None) -> Image.Image:
    most = max_pixels or Image.MAX_IMAGE_PIXELS or 0
    too_many = DataError(
        f"{name}: expected at most {most:,} pixels, got more; shrink the picture first"
    )
    try:
        with _WARNINGS, warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(stream, formats=_FORMATS)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise too_many from None
    except (OSError, SyntaxError, ValueError):
        raise DataError(
            f"{name}: expected a PNG or JPEG file, got something else; save the picture as PNG"
        ) from None
    if most and picture.width * picture.height > most:
        raise too_many
    try:
        picture.load()
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error):
        raise DataError(
            f"{name}: expected a whole {picture.format} file, got a truncated or damaged one; "
            "save or copy it again"
        ) from None
    return picture


def _from_array(array: Array) -> Image.Image:
    """Turn an array into a Pillow image of 8 bits a channel."""
    squeezed = array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
    channels = (3, 4) if array.dtype == np.uint8 else (3,)
    if squeezed.ndim != 2 and not (squeezed.ndim == 3 and squeezed.shape[2] in channels):
        raise DataError(
            "image: expected an array of shape (height, width), (height, width, 1), "
            "(height, width, 3) or, for uint8, (height, width, 4), "
            f"got {array.shape} of {array.dtype}"
        )
    if 0 in squeezed.shape:
        raise DataError(f"image: expected a picture, got an array of shape {array.shape}")
    top = 1.0 if array.dtype.kind in "fb" else 65535.0 if array.dtype == np.uint16 else 255.0
    values = np.asarray(squeezed, np.float64)
    if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= top):
        raise DataError(
            f"image: expected values in 0..{top:g} for {array.dtype}, "
            f"got {values.min():g}..{values.max():g}"
        )
    return Image.fromarray(np.rint(values * (255 / top)).astype(np.uint8))


def _size(picture: Image.Image) -> str:
    return f"{picture.width} x {picture.height}"


def _shrunk(picture: Image.Image) -> Image.Image:
    """Return the picture in RGBA, its longer side at most ``_WORKING_SIDE`` pixels."""
    deep = picture.mode.startswith("I") or picture.mode == "F"  # 16 bits: Pillow would clip them
    picture = picture.convert("RGBA" if not deep else "F" if picture.mode == "F" else "I")
    scale = _WORKING_SIDE / max(picture.size)
    if scale < 1:
        width, height = (max(1, round(side * scale)) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.BOX)
    if deep:  # only now that it is small: it takes several copies
        picture = _from_array(np.asarray(picture).clip(0, 65535).astype(np.uint16)).convert("RGBA")
    return picture


def _colours(picture: Image.Image) -> Float:
    """Return colours, shape (height, width, 3), with what is transparent made paper.

    Where everything visible has one brightness, the digit was drawn on a transparent sheet: the
    sheet becomes white or black, whichever is further from the ink. Otherwise the picture is an
    opaque patch with a transparent margin, and the margin takes the patch's commonest colour.
    """
    rgba = np.asarray(picture, np.float64)
    colours, alpha = rgba[..., :3], rgba[..., 3:] / 255
    visible = alpha[..., 0] > 0.5
    if alpha.min() == 1 or not visible.any():
        return colours * alpha
    seen = colours[visible]
    if seen.mean(axis=1).std() < 32:
        paper = np.full(3, 255.0 if seen.mean() < 128 else 0.0)
    else:
        paper = np.median(seen, axis=0)
    return colours * alpha + paper * (1 - alpha)


def _ink(colours: Float, name: str) -> Float:
    """Separate ink from paper: shape (height, width), paper near 0, ink positive.

    1. The paper's colour is a smooth surface through the edge of the picture.
    2. The ink's colour is the mean of what differs most from it; every pixel is measured along the
       line from paper to ink, which settles the polarity.
    3. What is wider than any stroke (a shadow, a lamp's glow) is subtracted.
    """
    edge = _edge(colours.shape[:2])
    difference = colours - _paper(colours, edge)
    distance = np.linalg.norm(difference, axis=2) / np.sqrt(3)  # grey levels, for greys
    farthest = distance.max()
    if farthest < _CONTRAST:
        raise _nothing_drawn(name)
    direction = difference[distance > 0.7 * farthest].mean(axis=0)
    along = difference @ (direction / np.linalg.norm(direction)) / np.sqrt(3)
    window = 2 * int(_WIDEST * max(along.shape) / 2) + 1
    raised = along - ndimage.grey_opening(along, size=(window, window))
    return np.asarray(raised - np.median(raised[edge]))


def _edge(shape: tuple[int, ...]) -> Mask:
    """Mark a narrow ring along the edge of the picture, which is taken for paper."""
    height, width = shape
    ring = max(1, round(0.03 * min(height, width)))
    edge = np.ones((height, width), bool)
    edge[ring : height - ring, ring : width - ring] = False
    return edge


def _paper(colours: Float, edge: Mask) -> Float:
    """Fit a quadratic surface a channel to the edge, leaving out ink that touches it."""
    height, width, _ = colours.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    terms = np.stack([np.ones_like(x), x, y, x * y, x**2, y**2], axis=-1)
    every = max(1, np.count_nonzero(edge) // _EDGE_POINTS)
    points, values = terms[edge][::every], colours[edge][::every]
    error = np.linalg.norm(values - np.median(values, axis=0), axis=1)
    for _ in range(4):
        keep = error <= max(1.0, 3 * np.median(error))
        surface = np.linalg.lstsq(points[keep], values[keep], rcond=None)[0]
        error = np.linalg.norm(values - points @ surface, axis=1)
    return np.asarray(terms @ surface)


def _clean(ink: Float, name: str) -> Float:
    """Remove noise, specks and frames, and scale full ink to 1; soft edges stay as they are."""
    strongest = ink.max()
    full = np.quantile(ink[ink > 0.5 * strongest], 0.99) if strongest > 0 else 0.0
    paper = ink[ink < 0.5 * strongest]
    noise = 1.4826 * np.median(np.abs(paper - np.median(paper))) if paper.size else 0.0
    if full < max(_CONTRAST, _NOISE * noise):
        raise _nothing_drawn(name)
    ink = np.clip(ink / full, 0, 1)
    faint = _FAINT if max(ink.shape) <= 2 * FIELD else _FAINT_LARGE
    return np.where(_strokes(ink, max(3.5 * noise / full, faint)), ink, 0)


def _strokes(ink: Float, floor: float) -> Mask:
    """Mark the connected blots of ink above ``floor`` that are strokes of the digit."""
    labels, n_blots = ndimage.label(ink > floor, structure=np.ones((3, 3)))
    blots = np.arange(1, n_blots + 1)
    area = ndimage.sum_labels(ink, labels, blots)
    dark = ndimage.maximum(ink, labels, blots) > 0.5
    large = dark & (area > _SPECK * area[dark].max())
    strokes = np.flatnonzero(large)
    boxes = ndimage.find_objects(labels)
    outer = max(strokes, key=lambda i: _extent(boxes[i]))
    if any(_encloses(boxes[outer], boxes[i]) and area[i] > 0.1 * area[outer] for i in strokes):
        large[outer] = False
    return np.isin(labels, blots[large])


def _extent(box: Box) -> int:
    """Return the area of a box, in pixels."""
    rows, columns = box
    return int((rows.stop - rows.start) * (columns.stop - columns.start))


def _encloses(outer: Box, inner: Box) -> bool:
    """Say whether one box lies inside another with room on all four sides: a drawn frame."""
    return all(o.start < i.start and i.stop < o.stop for o, i in zip(outer, inner, strict=True))


def _nothing_drawn(name: str) -> DataError:
    return DataError(
        f"{name}: expected a digit that stands out from its paper, got a blank picture; "
        "draw darker, or crop closer to the digit"
    )


def _fit(ink: Float) -> Float:
    """Crop to the ink and scale the longer side to 20 pixels: averaging areas when shrinking."""
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    cropped = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    longer = max(cropped.shape)
    if longer == BOX:
        return cropped
    method = Image.Resampling.BOX if longer > BOX else Image.Resampling.BICUBIC
    height, width = (max(1, round(side * BOX / longer)) for side in cropped.shape)
    picture = Image.fromarray(_thickened(cropped).astype(np.float32))
    scaled = np.asarray(picture.resize((width, height), method), np.float64).clip(0, None)
    return np.asarray(scaled / scaled.max())


def _thickened(ink: Float) -> Float:
    """Widen strokes that would vanish when shrunk; the mean distance to an edge is width / 4."""
    pixel = max(ink.shape) / BOX  # one pixel of the frame, in pixels of the picture
    mask = np.pad(ink > 0.5, 1)
    width = 4 * ndimage.distance_transform_edt(mask)[mask].mean() - 1
    radius = round((_THIN * pixel - width) / 2)
    if radius < 1:
        return ink
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disc = x**2 + y**2 <= radius**2
    return np.asarray(ndimage.grey_dilation(np.pad(ink, radius), footprint=disc))


def _place(digit: Float) -> npt.NDArray[np.uint8]:
    """Put the digit into the field with its centre of mass at the centre."""
    field = np.zeros((FIELD, FIELD), np.uint8)
    centre = ndimage.center_of_mass(digit)
    top, left = (
        int(np.clip(round(FIELD / 2 - c), 0, FIELD - side))
        for c, side in zip(centre, digit.shape, strict=True)
    )
    field[top : top + digit.shape[0], left : left + digit.shape[1]] = np.rint(255 * digit)
    return field
