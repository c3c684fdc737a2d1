"""Pages opened in a real browser, and what is asked of every one of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page


@contextmanager
def opened(
    browser: Browser, path: Path, width: int = 1280, scheme: str = "light", **options: Any
) -> Iterator[Page]:
    """Open a page, and see afterwards that it asked for nothing and complained of nothing."""
    page = browser.new_page(
        viewport={"width": width, "height": 900}, color_scheme=scheme, **options
    )
    asked, complaints = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        page.goto(path.as_uri())
        page.wait_for_load_state("networkidle")
        yield page
        assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
        assert complaints == []
    finally:
        page.close()


def lowest_contrast(page: Page, selector: str) -> float:
    """The lowest contrast of the text of the elements that are shown with their ground."""
    found = page.evaluate(
        """selector => [...document.querySelectorAll(selector)]
            .filter(each => each.checkVisibility() && each.textContent.trim())
            .map(each => {
                const ground = node => {
                    const color = getComputedStyle(node).backgroundColor;
                    return color !== 'rgba(0, 0, 0, 0)' ? color : ground(node.parentElement);
                };
                return [getComputedStyle(each).color, ground(each)];
            })""",
        selector,
    )
    assert len(found) > 100
    return min(contrast(*pair) for pair in {tuple(pair) for pair in found})


def contrast(first: str, second: str) -> float:
    """Contrast of two CSS colours as WCAG 2 defines it, from 1 to 21."""
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(color: str) -> float:
    """Relative luminance of an opaque CSS colour, from 0 to 1."""
    channels = [int(part) / 255 for part in color.removeprefix("rgb(").rstrip(")").split(",")]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
