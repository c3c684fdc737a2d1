"""Reports in a real browser: wide and narrow, light and dark, on paper."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from mlplab import Dataset, Study
from mlplab.report import write_report
from tests.opened import lowest_contrast, opened
from tests.report.conftest import HOSTILE

SIZES = [1280, 360]
SCHEMES = ["light", "dark"]


def visible_images(page: Page) -> list[tuple[str, int]]:
    """Theme and width of each image that is shown."""
    found: list[tuple[str, int]] = page.evaluate(
        "[...document.images].filter(i => i.checkVisibility())"
        ".map(i => [i.className, i.clientWidth])"
    )
    return found


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", SIZES)
def test_page_fits_and_shows_every_picture(
    browser: Browser, report_folder: Path, width: int, scheme: str
) -> None:
    with opened(browser, report_folder / "report.html", width, scheme) as page:
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        images = page.evaluate(
            "[...document.images].map(i => [i.alt, i.complete && i.naturalWidth])"
        )
        n_figures = len(list((report_folder / "figures").glob("*.png")))
        assert len(images) == 2 * n_figures  # for a light page and for a dark one
        assert all(alt.strip() and natural > 0 for alt, natural in images)
        shown = visible_images(page)
        assert len(shown) == n_figures
        assert {scheme} == {name for name, _ in shown}
        assert all(size > 0.7 * min(width, 400) for _, size in shown)


@pytest.mark.parametrize(("scheme", "is_dark"), [("light", False), ("dark", True)])
def test_page_follows_the_scheme(
    browser: Browser, report_folder: Path, scheme: str, is_dark: bool
) -> None:
    with opened(browser, report_folder / "report.html", scheme=scheme) as page:
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        red = int(background.removeprefix("rgb(").split(",")[0])
        assert (red < 60) is is_dark


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_stands_out_from_its_ground(
    browser: Browser, report_folder: Path, scheme: str
) -> None:
    with opened(browser, report_folder / "report.html", scheme=scheme) as page:
        assert lowest_contrast(page, "p, h2, td, th, figcaption, caption, a") >= 4.5


def test_page_has_landmarks_headings_and_named_tables(
    browser: Browser, report_folder: Path
) -> None:
    with opened(browser, report_folder / "report.html") as page:
        for landmark in ("main", "nav", "header", "footer"):
            assert page.locator(landmark).count() == 1
        levels = page.evaluate(
            "[...document.querySelectorAll('h1,h2,h3,h4')].map(h => Number(h.tagName[1]))"
        )
        assert levels.count(1) == 1
        assert page.evaluate("[...document.querySelectorAll('table')].every(t => t.caption)")
        assert page.evaluate("[...document.querySelectorAll('th')].every(t => t.scope)")
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
        assert len(ids) == len(set(ids))
        broken = page.evaluate(
            "[...document.querySelectorAll('a')].filter("
            "a => !document.getElementById(decodeURIComponent(a.hash.slice(1)))).length"
        )
        assert broken == 0


def test_printed_page_is_light_whatever_the_screen(browser: Browser, report_folder: Path) -> None:
    with opened(browser, report_folder / "report.html", scheme="dark") as page:
        page.emulate_media(media="print", color_scheme="dark")
        assert {name for name, _ in visible_images(page)} == {"light"}
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert background == "rgb(255, 255, 255)"
        assert page.pdf().startswith(b"%PDF")


@pytest.mark.parametrize("width", SIZES)
def test_hostile_names_are_shown_as_they_are(
    browser: Browser, hostile_file: tuple[Path, Dataset], tmp_path: Path, width: int
) -> None:
    path, dataset = hostile_file
    with Study(path) as study:
        report = write_report(study, tmp_path, dataset=dataset)
    with opened(browser, report, width) as page:
        assert page.title() == f"1 network on {HOSTILE}, 2 runs"
        assert page.locator("script").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert HOSTILE in page.locator("main").inner_text()


@pytest.mark.parametrize("width", SIZES)
def test_diverged_study_without_dataset_fits(
    browser: Browser, diverged_file: Path, tmp_path: Path, width: int
) -> None:
    with Study(diverged_file) as study:
        report = write_report(study, tmp_path)
    with opened(browser, report, width) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.get_by_role("heading", name="Runs that diverged").is_visible()
