"""Drawn-like accuracy in the report: kept models on changed MNIST, counted anew."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import mlplab
from mlplab import Dataset, Recipe, Study, compare_scores
from mlplab.data import Split
from mlplab.data.drawn_set import drawn_set
from mlplab.engine import load_model
from mlplab.report import write_report
from mlplab.report.compared import Asked, Compared
from mlplab.report.drawn import COLUMNS, drawn_like_accuracy, drawn_scores
from mlplab.report.sections import drawn_section
from tests.report.test_page import text_of


@pytest.fixture(scope="module")
def few(mnist: Dataset) -> Dataset:
    """A part of MNIST that is trained on and framed in seconds."""
    train, test = (
        Split(split.x[:n], split.y[:n]) for split, n in ((mnist.train, 3000), (mnist.test, 100))
    )
    return dataclasses.replace(mnist, name="few", train=train, test=test, disputed=())


@pytest.fixture(scope="module")
def kept_file(few: Dataset, small: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recipes of two kept models, one of which learns from changed digits, and one of none."""
    path = tmp_path_factory.mktemp("drawn") / "drawn.study"
    learns = small.replace(name="augmented", epochs=1, augmentation=("slanted", "wobbly"))
    mlplab.run([small, learns], few, 2, path=path, keep="models").close()
    mlplab.run(small.replace(name="gone"), few, 2, path=path).close()
    return path


@pytest.fixture(scope="module")
def compared(kept_file: Path, few: Dataset) -> Iterator[Compared]:
    with Study(kept_file) as study:
        yield Compared(study, few)


def test_scores_are_what_keras_reads_of_the_stress_set(
    compared: Compared, kept_file: Path, few: Dataset
) -> None:
    table = drawn_scores(compared.drawn)
    stress = drawn_set(few)
    assert list(table.columns) == list(COLUMNS)
    assert table.groupby("recipe", sort=False).seed.unique().map(list).to_dict() == {
        "small": [0, 1],
        "augmented": [0, 1],
    }
    path = compared.study.model_path("augmented", 1)
    assert path is not None
    model = load_model(path)
    rows = table[(table.recipe == "augmented") & (table.seed == 1)].set_index("kind")
    for kind in stress.raw:
        for way, images in (("raw", stress.raw[kind]), ("framed", stress.framed[kind])):
            answers = model.predict(images, verbose=0).argmax(axis=1)
            assert rows.loc[kind, way] == pytest.approx((answers == stress.labels).mean())


def test_the_comparison_scores_examples_and_not_their_copies(compared: Compared) -> None:
    found = compared.drawn_comparison
    assert found is not None
    assert (found.claim, found.n_examples) == ("recipes", 100)
    shares = {
        label: np.array(
            [
                np.mean([ways["framed"] for kind, ways in kinds.items() if kind != "clean"], axis=0)
                for kinds in by_seed.values()
            ]
        )
        for label, by_seed in compared.drawn.items()
    }
    assert found == compare_scores(shares)
    by_loss = dataclasses.replace(
        compared, asked=Asked(metric="loss", margin=0.02)
    ).drawn_comparison
    assert by_loss == found  # a margin of losses is none of accuracies
    wider = dataclasses.replace(compared, asked=Asked(margin=2.0)).drawn_comparison
    assert wider is not None
    assert wider.margin == 2.0
    means = drawn_like_accuracy(drawn_scores(compared.drawn)).groupby(level="recipe").mean()
    (pair,) = found.pairs
    assert_allclose(pair.difference, 100 * (means["small"] - means["augmented"]))


def test_the_page_shows_each_kind_and_the_verdict(
    compared: Compared, few: Dataset, tmp_path: Path
) -> None:
    view = drawn_section(compared)
    assert view is not None
    assert view["labels"] == ["small", "augmented"]
    assert len(view["rows"]) == 11
    page = write_report(compared.study, tmp_path, dataset=few)
    words = text_of(page)
    found = compared.drawn_comparison
    assert found is not None
    assert found.pairs[0].sentence() in words
    assert "off-centre" in words
    assert "drawn-like test scores of kept models" in " ".join(compared.study.looks()["seen"])
    written = pd.read_csv(tmp_path / "tables" / "drawn.csv")
    pd.testing.assert_frame_equal(written, drawn_scores(compared.drawn))
    assert (tmp_path / "figures" / "drawn.png").exists()


def test_other_data_and_unkept_models_have_no_such_section(
    study_file: Path, lone_file: Path, digits: Dataset
) -> None:
    for path in (study_file, lone_file):
        with Study(path) as study:
            compared = Compared(study, digits)
            assert drawn_section(compared) is None
            assert drawn_scores(compared.drawn).empty
