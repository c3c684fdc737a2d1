"""Calibration by hand, and against scikit-learn."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from mlplab import CompareError
from mlplab.compare import OverSeeds, calibration


def random_answers(seeds: int, examples: int, classes: int, spread: float = 2.0):
    rng = np.random.default_rng(7)
    logits = rng.normal(scale=spread, size=(seeds, examples, classes))
    p = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    labels = rng.integers(classes, size=examples)
    return p, labels


def test_four_examples_by_hand() -> None:
    # confidences 0.9 and 0.8 in the bin (0.75, 1], 0.6 and 0.5 in (0.5, 0.75] and (0.25, 0.5]
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.5, 0.5]])
    found = calibration(p, np.array([0, 1, 1, 0]), n_bins=4)
    assert found.counts.tolist() == [[0, 1, 1, 2]]
    assert_allclose(found.confidence[0, 1:], [0.5, 0.6, 0.85])
    assert_allclose(found.accuracy[0, 1:], [1.0, 1.0, 0.5])
    # (1 * 0.5 + 1 * 0.4 + 2 * 0.35) / 4
    assert_allclose(found.error.mean, 0.4)
    # 2 * (0.1^2, 0.8^2, 0.4^2, 0.5^2) / 4
    assert_allclose(found.brier.mean, (0.02 + 1.28 + 0.32 + 0.5) / 4)
    assert found.error.interval is None


def test_agrees_with_scikit_learn() -> None:
    p, labels = random_answers(seeds=3, examples=4000, classes=5)
    found = calibration(p, labels, n_bins=10)
    for seed in range(3):
        hits = p[seed].argmax(axis=1) == labels
        shares, confidences = calibration_curve(hits, p[seed].max(axis=1), n_bins=10)
        filled = found.counts[seed] > 0
        assert_allclose(found.accuracy[seed][filled], shares)
        assert_allclose(found.confidence[seed][filled], confidences)
        expected = (found.counts[seed][filled] * np.abs(shares - confidences)).sum() / 4000
        assert_allclose(found.error.values[seed], expected)
        score = brier_score_loss(labels, p[seed], labels=range(5), scale_by_half=False)
        assert_allclose(found.brier.values[seed], score)


def test_two_classes_score_twice_the_binary_brier_score() -> None:
    p, labels = random_answers(seeds=1, examples=500, classes=2)
    binary = brier_score_loss(labels, p[0, :, 1])
    assert_allclose(calibration(p, labels).brier.mean, 2 * binary)


def test_probabilities_that_are_true_have_small_error_and_doubled_logits_have_not() -> None:
    p, _ = random_answers(seeds=1, examples=50_000, classes=4)
    rng = np.random.default_rng(1)
    labels = (rng.random((50_000, 1)) > p[0].cumsum(axis=1)).sum(axis=1)
    sure = p**2 / (p**2).sum(axis=2, keepdims=True)
    assert calibration(p, labels).error.mean < 0.01
    assert calibration(sure, labels).error.mean > 0.1
    assert calibration(p, labels).brier.mean < calibration(sure, labels).brier.mean


def test_interval_over_seeds_is_students() -> None:
    found = OverSeeds((0.01, 0.02, 0.03, 0.04), level=0.95)
    t = 3.182446305284263  # 0.975-quantile, 3 degrees of freedom
    half = t * np.std(found.values, ddof=1) / 2
    assert found.interval is not None
    assert_allclose(found.interval, (0.025 - half, 0.025 + half))


def test_interval_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    intervals = [OverSeeds(tuple(rng.normal(size=5)), 0.9).interval for _ in range(4000)]
    covered = np.mean([low < 0 < high for low, high in intervals if low is not None])
    assert abs(covered - 0.9) < 4 * math.sqrt(0.09 / 4000)


def test_outcomes_taken_before_rounding_decide() -> None:
    p = np.array([[[0.5, 0.5]]], dtype=np.float16)  # a tie only since it was rounded
    assert calibration(p, [1], right=[[True]]).accuracy[0].tolist()[7] == 1.0
    assert calibration(p, [1]).accuracy[0].tolist()[7] == 0.0


def test_bins_are_means_over_the_seeds_that_have_examples_in_them() -> None:
    p = np.array([[[0.9, 0.1], [0.6, 0.4]], [[0.95, 0.05], [0.85, 0.15]]])
    low, high = calibration(p, [0, 1], n_bins=4).bins()
    assert (low.low, low.high, low.count, low.confidence) == (0.5, 0.75, 0.5, 0.6)
    assert low.accuracy.values == (0.0,)
    assert_allclose([high.count, high.confidence], [1.5, (0.9 + 0.9) / 2])
    assert high.accuracy.values == (1.0, 0.5)


@pytest.mark.parametrize(
    ("p", "labels", "problem"),
    [
        ([[0.5, 0.4]], [0], "probabilities must be 0 or more and sum to 1 for each example"),
        ([[np.nan, 1.0]], [0], "probabilities must be 0 or more and sum to 1 for each example"),
        ([[0.5, 0.5]], [2], "labels must be class indices from 0 to 1"),
        ([[0.5, 0.5]], [0, 1], "got (1, 1, 2) and (2,)"),
    ],
)
def test_what_is_no_probability_or_label_is_refused(p, labels, problem: str) -> None:
    with pytest.raises(CompareError, match=re.escape(problem)):
        calibration(p, labels)
