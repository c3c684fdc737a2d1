"""From a figure's entry and its material to bytes: for a light page, a dark page, and a paper."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image

from mlplab.report.figures.entry import FigureEntry

_WIDTH = 4.2  # inches: so narrow that its text is readable on a phone
_DOTS_PER_INCH = 200
_COLORS = 64
_MARGIN = 0.05  # inches


@dataclass(frozen=True)
class Theme:
    """Colours of what is not data: the page behind, text, and lines of the frame."""

    paper: str
    ink: str
    rule: str


LIGHT = Theme(paper="#ffffff", ink="#22262b", rule="#d4d8de")
DARK = Theme(paper="#1b1e23", ink="#e3e6ea", rule="#464c55")


@dataclass(frozen=True)
class Picture:
    """A figure as files: PNG for a light and a dark page, SVG (light) for other uses."""

    light: bytes
    dark: bytes
    svg: bytes


def picture(entry: FigureEntry, material: Mapping[str, Any]) -> Picture:
    """Draw a figure once and save it in each theme.

    Figures are made without pyplot: nothing global changes, so that threads may do this at once.
    They have no layout engine, which would make Matplotlib draw each twice: the layout is found
    once, for all three files.
    """
    pieces = [material[name] for name in entry.needs]
    height = entry.height(*pieces) if callable(entry.height) else entry.height
    figure = Figure(figsize=(_WIDTH, height), dpi=_DOTS_PER_INCH)
    entry.draw(*pieces, figure.subplots())
    ConstrainedLayoutEngine().execute(figure)
    box = _whole_pixels(figure.get_tightbbox().padded(_MARGIN))
    neutral = list(_neutral_texts(figure))
    _dress(figure, neutral, DARK)
    dark = _png(figure, box)
    _dress(figure, neutral, LIGHT)
    return Picture(_png(figure, box), dark, _svg(figure, box))


def _whole_pixels(box: Bbox) -> Bbox:
    """Return a box in inches, its sides whole numbers of pixels and a thousandth, which is cut off.

    Without it a side would come out one pixel short where rounding takes its product with the
    resolution below the whole number.
    """
    width, height = (np.ceil(box.size * _DOTS_PER_INCH) + 0.001) / _DOTS_PER_INCH
    return Bbox.from_bounds(box.x0, box.y0, width, height)


def _svg(figure: Figure, box: Bbox) -> bytes:
    stream = io.BytesIO()
    # no date inside: it would be the only thing that changes
    figure.savefig(stream, format="svg", bbox_inches=box, metadata={"Date": None})
    return stream.getvalue()


def _png(figure: Figure, box: Bbox) -> bytes:
    """Save as PNG in 64 colours: a third of the bytes, and no difference to see."""
    full, small = io.BytesIO(), io.BytesIO()
    figure.savefig(full, format="rgba", bbox_inches=box)
    width, height = (int(side * figure.dpi) for side in box.size)
    pixels = np.frombuffer(full.getbuffer(), dtype=np.uint8).reshape(height, width, 4)
    paper = np.rint(255 * np.array(figure.get_facecolor())).astype(np.uint8)
    _few_colors(pixels, paper).save(small, "PNG", dpi=(_DOTS_PER_INCH, _DOTS_PER_INCH))
    return small.getvalue()


def _few_colors(pixels: npt.NDArray[np.uint8], paper: npt.NDArray[np.uint8]) -> Image.Image:
    """Return pixels, (height, width, 4), as an image with a palette: the paper, and 63 of the rest.

    The paper is most of a figure, and leaving it out makes the choice of the others quick.
    """
    rest = (pixels != paper).any(axis=2)
    rest[0, 0] = True  # so that there is one
    inks = Image.fromarray(pixels[np.newaxis, rest, :3])
    inks = inks.quantize(_COLORS - 1, dither=Image.Dither.NONE)
    indices = np.zeros(rest.shape, dtype=np.uint8)
    indices[rest] = np.asarray(inks)[0] + 1
    image = Image.fromarray(indices, "P")
    image.putpalette([*paper[:3].tolist(), *(inks.getpalette() or [])])
    return image


def _neutral_texts(figure: Figure) -> Iterator[Text]:
    """Texts whose function left them in the default colour."""
    for text in figure.findobj(Text):
        if text.get_color() == mpl.rcParams["text.color"]:
            yield text


def _dress(figure: Figure, neutral: list[Text], theme: Theme) -> None:
    figure.set_facecolor(theme.paper)
    for text in neutral:
        text.set_color(theme.ink)
    for ax in figure.axes:
        _dress_axes(ax, theme)


def _dress_axes(ax: Axes, theme: Theme) -> None:
    ax.set_facecolor(theme.paper)
    ax.set_axisbelow(True)
    ax.tick_params(color=theme.rule, labelcolor=theme.ink, grid_color=theme.rule)
    for label in (ax.xaxis.label, ax.yaxis.label, ax.title):
        label.set_color(theme.ink)
    for side, spine in ax.spines.items():
        spine.set_edgecolor(theme.rule)
        spine.set_visible(spine.get_visible() and side not in ("top", "right"))
    legend = ax.get_legend()
    if legend is not None:
        legend.get_frame().set(facecolor=theme.paper, edgecolor=theme.rule)
        for text in legend.get_texts():
            text.set_color(theme.ink)
