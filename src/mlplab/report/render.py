"""From a figure's entry and its material to bytes: for a light page, a dark page, and a paper."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
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
    """
    pieces = [material[name] for name in entry.needs]
    height = entry.height(*pieces) if callable(entry.height) else entry.height
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    entry.draw(*pieces, figure.subplots())
    figure.draw_without_rendering()  # lays out once for all three files
    figure.set_layout_engine("none")
    box = figure.get_tightbbox().padded(_MARGIN)
    neutral = list(_neutral_texts(figure))
    _dress(figure, neutral, DARK)
    dark = _png(figure, box)
    _dress(figure, neutral, LIGHT)
    return Picture(_png(figure, box), dark, _svg(figure, box))


def _svg(figure: Figure, box: Bbox) -> bytes:
    stream = io.BytesIO()
    # no date inside: it would be the only thing that changes
    figure.savefig(stream, format="svg", bbox_inches=box, metadata={"Date": None})
    return stream.getvalue()


def _png(figure: Figure, box: Bbox) -> bytes:
    """Save as PNG in 64 colours: a third of the bytes, and no difference to see."""
    full, small = io.BytesIO(), io.BytesIO()
    quickly = {"compress_level": 1}
    figure.savefig(full, format="png", dpi=_DOTS_PER_INCH, bbox_inches=box, pil_kwargs=quickly)
    with Image.open(full) as image:
        palette = image.convert("RGB").quantize(_COLORS, dither=Image.Dither.NONE)
        palette.save(small, "PNG", optimize=True, dpi=(_DOTS_PER_INCH, _DOTS_PER_INCH))
    return small.getvalue()


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
