"""The folder of a report: what is in it, what is left out and said, what it will not overwrite."""

from __future__ import annotations

import html
import io
import json
import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from mlplab import DataError, Dataset, ModelError, StorageError, Study, UsageError
from mlplab.report import write_report
from mlplab.report.figures.catalog import NETWORK_FIGURES, STUDY_FIGURES
from mlplab.report.figures.catalog_compared import COMPARED_FIGURES, PAIR_FIGURES
from mlplab.report.folder import file_names, study_id_of
from mlplab.report.tables import COMPARED_TABLES, TABLES
from tests.report.conftest import HOSTILE

PUBLISHED_ONLY = {"published"}


def text_of(page: Path) -> str:
    """The page's text without its tags and style, on one line."""
    source = re.sub(r"<style>.*?</style>", "", page.read_text(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", source)))


def names_in(folder: Path, suffix: str) -> set[str]:
    return {path.stem for path in (folder / "figures").glob(f"*.{suffix}")}


def test_every_figure_is_there_as_png_and_svg(report_folder: Path) -> None:
    expected = set(STUDY_FIGURES) | set(COMPARED_FIGURES) - {"drawn", "variation"}
    expected |= {f"small-and-longer-{name}" for name in PAIR_FIGURES}
    for label in ("small", "longer"):
        expected |= {f"{label}-{name}" for name in set(NETWORK_FIGURES) - PUBLISHED_ONLY}
    assert names_in(report_folder, "png") == names_in(report_folder, "svg") == expected
    for path in (report_folder / "figures").iterdir():
        if path.suffix == ".png":
            with Image.open(path) as image:
                image.verify()
        else:
            assert ET.fromstring(path.read_text()).tag.endswith("svg")  # noqa: S314


def test_every_table_is_there_as_csv(report_folder: Path, study_file: Path) -> None:
    assert {path.stem for path in (report_folder / "tables").iterdir()} == {
        *TABLES,
        *COMPARED_TABLES,
    }
    with Study(study_file) as study:
        runs = study.frame()
    read = pd.read_csv(report_folder / "tables" / "runs.csv")
    pd.testing.assert_frame_equal(read, runs, check_dtype=False)


def test_page_is_one_small_file_that_names_no_other(report_folder: Path) -> None:
    source = (report_folder / "report.html").read_text()
    assert len(source) < 6_000_000
    addresses = re.findall(r'\b(?:src|srcset|href)="([^"]*)"', source)
    assert addresses
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert not re.search(r"<script|@import|url\(", source)


def test_page_says_what_the_notebook_prints(report_folder: Path, study_file: Path) -> None:
    text = text_of(report_folder / "report.html")
    with Study(study_file) as study:
        runs, history, record = study.frame(), study.history(), study.recipes[0]
    for line in record.summary.strip().splitlines():
        assert " ".join(line.split()) in text
    for run in runs.itertuples():
        assert f"{run.seed} {run.test_loss:.4f} {100 * run.test_accuracy:.2f} %" in text
    for row in history.itertuples():
        assert f"val_loss: {row.val_loss:.4f} - val_accuracy: {row.val_accuracy:.4f}" in text
    assert "(1438, 8, 8) (1438, 64) float32" in text
    assert "As a one-hot vector" in text


def test_page_says_how_to_repeat_it(report_folder: Path, study_file: Path) -> None:
    text = text_of(report_folder / "report.html")
    with Study(study_file) as study:
        about, environment = study.dataset, study.environments[0]
    assert "mlplab run digits.toml" in text
    assert about["fingerprint"] in text
    assert environment["versions"]["keras"] in text
    assert environment["machine"]["processor"] in text


def test_without_a_command_the_page_shows_the_call(lone_file: Path, tmp_path: Path) -> None:
    with Study(lone_file) as study:
        text = text_of(write_report(study, tmp_path / "new" / "folder"))
    assert "mlplab.load('digits'), seeds=[0], path='lone.study', validation=200" in text


def test_validation_on_the_test_set_is_said_wherever_its_figures_are(
    report_folder: Path, lone_file: Path, digits: Dataset, tmp_path: Path
) -> None:
    text = text_of(report_folder / "report.html")
    assert "Validation was the test set" in text
    assert "val_loss and val_accuracy are those of the test set" in text
    captions = "Validation examples are the test set itself"
    assert text.count(captions) == 2 * 2  # loss and accuracy of two networks
    with Study(lone_file) as lone:
        held_out = text_of(write_report(lone, tmp_path, dataset=digits))
    assert captions not in held_out
    assert "held out while training: 200 of the training set" in held_out


def test_results_say_what_chance_may_do(report_folder: Path) -> None:
    text = text_of(report_folder / "report.html")
    assert "One test example is 0.28 points of accuracy. With 3 runs of each network, " in text
    assert "may be chance; which are more than that is reckoned below" in text


def test_without_the_dataset_pictures_are_left_out(study: Study, tmp_path: Path) -> None:
    text = text_of(write_report(study, tmp_path))
    names = names_in(tmp_path, "png")
    assert not {"small-misread", "small-flipping", "samples"} & names
    assert {"small-confusion", "small-first-layer"} <= names
    assert "the report was written without the dataset" in text


def test_without_models_and_with_one_run(lone_file: Path, digits: Dataset, tmp_path: Path) -> None:
    with Study(lone_file) as study:
        text = text_of(write_report(study, tmp_path, dataset=digits))
    names = names_in(tmp_path, "png")
    assert not {"small-weights", "small-first-layer", "small-flipping"} & names
    assert {"small-loss", "small-misread"} <= names
    assert "no model is kept. To keep them, run the study with --keep models" in text
    assert "A standard deviation" in text
    assert "take two runs or more" in text


def test_diverged_runs_are_listed_with_their_epoch(
    diverged_file: Path, digits: Dataset, tmp_path: Path
) -> None:
    with Study(diverged_file) as study:
        last = study.history().query("recipe == 'wild'").groupby("seed").epoch.max()
        text = text_of(write_report(study, tmp_path, dataset=digits))
    for seed in (0, 1):
        assert f"wild, seed {seed}: in epoch {last[seed]}" in text
    assert "0 diverged diverged" in text
    assert {"small-seeds", "wild-loss"} <= names_in(tmp_path, "png")
    assert not {"wild-seeds", "wild-confusion"} & names_in(tmp_path, "png")


def test_names_are_text_and_never_html(hostile_file: tuple[Path, Dataset], tmp_path: Path) -> None:
    path, dataset = hostile_file
    with Study(path) as study:
        page = write_report(study, tmp_path, dataset=dataset, command=f"mlplab run '{HOSTILE}'")
    source = page.read_text()
    assert HOSTILE not in source
    assert html.escape(HOSTILE, quote=False).replace('"', "&#34;") in source
    assert {path.parent for path in tmp_path.rglob("*.png")} == {tmp_path / "figures"}


def test_a_report_of_the_same_study_is_written_over(copied_report: Path, study: Study) -> None:
    (copied_report / "figures" / "mine.txt").write_text("kept")
    before = (copied_report / "report.html").read_text()
    write_report(study, copied_report)
    assert (copied_report / "report.html").read_text() != before
    assert (copied_report / "figures" / "mine.txt").read_text() == "kept"
    assert not list(copied_report.rglob(".partial-*"))


def test_a_report_of_another_study_is_not_written_over(
    copied_report: Path, lone_file: Path, study: Study
) -> None:
    with Study(lone_file) as other:
        with pytest.raises(UsageError, match=r"report\.html, which is there already .* --force"):
            write_report(other, copied_report)
        assert study_id_of(copied_report / "report.html") == study.id
        write_report(other, copied_report, force=True)
        assert study_id_of(copied_report / "report.html") == other.id


@pytest.mark.parametrize("name", ["report.html", "figures", "tables"])
def test_what_is_no_report_is_not_written_over(name: str, study: Study, tmp_path: Path) -> None:
    in_the_way = tmp_path / name
    if in_the_way.suffix:
        in_the_way.write_text("<h1>Quarterly figures</h1>")
    else:
        in_the_way.mkdir()
    with pytest.raises(UsageError, match=f"{re.escape(name)}, which is there already"):
        write_report(study, tmp_path)
    assert list(tmp_path.iterdir()) == [in_the_way]


def test_a_page_that_quotes_the_id_is_no_report(study: Study, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(f'<p>&lt;meta name="mlplab-study" content="{study.id}"&gt;</p>')
    assert study_id_of(page) is None


def test_a_file_where_the_folder_should_be(study: Study, tmp_path: Path) -> None:
    target = tmp_path / "report"
    target.write_text("")
    with pytest.raises(UsageError, match="expected a folder for the report, got a file"):
        write_report(study, target, force=True)


def test_a_folder_that_cannot_be_made(lone_file: Path) -> None:
    with Study(lone_file) as study, pytest.raises(StorageError, match="cannot write /proc/nowhere"):
        write_report(study, "/proc/nowhere")


@pytest.mark.parametrize("content", [b"", b"no model", b"PK\x03\x04 half a zip"])
def test_a_kept_model_that_is_none(content: bytes, study_file: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(study_file, tmp_path / study_file.name))
    models = tmp_path / "digits.models"
    models.mkdir()
    (models / "small-seed0.keras").write_bytes(content)
    with (
        Study(path) as study,
        pytest.raises(ModelError, match=r"small-seed0\.keras: expected a Keras model"),
    ):
        write_report(study, tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_another_dataset_is_refused(study: Study, digits: Dataset, tmp_path: Path) -> None:
    other = Dataset("other", digits.test, digits.train, digits.class_names)
    with pytest.raises(DataError, match="expected the dataset of the study, digits"):
        write_report(study, tmp_path, dataset=other)
    assert not list(tmp_path.iterdir())


def test_file_names_are_safe_and_different() -> None:
    labels = ["a", "../a", "..-a", "a/b", "a-b", "a-b-2", "relu-2", "", ".", "é", "x@12ab"]
    names = list(file_names(labels).values())
    assert len(set(names)) == len(labels)
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._+@-]*", name) for name in names)
    assert file_names(["relu-2", "x@12ab"]) == {"relu-2": "relu-2", "x@12ab": "x@12ab"}


def test_the_recipe_is_shown_whole(report_folder: Path, study: Study) -> None:
    description = study.recipes[0].description
    shown = html.unescape((report_folder / "report.html").read_text())
    assert json.dumps(description, indent=2, sort_keys=True) in shown


def test_pictures_on_the_page_are_those_in_the_folder(report_folder: Path) -> None:
    import base64

    source = (report_folder / "report.html").read_text()
    shown = re.findall(
        r'<img class="light" src="data:image/png;base64,([^"]+)" width="(\d+)" height="(\d+)"',
        source,
    )
    files = {path.read_bytes() for path in (report_folder / "figures").glob("*.png")}
    assert len(shown) == len(files)
    for encoded, width, height in shown:
        content = base64.b64decode(encoded)
        assert content in files
        with Image.open(io.BytesIO(content)) as image:
            assert image.size == (int(width), int(height))
