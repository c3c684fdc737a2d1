"""Finds a Chromium or Chrome for the tests that open the report.

Run as a script it ends with 0 where there is one that works, and with 1 where there is none.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from mlplab.export.page_runner import BROWSERS, installed_browsers

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class NoBrowserError(RuntimeError):
    """There is no Chromium or Chrome that works."""


def find_browser() -> str:
    """Return the path of a Chromium or Chrome that tells its version."""
    for path in candidates():
        if works(path):
            return path
    raise NoBrowserError(f"expected a Chromium or Chrome, found none of {', '.join(BROWSERS)}")


def candidates() -> Iterator[str]:
    """Browsers of the system first, then the one that Playwright may have installed."""
    yield from installed_browsers()
    yield from playwright_browser()


def playwright_browser() -> Iterator[str]:
    """The path at which Playwright keeps its own Chromium, if it is there."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    if Path(path).exists():
        yield path


def works(path: str) -> bool:
    """Whether a browser starts far enough to tell its version."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


if __name__ == "__main__":
    try:
        find_browser()
    except NoBrowserError as error:
        sys.exit(str(error))
