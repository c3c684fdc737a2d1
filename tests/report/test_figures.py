"""Every figure on real studies: an Axes goes in and comes out, and shows what it should."""

from __future__ import annotations

import io
import string
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.testing import assert_allclose
from PIL import Image, ImageColor

from mlplab import Dataset, Study
from mlplab.report.compared import Compared
from mlplab.report.facts import network_facts, study_facts
from mlplab.report.figures.catalog import NETWORK_FIGURES, STUDY_FIGURES
from mlplab.report.figures.catalog_compared import COMPARED_FIGURES, PAIR_FIGURES
from mlplab.report.figures.curves import accuracy_curves, loss_curves, published_loss
from mlplab.report.figures.entry import FigureEntry
from mlplab.report.figures.outcomes import (
    accuracy_over_seeds,
    confusion_matrix,
    seconds_per_epoch,
)
from mlplab.report.figures.palette import literal
from mlplab.report.figures.pictures import Gallery, first_layer, picture_gallery
from mlplab.report.figures.violins import weight_violins
from mlplab.report.material import Material, Network, loss_name, network_material, study_material
from mlplab.report.render import DARK, LIGHT, picture
from mlplab.report.together import (
    compared_facts,
    compared_material,
    pair_facts,
    pair_material,
)
from mlplab.study.summary import summarize

ALL = {
    **{f"study {n}": e for n, e in STUDY_FIGURES.items()},
    **COMPARED_FIGURES,
    **PAIR_FIGURES,
    **NETWORK_FIGURES,
}


@pytest.fixture
def ax() -> Axes:
    return Figure().subplots()


@pytest.fixture(scope="module")
def study(study_file: Path) -> Iterator[Study]:
    """Open for the module, so that trained models are loaded once."""
    with Study(study_file) as study:
        yield study


@pytest.fixture(scope="module")
def networks(study: Study, digits: Dataset) -> list[Network]:
    return [Network(study, summary, digits) for summary in summarize(study)]


@pytest.fixture(scope="module")
def compared(study: Study, digits: Dataset) -> Compared:
    return Compared(study, digits)


@pytest.fixture(scope="module")
def material(
    study: Study, networks: list[Network], compared: Compared, digits: Dataset
) -> Material:
    """Everything a figure can need; what is published or varied is of other networks."""
    everything = study_material(study, networks, digits) | network_material(networks[0])
    everything |= compared_material(compared) | pair_material(compared, "small", "longer")
    everything["drawn_names"] = ["clean", "noisy"]
    everything["drawn_pairs"] = digits.test.x[:4].reshape(2, 2, 8, 8)
    everything["calibration"] = compared.calibrations["small"]
    rows = [("x", "init", 4, 0.9, 0.01), ("x", "all", 4, 0.9, 0.02)]
    everything["variation"] = pd.DataFrame(rows, columns=["recipe", "vary", "runs", "mean", "sd"])
    return everything | {"published_loss": (2.0, 1.5), "published": {networks[0].label: 0.9}}


@pytest.mark.parametrize("entry", ALL.values(), ids=ALL)
def test_figure_draws_on_the_axes_it_is_given(entry: FigureEntry, material: Material) -> None:
    ax, before = Figure().subplots(), dict(mpl.rcParams)
    assert entry.draw(*(material[name] for name in entry.needs), ax) is ax
    assert ax.lines or ax.images or ax.collections or ax.patches
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == []


@pytest.mark.parametrize("entry", ALL.values(), ids=ALL)
def test_alt_and_caption_are_filled_in_from_facts(
    entry: FigureEntry,
    study: Study,
    networks: list[Network],
    compared: Compared,
    material: Material,
) -> None:
    facts = study_facts(study, networks) | network_facts(networks[0], material)
    facts |= compared_facts(compared) | pair_facts(compared, "small", "longer")
    facts |= {"drawn_kinds": "clean, noisy", "published_first": "2.0000", "published_note": ""}
    for text in (entry.alt, entry.caption):
        assert "{" not in text.format_map(facts)
    assert any(name for _, name, _, _ in string.Formatter().parse(entry.alt))


