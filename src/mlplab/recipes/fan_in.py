"""The notebook's slip in its initial deviations, put right in two of its networks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras

from mlplab.data.dataset import Dataset
from mlplab.errors import RecipeError
from mlplab.recipes.notebook import (
    answer,
    choose_notebook_recipes,
    hidden,
    pixels,
    regularized,
)
from mlplab.recipes.recipe import Recipe

MENDED = {"relu-2-fan-in": "relu-2", "bn-dropout-3-fan-in": "bn-dropout-3"}
"""These networks by name, each with the notebook's that it is like."""


def he_stddev(fan_in: int) -> float:
    """Return He's standard deviation for a ReLU layer, ``sqrt(2 / fan_in)``.

    Reference:
        K. He et al. (2015), Delving deep into rectifiers.

    Examples:
        >>> round(he_stddev(784), 4)
        0.0505
    """
    return math.sqrt(2 / fan_in)


def relu_2_fan_in(dataset: Dataset) -> keras.Model:
    """Build relu-2 with the deviations that the notebook meant."""
    return keras.Sequential(
        [
            *pixels(dataset),
            hidden(556, he_stddev(math.prod(dataset.input_shape))),
            hidden(156, he_stddev(556)),
            answer(dataset),
        ]
    )


def bn_dropout_3_fan_in(dataset: Dataset) -> keras.Model:
    """Build bn-dropout-3 with the deviations that the notebook meant."""
    return keras.Sequential(
        [
            *pixels(dataset),
            *regularized(580, he_stddev(math.prod(dataset.input_shape))),
            *regularized(325, he_stddev(580)),
            *regularized(125, he_stddev(325)),
            answer(dataset),
        ]
    )


def fan_in_recipes(names: Sequence[str] = ()) -> list[Recipe]:
    """Return ``relu-2-fan-in`` and ``bn-dropout-3-fan-in``: else like the notebook's.

    The notebook quotes He's rule, ``sqrt(2 / fan_in)``, and takes ``sqrt(2 / fan_out)`` (see
    ``notebook.hidden``). Beside its own networks, these two show whether that matters: one without
    batch normalization and one with it.

    Args:
        names: the notebook's networks that are run; only their like is returned. Empty for all.

    Raises:
        RecipeError: none of the names is ``relu-2`` or ``bn-dropout-3``.

    Examples:
        >>> [recipe.name for recipe in fan_in_recipes()]
        ['relu-2-fan-in', 'bn-dropout-3-fan-in']
    """
    builders = {"relu-2": relu_2_fan_in, "bn-dropout-3": bn_dropout_3_fan_in}
    like = [name for name in builders if not names or name in names]
    if not like:
        raise RecipeError(
            f"asking about initial deviations takes {' or '.join(builders)}, "
            f"got {', '.join(names)}; name one of them too"
        )
    return [
        recipe.replace(name=f"{recipe.name}-fan-in", build=builders[recipe.name])
        for recipe in choose_notebook_recipes(like)
    ]
