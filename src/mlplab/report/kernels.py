"""The trained weights that figures show, out of kept models."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from mlplab.engine.model_file import load_model

Kernel = npt.NDArray[np.float32]

_MOST_UNITS = 40


def trained_kernels(path: Path) -> dict[str, Kernel]:
    """Return the kernels of a kept model, in the order of its layers.

    They are called by their place and size, as ``1: 784 → 556`` in two lines: Keras's own names
    count up with every layer a process makes.
    """
    model = load_model(path)
    kernels = [keras.ops.convert_to_numpy(weight.value) for weight in _kernels(model)]
    return {f"{place}: {_size(kernel)}": kernel for place, kernel in enumerate(kernels, start=1)}


def _kernels(model: keras.Model) -> list[Any]:
    return [weight for weight in model.trainable_weights if weight.name == "kernel"]


def _size(kernel: Kernel) -> str:
    return f"{math.prod(kernel.shape[:-1])}\n→ {kernel.shape[-1]}"


def first_kernel(kernels: dict[str, Kernel], image_shape: tuple[int, ...]) -> Kernel | None:
    """Return the first kernel if its inputs are the pixels of a grey image, (n_pixels, n_units)."""
    kernel = next(iter(kernels.values()), None)
    if kernel is None or kernel.ndim != 2 or not is_grey(image_shape):
        return None
    return kernel if kernel.shape[0] == math.prod(image_shape) else None


def strongest_units(kernel: Kernel) -> Kernel:
    """Return the columns of the up to 40 units with the largest weights, in their own order.

    Examples:
        >>> strongest_units(np.eye(2, 3, dtype=np.float32)).shape
        (2, 3)
    """
    if kernel.shape[1] <= _MOST_UNITS:
        return kernel
    norms = np.linalg.norm(kernel, axis=0)
    return kernel[:, np.sort(np.argsort(-norms, kind="stable")[:_MOST_UNITS])]


def is_image(shape: tuple[int, ...]) -> bool:
    """Whether examples of this shape are pictures: (h, w), (h, w, 1) or (h, w, 3).

    Examples:
        >>> is_image((28, 28)), is_image((28, 28, 3)), is_image((4,))
        (True, True, False)
    """
    return is_grey(shape) or (len(shape) == 3 and shape[2] == 3)


def is_grey(shape: tuple[int, ...]) -> bool:
    """Whether examples of this shape are pictures without colour."""
    return len(shape) == 2 or (len(shape) == 3 and shape[2] == 1)
