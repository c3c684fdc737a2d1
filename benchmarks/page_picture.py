"""Takes the picture of docs/page.md: a page of one's own, drawn on in a real browser.

python -m benchmarks.page_picture PAGE.html docs/images/page.png
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from mlplab.export.page_runner import installed_browsers

# A four whose top nearly closes, in parts of the pad's side.
STROKES = [
    [(0.42, 0.22), (0.34, 0.36), (0.32, 0.49), (0.42, 0.53), (0.56, 0.48), (0.64, 0.38)],
    [(0.63, 0.2), (0.64, 0.38), (0.62, 0.6), (0.58, 0.84)],
]
WIDTH, HEIGHT = 1240, 1010


def draw(page: Page) -> None:
    """Draw the strokes with the mouse."""
    box = page.locator("#pad").bounding_box()
    if box is None:
        raise SystemExit("expected a page with a pad to draw on, got another")
    for stroke in STROKES:
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=8)
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
