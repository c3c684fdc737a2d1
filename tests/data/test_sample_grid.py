"""The grid of sample images: the right image in the right place."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from mlplab.data import Dataset
from mlplab.errors import DataError
from mlplab.report.figures.samples import sample_grid


def test_the_first_ten_of_each_digit(mnist: Dataset) -> None:
    ax = Figure().subplots()
    assert sample_grid(*mnist.train, mnist.class_names, ax) is ax
    canvas = np.asarray(ax.images[0].get_array())
    assert canvas.shape == (10 * 29 - 1, 10 * 29 - 1)
    for digit, column in ((5, 0), (0, 3), (9, 9)):
        image = mnist.train.x[np.flatnonzero(mnist.train.y == digit)[column]]
        cell = canvas[digit * 29 : digit * 29 + 28, column * 29 : column * 29 + 28]
        np.testing.assert_array_equal(cell, image)
    assert [label.get_text() for label in ax.get_yticklabels()] == list("0123456789")


def test_fewer_examples_than_columns_and_a_channel_axis() -> None:
    images = np.arange(1, 9, dtype=np.float32).reshape(2, 2, 2, 1)
    ax = sample_grid(images, np.array([1, 0]), ["a", "b"], Figure().subplots(), per_class=2)
    np.testing.assert_array_equal(
        np.asarray(ax.images[0].get_array()),
        [[5, 6, 0, 0, 0], [7, 8, 0, 0, 0], [0] * 5, [1, 2, 0, 0, 0], [3, 4, 0, 0, 0]],
    )


def test_examples_that_are_no_images() -> None:
    with pytest.raises(DataError, match=r"^examples of shape \(3,\) are no images: expected "):
        sample_grid(np.zeros((2, 3)), np.array([0, 1]), ["a", "b"], Figure().subplots())
