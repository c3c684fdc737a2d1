"""Colours and words that all figures share.

The hues are told apart under the common colour blindnesses, and are of middle lightness: about 4
to 1 against white paper and against a dark page. No figure rests on colour alone; lines differ in
dashes, points in shape.
"""

from __future__ import annotations

from typing import Any

from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb, to_rgba

BLUE = "#2f7fc4"
ORANGE = "#d5700f"
GREEN = "#1f9d76"

TRAINING: dict[str, Any] = {"color": BLUE, "linestyle": "-", "marker": "o"}
VALIDATION: dict[str, Any] = {"color": ORANGE, "linestyle": "--", "marker": "s"}
PUBLISHED: dict[str, Any] = {"color": GREEN, "linestyle": ":", "marker": "D"}

_LONGEST_NAME = 24


def fading(name: str, *stops: tuple[float, str, float]) -> LinearSegmentedColormap:
    """Make a colour map of (place, colour, opacity) stops: the paper shows through it."""
    colors = [(place, to_rgba(color, alpha)) for place, color, alpha in stops]
    return LinearSegmentedColormap.from_list(name, colors)


def pale(color: str) -> str:
    """Return a colour with much white in it, for areas under hatches.

    It is opaque: in Matplotlib's SVG, hatches on an area that is not have the area's colour.

    Examples:
        >>> pale("#000000")
        '#b3b3b3'
    """
    red, green, blue = (0.3 * part + 0.7 for part in to_rgb(color))
    return to_hex((red, green, blue))


COUNTS = fading("counts", (0, BLUE, 0), (1, BLUE, 1))
SIGNED = fading("signed", (0, ORANGE, 1), (0.5, ORANGE, 0), (0.5, BLUE, 0), (1, BLUE, 1))


def literal(text: str) -> str:
    r"""Return a user's text so that Matplotlib draws it as it is: no mathematics, not too long.

    Examples:
        >>> print(literal("5$ or 6$"))
        5\$ or 6\$
    """
    short = text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 1]}…"
    return short.replace("$", r"\$")
