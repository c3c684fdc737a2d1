"""Drawn-like digits: each change does what its name says, and the stress set tells it apart."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from mlplab.data import Dataset, Split
from mlplab.data.drawn import KINDS, changed, drawn_like
from mlplab.data.drawn_set import drawn_set
from mlplab.errors import DataError

Images = np.ndarray


@pytest.fixture(scope="module")
def some(mnist: Dataset) -> Images:
    return mnist.test.x[:200]


@pytest.fixture(scope="module")
def copies(some: Images) -> dict[str, Images]:
    return drawn_like(some)


def ink(images: Images) -> np.ndarray:
    return images.reshape(len(images), -1).astype(float).sum(axis=1)


def centres(images: Images) -> np.ndarray:
    return np.array([ndimage.center_of_mass(image) for image in images])


def lean(images: Images) -> np.ndarray:
    """The slope of the columns of ink over its rows: 0 for an upright stroke."""
    found = []
    for image in images.astype(float):
        rows, columns = np.mgrid[:28, :28] - np.reshape(ndimage.center_of_mass(image), (2, 1, 1))
        found.append((image * rows * columns).sum() / (image * rows**2).sum())
    return np.array(found)


def test_strokes_become_thicker_and_thinner(some: Images, copies: dict[str, Images]) -> None:
    assert (ink(copies["thicker"]) > 1.2 * ink(some)).all()
    assert (copies["thicker"] >= some).all()
    assert (ink(copies["thinner"]) < 0.85 * ink(some)).all()
    assert (copies["thinner"] <= some).all()
    assert copies["thinner"].reshape(200, -1).max(axis=1).min() > 60  # something is left


def test_slanting_leans_by_what_it_says_and_keeps_the_ink(
    some: Images, copies: dict[str, Images]
) -> None:
    degrees = np.degrees(np.arctan(np.abs(lean(copies["slanted"]) - lean(some))))
    assert np.quantile(degrees, 0.05) > 8
    assert np.quantile(degrees, 0.95) < 32
    assert (lean(copies["slanted"]) > lean(some)).mean() == pytest.approx(0.5, abs=0.15)
    assert np.abs(ink(copies["slanted"]) / ink(some) - 1).mean() < 0.02


def test_turning_keeps_ink_and_its_distance_from_the_middle(
    some: Images, copies: dict[str, Images]
) -> None:
    assert np.abs(ink(copies["turned"]) / ink(some) - 1).mean() < 0.02
    rows, columns = np.mgrid[:28, :28] - 13.5
    squared = rows**2 + columns**2
    for before, after in zip(some, copies["turned"], strict=True):
        radius = [(image * squared).sum() / image.sum() for image in (before, after)]
        assert radius[1] == pytest.approx(radius[0], rel=0.06)


def test_wobbling_moves_points_by_about_a_pixel(some: Images, copies: dict[str, Images]) -> None:
    moved = np.abs(centres(copies["wobbly"]) - centres(some))
    assert 0.1 < moved.mean() < 1.0
    assert not (copies["wobbly"] == some).all(axis=(1, 2)).any()


def test_shifting_and_scaling_and_putting_off_centre(
    some: Images, copies: dict[str, Images]
) -> None:
    moved = np.abs(centres(copies["shifted"]) - centres(some))
    assert moved.min() > 1.5  # a little ink leaves the picture
    assert moved.max() < 4.05
    factor = np.sqrt(ink(copies["scaled"]) / ink(some))
    assert 0.55 < factor.min() < 0.7
    assert 1.2 < factor.max() < 1.35
    small = np.sqrt(ink(copies["off-centre"]) / ink(some))
    assert 0.45 < small.min() < small.max() < 0.85  # no digit is cut
    assert np.abs(centres(copies["off-centre"]) - 13.5).max() > 6


def test_noise_and_inversion(some: Images, copies: dict[str, Images]) -> None:
    paper = some == 0
    assert copies["noisy"][paper].std() == pytest.approx(30 * np.sqrt(0.5 - 0.5 / np.pi), rel=0.05)
    np.testing.assert_array_equal(copies["inverted"], 255 - some)


def test_the_same_seed_gives_the_same_images_and_kinds_do_not_touch_each_other(
    some: Images, copies: dict[str, Images]
) -> None:
    again, other = drawn_like(some), drawn_like(some, seed=1)
    for kind in KINDS:
        np.testing.assert_array_equal(copies[kind], again[kind])
    same = [kind for kind in KINDS if (copies[kind] == other[kind]).all()]
    assert same == ["thicker", "thinner", "inverted"]  # nothing is random in these


def test_pictures_with_a_channel_and_of_other_sizes(some: Images) -> None:
    deep = drawn_like(some[..., np.newaxis])
    np.testing.assert_array_equal(deep["turned"][..., 0], drawn_like(some)["turned"])
    large = np.kron(some[:3], np.ones((1, 2, 2), np.uint8))
    moved = drawn_like(large)["shifted"]
    distance = np.abs(centres(moved) - centres(large))
    assert distance.min() > 3  # in its own pixels, twice as many


@pytest.mark.parametrize(
    "images", [np.zeros((2, 28, 28)), np.zeros((2, 28, 28, 3), np.uint8), np.zeros(4, np.uint8)]
)
def test_what_is_no_picture_is_refused(images: Images) -> None:
    with pytest.raises(DataError, match="expected grey pictures, uint8 of shape"):
        drawn_like(images)


def test_an_unknown_kind_is_named(some: Images) -> None:
    with pytest.raises(DataError, match=r"got 'thiker'; did you mean 'thicker'\?"):
        changed(some, "thiker", np.random.default_rng(0))


@pytest.fixture(scope="module")
def few(mnist: Dataset) -> Dataset:
    """MNIST with 64 test examples, so that framing takes a second."""
    return dataclasses.replace(mnist, test=Split(mnist.test.x[:64], mnist.test.y[:64]))


def test_the_stress_set_is_kept_in_the_cache(few: Dataset, mlplab_home: Path) -> None:
    first = drawn_set(few)
    (path,) = (mlplab_home / "drawn").glob(f"{few.fingerprint[:32]}-*.npz")
    written = path.stat().st_mtime_ns
    second = drawn_set(few)
    for kind, images in first.framed.items():
        np.testing.assert_array_equal(images, second.framed[kind])
    assert path.stat().st_mtime_ns == written
    path.write_bytes(path.read_bytes()[:500])  # damaged: made again
    third = drawn_set(few)
    np.testing.assert_array_equal(first.framed["turned"], third.framed["turned"])
    assert [file.name for file in path.parent.glob(".*")] == []


def test_framing_undoes_place_size_and_colour_but_no_hand(few: Dataset) -> None:
    found = drawn_set(few)
    clean = found.framed["clean"].astype(float)

    def away(kind: str) -> float:
        return float(np.abs(found.framed[kind] - clean).mean())

    assert away("inverted") < 1
    assert away("shifted") < 12
    assert away("slanted") > 14
    assert away("thicker") > 14


def test_accuracies_are_shares_of_each_kind(few: Dataset) -> None:
    found = drawn_set(few)

    def dark_paper(images: Images) -> np.ndarray:
        """Reads whatever has dark paper, rightly: it looks the images up."""
        n = len(images)
        answers = np.zeros((n, 10))
        truth = images.reshape(n, -1).mean(axis=1) < 128
        answers[np.arange(n), np.where(truth, few.test.y, (few.test.y + 1) % 10)] = 1
        return answers

    scores = found.accuracies(dark_paper)
    assert scores["clean"] == {"raw": 1.0, "framed": 1.0}
    assert scores["kinds"]["inverted"] == {"raw": 0.0, "framed": 1.0}
    assert scores["accuracy"] == 1.0
    assert scores["n_examples"] == 64
    assert list(scores["kinds"]) == list(KINDS)


def test_other_data_have_no_stress_set(digits: Dataset) -> None:
    with pytest.raises(DataError, match=r"28 x 28 grey bytes, got examples of shape \(8, 8\)"):
        drawn_set(digits)