@pytest.mark.parametrize("entry", ALL.values(), ids=ALL)
def test_pictures_differ_by_theme_and_not_by_run(entry: FigureEntry, material: Material) -> None:
    first, again = picture(entry, material), picture(entry, material)
    assert first.light.startswith(b"\x89PNG")
    assert b"<svg" in first.svg
    assert first.light != first.dark
    assert (first.light, first.dark) == (again.light, again.dark)


def test_pictures_keep_their_colours(material: Material) -> None:
    """The paper exactly; of the rest, 63 so well chosen that nobody sees it."""
    entry = NETWORK_FIGURES["confusion"]
    drawn = picture(entry, material)
    for png, paper in ((drawn.light, LIGHT.paper), (drawn.dark, DARK.paper)):
        pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
        colours, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_counts=True)
        assert 32 < len(colours) <= 64
        assert tuple(colours[counts.argmax()]) == ImageColor.getrgb(paper)
        edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        assert (np.abs(edge - np.array(ImageColor.getrgb(paper))) <= 3).all()  # nothing is cut off


def test_threads_draw_what_one_alone_draws(material: Material) -> None:
    entries = [STUDY_FIGURES["accuracy"], *(NETWORK_FIGURES[n] for n in ("loss", "confusion"))]
    alone = [picture(entry, material).light for entry in entries]
    with ThreadPoolExecutor(3) as pool:
        together = [done.light for done in pool.map(picture, entries, [material] * 3)]
    assert together == alone


def test_loss_curves_name_their_axes_and_average_the_seeds(
    networks: list[Network], ax: Axes
) -> None:
    history = networks[1].history
    loss_curves(history, networks[1].loss_name, "validation (test set)", ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "Categorical Crossentropy Loss")
    lines = {line.get_label(): line.get_ydata() for line in ax.lines}
    assert_allclose(lines["training: mean of 3"], history.groupby("epoch").loss.mean())
    means = history.groupby("epoch").val_loss.mean()
    assert_allclose(lines["validation (test set): mean of 3"], means)
    assert len(ax.lines) == 2 * (3 + 1)
    assert ax.get_legend() is not None
    assert ax.xaxis.get_gridlines()[0].get_visible()


def test_band_is_one_sample_standard_deviation(ax: Axes) -> None:
    history = pd.DataFrame(
        {"seed": [0, 0, 1, 1, 2, 2], "epoch": [1, 2] * 3, "loss": [1, 1, 2, 1, 3, 1.0]}
    ).assign(val_loss=0.5)
    loss_curves(history, "Loss", "validation", ax)
    heights = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (1.0, 3.0)  # 2 ± 1 in epoch 1, 1 ± 0 in epoch 2


def test_one_run_has_no_band(lone_file: Path, ax: Axes) -> None:
    with Study(lone_file) as study:
        accuracy_curves(study.history(), "validation", ax)
    assert not ax.collections
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["training", "validation"]


def test_diverged_runs_end_in_a_cross_and_are_in_no_mean(ax: Axes) -> None:
    history = pd.DataFrame(
        {
            "seed": [0, 0, 1, 1, 2, 2],
            "epoch": [1, 2] * 3,
            "loss": [1.0, 0.5, 3.0, np.nan, 2.0, 0.7],
            "val_loss": [1.0, 0.5, 3.0, np.nan, 2.0, 0.7],
        }
    )
    loss_curves(history, "Loss", "validation", ax)
    lines = {line.get_label(): line.get_ydata() for line in ax.lines}
    assert_allclose(lines["training: mean of 2"], [1.5, 0.6])
    crosses = [line for line in ax.lines if line.get_marker() == "x"]
    assert [line.get_xydata().tolist() for line in crosses] == [[[1.0, 3.0]]] * 2


def test_only_diverged_runs_still_draw(diverged_file: Path, ax: Axes) -> None:
    with Study(diverged_file) as study:
        history = study.history()
    loss_curves(history[history.recipe == "wild"], "Loss", "validation", ax)
    assert ax.get_legend() is None


def test_published_curve_lies_over_ours(networks: list[Network], ax: Axes) -> None:
    published_loss(networks[0].history, [2.1, 1.7], "Loss", ax)
    line = ax.lines[-1]
    assert line.get_xydata().tolist() == [[1.0, 2.1], [2.0, 1.7]]
    assert line.get_label() == "training, published (one run)"


