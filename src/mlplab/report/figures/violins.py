"""Violins of trained weights, one a layer."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from mlplab.report.figures.palette import BLUE, literal

# A density is drawn from this many weights of a layer, evenly spaced: more show nothing new.
_MOST_WEIGHTS = 20_000
# Beyond this many layers their names are written smaller.
_MOST_LAYERS_ABREAST = 5


def weight_violins(weights: Mapping[str, npt.NDArray[np.floating]], ax: Axes) -> Axes:
    """Draw the distribution of each layer's weights: a density, with quartiles as dashed lines.

    Args:
        weights: the kernel of each layer, of any shape, by the layer's name.
        ax: where to draw.

    Examples:
        >>> from matplotlib.figure import Figure
        >>> weights = {"hidden": np.arange(10.0), "output": np.arange(5.0)}
        >>> ax = weight_violins(weights, Figure().subplots())
        >>> [tick.get_text() for tick in ax.get_xticklabels()]
        ['hidden', 'output']
    """
    thinned = {name: _thin(kernel.ravel()) for name, kernel in weights.items()}
    frame = pd.DataFrame(
        {
            "layer": np.repeat(list(thinned), [len(values) for values in thinned.values()]),
            "weight": np.concatenate(list(thinned.values())),
        }
    )
    sns.violinplot(
        frame, x="layer", y="weight", order=list(thinned), color=BLUE, inner="quart",
        linewidth=0.9, density_norm="width", saturation=1, linecolor="auto", ax=ax,
    )  # fmt: skip
    ax.set_xticks(range(len(thinned)), [literal(name) for name in thinned])
    if len(thinned) > _MOST_LAYERS_ABREAST:
        ax.tick_params(axis="x", labelsize="small", rotation=90 if len(thinned) > 8 else 0)
    ax.set_xlabel("layer")
    ax.set_ylabel("trained weight")
    ax.grid(True, axis="y", linewidth=0.6)
    return ax


def _thin(values: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    step = -(-len(values) // _MOST_WEIGHTS)
    return values[::step]
