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
from PIL import Image

from mlplab.report.figures.catalog import FigureEntry

_WIDTH = 4.2  # inches: so narrow that its text is readable on a phone
_DOTS_PER_INCH = 220
_COLORS = 64


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
    figure = Figure(figsize=(_WIDTH, entry.height), layout="constrained")
    entry.draw(*(material[name] for name in entry.needs), figure.subplots())
    figure.draw_without_rendering()  # lays out once for all three files
    figure.set_layout_engine("none")
    neutral = list(_neutral_texts(figure))
    _dress(figure, neutral, DARK)
    dark = _small_png(_saved(figure, "png"))
    _dress(figure, neutral, LIGHT)
    return Picture(_small_png(_saved(figure, "png")), dark, _saved(figure, "svg", Date=None))


def _saved(figure: Figure, suffix: str, **metadata: None) -> bytes:
    stream = io.BytesIO()
    figure.savefig(
        stream,
        format=suffix,
        dpi=_DOTS_PER_INCH,
        bbox_inches="tight",
        pad_inches=0.05,
        metadata=metadata,
    )
    return stream.getvalue()


def _small_png(png: bytes) -> bytes:
    """Reduce a PNG to 64 colours: a third of the bytes, and no difference to see."""
    stream = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        palette = image.convert("RGB").quantize(_COLORS, dither=Image.Dither.NONE)
        palette.save(stream, "PNG", optimize=True, dpi=(_DOTS_PER_INCH, _DOTS_PER_INCH))
    return stream.getvalue()


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