def test_accuracies_of_all_runs_with_mean_and_published(study: Study, ax: Axes) -> None:
    frame = study.frame()
    accuracy_over_seeds(frame, {"longer": 0.5}, ax)
    dots = [line for line in ax.lines if line.get_label() == "one run"]
    drawn = np.concatenate([line.get_xdata() for line in dots])
    assert_allclose(drawn, 100 * frame.test_accuracy)
    bars = [line.get_xdata()[0] for line in ax.lines if line.get_label() == "mean"]
    assert_allclose(bars, 100 * frame.groupby("recipe", sort=False).test_accuracy.mean())
    assert [line.get_xdata() for line in ax.lines if line.get_marker() == "D"] == [[50.0]]


def test_a_perfect_run_fits_on_the_stretched_axis() -> None:
    frame = pd.DataFrame({"recipe": ["a", "b"], "seed": [0, 0], "test_accuracy": [0.1, 1.0]})
    entry = STUDY_FIGURES["accuracy"]
    assert picture(entry, {"frame": frame, "published": {}}).light
    ax = accuracy_over_seeds(frame, {}, Figure().subplots())
    low, high = ax.get_xlim()
    assert low < 10
    assert high > 99.99


def test_seconds_mark_first_epochs(study: Study, ax: Axes) -> None:
    history = study.history()
    seconds_per_epoch(history, ax)
    hollow = [line for line in ax.lines if line.get_label() == "first epoch of a run"]
    drawn = np.concatenate([line.get_xdata() for line in hollow])
    assert_allclose(drawn, history.seconds[history.epoch == 1])


def test_confusion_writes_counts_and_colours_only_mistakes(ax: Axes) -> None:
    counts = np.array([[90.0, 1.5, 0.0], [2.0, 80.0, 10.0], [0.0, 0.0, 70.0]])
    confusion_matrix(counts, ["a", "b", "c"], ax)
    assert [text.get_text() for text in ax.texts] == ["90", "1.5", "2", "80", "10", "70"]
    assert np.diag(ax.images[0].get_array()).tolist() == [0, 0, 0]


def test_gallery_marks_disputed_pictures(ax: Axes) -> None:
    gallery = Gallery(np.ones((7, 8, 8)), [f"#{i}" for i in range(7)], [False] * 6 + [True])
    picture_gallery(gallery, ax)
    assert len(ax.images) == 7
    assert [text.get_text() for text in ax.texts] == [f"#{i}" for i in range(7)]
    assert [patch.get_linestyle() for patch in ax.patches] == ["--"]


def test_first_layer_pictures_are_the_columns_of_the_kernel() -> None:
    kernel = np.arange(12.0, dtype=np.float32).reshape(4, 3)
    ax = first_layer(kernel, (2, 2), ["x", "y", "z"], Figure().subplots())
    shown = [np.asarray(image.get_array()) for image in ax.images]
    assert_allclose(shown[1], [[1, 4], [7, 10]])


def test_violins_have_one_body_a_layer(ax: Axes) -> None:
    weights = {f"{i}: 8\n→ 4": np.random.default_rng(i).normal(size=(8, 4)) for i in range(9)}
    weight_violins(weights, ax)
    assert len(ax.collections) == 9
    assert len(ax.get_xticklabels()) == 9


@pytest.mark.parametrize("text", ["$", "$$", r"$\frac$", "a_b^c", "5$ and 6$"])
def test_a_users_text_is_drawn_as_it_is(text: str, ax: Axes) -> None:
    drawn = ax.text(0, 0, literal(text))
    ax.figure.draw_without_rendering()  # raises where Matplotlib reads it as mathematics
    assert drawn._preprocess_math(drawn.get_text())[0] == text


def test_loss_axis_takes_its_name_from_the_recipe(study: Study) -> None:
    assert loss_name(study.recipes[0].description["loss"]) == "Categorical Crossentropy Loss"
    assert loss_name({"class_name": "MeanSquaredError"}) == "Mean Squared Error Loss"
    assert loss_name(None) == "Loss"
