"""What the catalogs hold: a figure with its words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.axes import Axes


@dataclass(frozen=True)
class FigureEntry:
    """A figure of the report.

    Attributes:
        draw: the function; it takes the pieces of material named in ``needs``, then an Axes.
        needs: names of material. Where one is missing the figure is left out.
        title: what stands over it.
        alt: what it shows, for who cannot see it; ``{words}`` are filled in from the facts.
        caption: how to read it, filled in likewise.
        height: of its canvas, in inches, where the width is 4.2; or a function that takes the
            pieces and returns it.
    """

    draw: Callable[..., Axes]
    needs: tuple[str, ...]
    title: str
    alt: str
    caption: str
    height: float | Callable[..., float] = 3.0
