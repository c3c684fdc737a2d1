"""Takes the picture of docs/page.md: a page of one's own, drawn on in a real browser.

python -m benchmarks.page_picture PAGE.html docs/images/page.png
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from mlplab.export.page_runner import installed_browsers

# A four whose top nearly closes, in parts of the pad's side.
STROKES = [
    [(0.46, 0.21), (0.36, 0.28), (0.3, 0.42), (0.36, 0.53), (0.54, 0.5), (0.66, 0.36), (0.66, 0.2)],
    [(0.66, 0.21), (0.67, 0.45), (0.63, 0.62), (0.58, 0.84)],
]
WIDTH, HEIGHT = 1240, 1470


def rounded(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Cut the corners of a stroke, three times over (Chaikin)."""
    for _ in range(3):
        cut = [
            ((1 - t) * x + t * next_x, (1 - t) * y + t * next_y)
            for (x, y), (next_x, next_y) in pairwise(points)
            for t in (0.25, 0.75)
        ]
        points = [points[0], *cut, points[-1]]
    return points


def draw(page: Page) -> None:
    """Draw the strokes with the mouse."""
    box = page.locator("#pad").bounding_box()
    if box is None:
        raise SystemExit("expected a page with a pad to draw on, got another")
    for stroke in STROKES:
        places = [
            (box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in rounded(stroke)
        ]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=2)
        page.mouse.up()


def main(source: Path, picture: Path) -> None:
    """Open a page, draw on it, and write what is seen."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=next(installed_browsers(), None), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(source.resolve().as_uri())
        draw(page)
        page.wait_for_timeout(1000)
        page.screenshot(path=picture)
        print(page.locator("#sure").inner_text(), "|", page.locator("#doubt").inner_text())
        browser.close()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
