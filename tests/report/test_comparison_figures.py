"""The figures of a comparison show its data: ends, verdicts, shares, floors, letters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

from mlplab import Comparison, Study, compare_scores
from mlplab.compare import VERDICTS, calibration, expected_half_width
from mlplab.report.figures.calibration import reliability_diagram
from mlplab.report.figures.catalog_compared import COMPARED_FIGURES
from mlplab.report.figures.comparisons import (
    SOURCES,
    VERDICT_STYLES,
    forest_plot,
    group_letters,
    half_width_over_seeds,
    uncertainty_split,
)
from mlplab.report.figures.sources import sd_interval, spread_by_source
from mlplab.report.render import picture


@pytest.fixture
def ax() -> Axes:
    return Figure().subplots()


@pytest.fixture(scope="module")
def study(study_file: Path) -> Iterator[Study]:
    with Study(study_file) as study:
        yield study


@pytest.fixture(scope="module")
def found(study: Study) -> Comparison:
    """Of real runs: two networks, three seeds."""
    return study.compare()


@pytest.fixture(scope="module")
def many() -> Comparison:
    """Simulated scores of four recipes, of which one is far behind and two are the same."""
    rng = np.random.default_rng(5)
    hard = rng.random(20_000) < 0.1
    shares = {"first": 0.6, "second": 0.5, "twin": 0.5, "last": 0.0}
    scores = {n: ~hard | (rng.random((5, 20_000)) < p) for n, p in shares.items()}
    scores["last"] &= rng.random((5, 20_000)) < 0.5
    return compare_scores(scores, margin=0.5)


def test_forest_draws_every_interval_with_its_estimate(many: Comparison, ax: Axes) -> None:
    forest_plot(many, ax)
    drawn = [line for line in ax.lines if len(line.get_xdata()) == 2 and line.get_marker() == "|"]
    assert_allclose([line.get_xdata() for line in drawn], [[p.low, p.high] for p in many.pairs])
    dots = [line for line in ax.lines if len(line.get_xdata()) == 1]
    assert_allclose([line.get_xdata()[0] for line in dots], [p.difference for p in many.pairs])
    low, high = ax.get_xlim()
    assert low <= min(pair.low for pair in many.pairs)
    assert high >= max(pair.high for pair in many.pairs)


def test_forest_says_each_verdict_in_words_and_by_shape(many: Comparison, ax: Axes) -> None:
    forest_plot(many, ax)
    texts = [text.get_text() for text in ax.texts]
    assert texts[0].startswith("first – second: first")
    for pair, text in zip(many.pairs, texts, strict=True):
        assert text.endswith(f"{pair.better} {pair.verdict[2:]}" if pair.better else pair.verdict)
    dots = [line for line in ax.lines if len(line.get_xdata()) == 1]
    for pair, dot in zip(many.pairs, dots, strict=True):
        assert dot.get_marker() == VERDICT_STYLES[pair.verdict]["marker"]


def test_verdicts_differ_without_colour() -> None:
    assert set(VERDICT_STYLES) == set(VERDICTS)
    names = ("better", "slightly better", "practically the same", "cannot tell yet")
    looks = {
        name: (style["marker"], style.get("markerfacecolor"))
        for name in names
        for verdict, style in VERDICT_STYLES.items()
        if verdict.removeprefix("a ") == name
    }
    assert len(set(looks.values())) == len(names)


def test_forest_band_is_the_margin(found: Comparison, ax: Axes) -> None:
    forest_plot(found, ax)
    (band,) = [patch for patch in ax.patches if patch.get_label() == "margin"]
    assert_allclose([band.get_x(), band.get_x() + band.get_width()], [-found.margin, found.margin])


def test_forest_keeps_close_pairs_apart_from_far_ones(many: Comparison, found: Comparison) -> None:
    assert forest_plot(many, Figure().subplots()).get_xscale() == "symlog"
    assert forest_plot(found, Figure().subplots()).get_xscale() == "linear"


def test_split_bars_are_shares_of_the_variance(many: Comparison, ax: Axes) -> None:
    uncertainty_split(many.pairs, ax)
    widths = np.array([patch.get_width() for patch in ax.patches]).reshape(len(many.pairs), 3)
    assert_allclose(widths.sum(axis=1), 100)
    for pair, shares in zip(many.pairs, widths, strict=True):
        variances = np.array([pair.sd_seeds, pair.sd_examples, pair.sd_within]) ** 2
        assert_allclose(shares, 100 * variances / variances.sum())
    assert len({patch.get_hatch() for patch in ax.patches}) == len(SOURCES)


def test_hatches_can_be_seen_in_svg(many: Comparison) -> None:
    svg = picture(COMPARED_FIGURES["split"], {"pairs": many.pairs}).svg.decode()
    patterns = re.findall(r"<pattern.*?</pattern>", svg, flags=re.DOTALL)
    assert len(patterns) == 2
    for pattern in patterns:
        fill, stroke = re.search(r'<rect[^>]*fill="([^"]*)"', pattern), "stroke: (#[0-9a-f]{6})"
        assert fill
        assert fill[1] not in re.findall(stroke, pattern)


def test_half_width_falls_to_the_floor_of_the_test_set(many: Comparison, ax: Axes) -> None:
    pair = many.pairs[0]
    half_width_over_seeds(pair, ax)
    lines = {line.get_label(): line for line in ax.lines}
    seeds, widths = lines["expected half-width"].get_data()
    assert_allclose(widths, [expected_half_width(pair, int(n)) for n in seeds])
    floor = lines["floor: this test set"].get_ydata()[0]
    assert 0 < floor < min(widths)
    assert_allclose(floor, expected_half_width(pair, 10**8), rtol=1e-3)
    now = lines["now: 5 seeds"]
    assert (now.get_xdata()[0], now.get_ydata()[0]) == (5, (pair.high - pair.low) / 2)
    assert lines["margin"].get_ydata()[0] == many.margin
    assert lines["difference found"].get_ydata()[0] == abs(pair.difference)


def test_without_a_sample_of_examples_there_is_no_floor(study: Study, ax: Axes) -> None:
    (pair,) = study.compare("recipes-this-test").pairs
    half_width_over_seeds(pair, ax)
    assert not [line for line in ax.lines if line.get_label().startswith("floor")]


def test_letters_stand_beside_the_runs_of_their_recipe(study: Study, ax: Axes) -> None:
    means = {name: study.outcomes(name).mean(axis=1) for name in ("small", "longer")}
    group_letters({"longer": "a", "small": "ab"}, means, ax)
    assert [text.get_text() for text in ax.texts] == ["a", "ab"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["longer", "small"]
    dots = [line.get_xdata() for line in ax.lines if line.get_label() == "one run"]
    assert_allclose(dots, [100 * means["longer"], 100 * means["small"]])


def test_reliability_points_are_the_bins(study: Study, ax: Axes) -> None:
    right = study.outcomes("small")
    found = calibration(study.probabilities("small"), study.labels, right)
    reliability_diagram(found, ax)
    bins = [one for one in found.bins() if one.count >= 1]
    points = np.concatenate([line.get_xydata() for line in ax.lines if line.get_marker() == "o"])
    expected = sorted((one.confidence, one.accuracy.mean) for one in bins)
    assert_allclose(sorted(map(tuple, points)), expected)
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "none"]
    assert sum(len(line.get_xdata()) for line in hollow) == sum(one.count < 10 for one in bins)


def test_spread_by_source_draws_each_standard_deviation(ax: Axes) -> None:
    rows = [
        ("a", "init", 5, 0.98, 0.001),
        ("a", "all", 10, 0.98, 0.002),
        ("b", "order", 1, 0.97, np.nan),
        ("b", "all", 10, 0.97, 0.003),
    ]
    variation = pd.DataFrame(rows, columns=["recipe", "vary", "runs", "mean", "sd"])
    spread_by_source(variation, ax)
    lines = {line.get_label(): line for line in ax.lines}
    assert_allclose(lines["a"].get_xdata(), [0.1, 0.2])
    assert_allclose(lines["b"].get_xdata(), [0.3])
    assert lines["a"].get_marker() != lines["b"].get_marker()
    words = [label.get_text() for label in ax.get_yticklabels()]
    assert words == ["initial weights", "all together"]


def test_interval_of_a_standard_deviation_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    sds = rng.normal(scale=2.0, size=(4000, 5)).std(axis=1, ddof=1)
    covered = np.mean([low < 2.0 < high for low, high in (sd_interval(sd, 5) for sd in sds)])
    assert abs(covered - 0.95) < 4 * np.sqrt(0.05 * 0.95 / 4000)
