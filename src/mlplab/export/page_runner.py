"""Running a written page's own code over many pictures, outside any page that is looked at.

Node runs it where there is one, else a Chromium or Chrome without a window. One that cannot, since
it is too old or may not read temporary files, is passed over with a warning. Where none can, the
caller is told so.
"""

from __future__ import annotations

import base64
import logging
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mlplab.errors import FailedError
from mlplab.export.network import Array
from mlplab.export.page_file import page_parts

NODE = "node"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MACOS = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
_SECONDS = 600  # for the whole test set of a large ensemble

_log = logging.getLogger(__name__)

_NODE = """
const {readFileSync, writeFileSync} = require("node:fs");
globalThis.mlplabData = JSON.parse(readFileSync("data.json", "utf8"));
(0, eval)(readFileSync("reading.js", "utf8"));
const bytes = readFileSync("pictures");
const pictures = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
writeFileSync("read", Buffer.from(mlplab.readAll(pictures).buffer));
"""

_BROWSER = """<!doctype html><meta charset="utf-8"><body>
<script id="model" type="application/json">{data}</script>
<script>{code}</script>
<script>
const raw = Uint8Array.from(atob("{pictures}"), (each) => each.charCodeAt(0));
const read = new Uint8Array(mlplab.readAll(new Float32Array(raw.buffer)).buffer);
let text = "";
for (const byte of read) text += byte.toString(16).padStart(2, "0");
document.body.textContent = `read:${{text}}:read`;
</script>
"""


class Reading(NamedTuple):
    """What a page's code read.

    Attributes:
        probabilities: shape (n, n_classes).
        by: what ran it, for instance ``"Node"``.
    """

    probabilities: Array
    by: str


def read_by_page(path: str | Path, x: npt.NDArray[Any]) -> Reading | None:
    """Run the code of a written page over pictures.

    Args:
        path: a file that ``write_page`` wrote.
        x: pictures as the network takes them, shape (n, height, width) or (n, height, width, 1).

    Returns:
        What it read, or None where no Node and no browser that is installed runs it.

    Raises:
        ModelError: the file is no page that mlplab wrote.
    """
    data, code = page_parts(path)
    pictures = np.ascontiguousarray(x.reshape(len(x), -1), "<f4").tobytes()
    for name, program, run in _runners():
        try:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                raw = run(program, Path(folder), data, code, pictures)
        except (FailedError, OSError) as error:
            _log.warning("%s (%s) does not run the page's code: %s", name, program, error)
            continue
        return Reading(np.frombuffer(raw, "<f4").reshape(len(x), -1).astype(np.float32), name)
    return None


_Run = Callable[[str, Path, str, str, bytes], bytes]


def _runners() -> Iterator[tuple[str, str, _Run]]:
    """Yield name and path of each program that may run a page's code, and how it does."""
    if node := shutil.which(NODE):
        yield "Node", node, _run_node
    for browser in installed_browsers():
        yield "Chromium", browser, _run_browser


def installed_browsers() -> Iterator[str]:
    """Yield the paths of each Chromium or Chrome of this machine."""
    for name in BROWSERS:
        if path := shutil.which(name):
            yield path
    if MACOS.exists():
        yield str(MACOS)


def _run_node(program: str, folder: Path, data: str, code: str, pictures: bytes) -> bytes:
    (folder / "data.json").write_text(data, encoding="utf-8")
    (folder / "reading.js").write_text(code, encoding="utf-8")
    (folder / "pictures").write_bytes(pictures)
    _call([program, "-e", _NODE], folder)
    return (folder / "read").read_bytes()


def _run_browser(program: str, folder: Path, data: str, code: str, pictures: bytes) -> bytes:
    page = folder / "run.html"
    text = base64.b64encode(pictures).decode()
    page.write_text(_BROWSER.format(data=data, code=code, pictures=text), encoding="utf-8")
    options = ["--headless", "--disable-gpu", f"--user-data-dir={folder / 'home'}"]
    if os.geteuid() == 0:
        options.append("--no-sandbox")  # for root, Chromium has none
    shown = _call([program, *options, "--dump-dom", page.as_uri()], folder)
    read = re.search(r"read:([0-9a-f]*):read", shown)
    if not read:
        raise FailedError("expected probabilities from the page's code, got none")
    return bytes.fromhex(read[1])


def _call(command: Sequence[str], folder: Path) -> str:
    try:
        done = subprocess.run(  # noqa: S603
            command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise FailedError(f"expected an end within {_SECONDS} seconds, got none") from error
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise FailedError(f"expected the page's code to run, got: {last}")
    return done.stdout
