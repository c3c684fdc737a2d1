"""The pages in a real browser, which holds them to their content policy."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from mlplab import Dataset
from mlplab.export import npz_file
from mlplab.serve.limits import Limits
from mlplab.serve.metrics import Metrics
from mlplab.serve.pages import Pages
from mlplab.serve.reader import read
from mlplab.serve.service import Service
from tests.serve.pictures import picture
from tests.serve.running import Running, running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that must not complain, and must not ask anyone else."""
    context = browser.new_context(viewport={"width": 360, "height": 740})
    page = context.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.on("request", lambda request: asked.append(request.url))
    yield page
    context.close()
    assert complaints == []
    assert all(url.startswith("http://127.0.0.1:") for url in asked)


@pytest.fixture(scope="module")
def plain(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A network that does not say what it was trained on."""
    folder = tmp_path_factory.mktemp("plain")
    npz_file.write(replace(npz_file.read(files["npz"]), facts={}), folder / "plain.npz")
    with running(folder / "plain.npz", log=folder / "log") as service:
        yield service


@pytest.fixture(scope="module")
def onnx(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(files["onnx"], log=tmp_path_factory.mktemp("log") / "log") as service:
        yield service


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_fit_a_phone_and_have_their_style(plain: Running, page: Page, path: str) -> None:
    page.goto(plain.url + path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate("getComputedStyle(document.body).maxWidth") == "736px"
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(17, 17, 19)"


def test_a_picture_is_sent_from_the_page(plain: Running, page: Page, mnist: Dataset) -> None:
    page.goto(plain.url)
    content = picture(mnist.test.x[0])
    page.get_by_label("A PNG or JPEG").set_input_files(
        {"name": "seven.png", "mimeType": "image/png", "buffer": content}
    )
    page.get_by_role("button", name="Read it").click()
    page.wait_for_url("**/predict")
    assert '"answer":"7"' in page.inner_text("body")


@pytest.mark.parametrize("which", ["service", "onnx"])
def test_the_page_that_is_drawn_on(
    which: str, request: pytest.FixtureRequest, page: Page, mnist: Dataset
) -> None:
    """It runs under the policy that the service sends, and reads as the service does."""
    service: Running = request.getfixturevalue(which)
    page.set_viewport_size({"width": 1000, "height": 900})
    page.goto(service.url)
    canvas = page.locator("canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2
    page.mouse.move(middle, box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(middle, box["y"] + 0.8 * box["height"], steps=20)
    page.mouse.up()
    x = mnist.test.x[:50]
    told = service.client.post("/predict/batch", json={"x": x.tolist()}).json()
    rows = x.reshape(len(x), -1).tolist()
    read = page.evaluate("rows => rows.map((row) => mlplab.read(row).answer)", rows)
    assert [str(answer) for answer in read] == told["answers"]
    assert "This page's own code" not in page.content()


@pytest.mark.parametrize("which", ["plain", "rows"])
def test_why_there_is_no_page_to_draw_on(which: str, request: pytest.FixtureRequest) -> None:
    service: Running = request.getfixturevalue(which)
    why = (
        "There is no page to draw on. That takes the dataset it was trained on, which the file does"
    )
    assert why in service.client.get("/").text


def test_a_page_that_could_not_be_made_is_made_again(
    files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full, or a source that does not answer, may be there again a minute later."""
    served, limits = read(files["npz"]), Limits(retry_seconds=0)
    pages = Pages(Service(served, limits, Metrics((), served.reader.class_names)), dict)
    (tmp_path / "file").touch()

    async def asked() -> list[str]:
        with monkeypatch.context() as patch:
            patch.setenv("MLPLAB_HOME", str(tmp_path / "file"))
            first = await pages.home()
        return [bytes(reply.body).decode() for reply in (first, await pages.home())]

    with ThreadPoolExecutor(1) as pool:  # a browser's loop runs in this thread
        first, second = pool.submit(lambda: asyncio.run(asked())).result()
    assert "mnist, which could not be loaded; the log of the service says why" in first
    assert str(tmp_path) not in first
    assert "<canvas" in second
