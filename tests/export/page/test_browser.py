"""The page in a real browser: drawn on with mouse, finger and keys, and asked what it computes."""

from __future__ import annotations

import base64
import dataclasses
import math
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from mlplab import Dataset
from mlplab.data.framing import frame
from mlplab.export.ensemble import Ensemble
from mlplab.export.measures import measure
from mlplab.export.network import Dense, Network
from mlplab.export.page import write_page
from mlplab.export.quantize import quantize
from tests.export.page.test_page import TOLERANCE, everything
from tests.opened import lowest_contrast, opened

SCHEMES = ["light", "dark"]
WIDTHS = [1280, 360]

Point = tuple[float, float]

# Strokes in parts of the pad's side.
ZERO = [
    [(0.5 + 0.2 * math.sin(t / 10), 0.5 - 0.3 * math.cos(t / 10)) for t in range(64)],
]
ONE = [[(0.52, 0.15), (0.48, 0.85)]]
SEVEN = [[(0.28, 0.22), (0.7, 0.22), (0.6, 0.5), (0.45, 0.85)]]
DRAWN = [("0", ZERO), ("1", ONE), ("7", SEVEN)]


def on_pad(page: Page, point: Point) -> Point:
    box = page.locator("#pad").bounding_box()
    return box["x"] + point[0] * box["width"], box["y"] + point[1] * box["height"]


def draw(page: Page, strokes: list[list[Point]]) -> None:
    page.locator("#pad").scroll_into_view_if_needed()
    for first, *others in strokes:
        page.mouse.move(*on_pad(page, first))
        page.mouse.down()
        for point in others:
            page.mouse.move(*on_pad(page, point), steps=3)
        page.mouse.up()
    settle(page)


def settle(page: Page) -> None:
    """Wait until everything on the page has followed, what is spoken too."""
    page.wait_for_timeout(1000)


def text(page: Page, selector: str) -> str:
    return page.locator(selector).inner_text()


def as_base64(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


BYTES = """
    const bytesOf = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
    const textOf = bytes => {
        let binary = '';
        for (const byte of bytes) binary += String.fromCharCode(byte);
        return btoa(binary);
    };
"""


def from_base64(text: str, kind: str = "u1") -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


def read_all(page: Page, pictures: np.ndarray) -> np.ndarray:
    """Ask the page's own code for the probabilities of pictures of bytes."""
    read = page.evaluate(
        f"""text => {{ {BYTES}
            return textOf(new Uint8Array(mlplab.readAll(bytesOf(text)).buffer));
        }}""",
        as_base64(pictures),
    )
    return from_base64(read, "<f4").reshape(len(pictures), -1)


def test_over_all_test_pictures_the_page_computes_what_python_computes(
    browser: Browser, pair: Ensemble, mnist: Dataset, pair_page: Path
):
    with opened(browser, pair_page) as page:
        read = read_all(page, mnist.test.x)
    expected = quantize(pair, "int8").probabilities(mnist.test.x)
    assert read.shape == (10_000, 10)
    assert np.abs(read - expected).max() < TOLERANCE
    assert (read.argmax(axis=1) == expected.argmax(axis=1)).all()


@pytest.mark.parametrize(("name", "strokes"), DRAWN)
def test_a_digit_drawn_with_the_mouse_is_read(
    browser: Browser, pair_page: Path, name: str, strokes: list[list[Point]]
):
    with opened(browser, pair_page) as page:
        assert text(page, "#sure") == "Nothing drawn yet"
        draw(page, strokes)
        assert text(page, "#answer") == name
        assert text(page, "#sure").startswith(f"Read as {name}, ")
        rows = page.locator("#bars tr").all_inner_texts()
        numbers = [float(row.split()[1]) for row in rows]
        assert np.argmax(numbers) == int(name)
        assert sum(numbers) == pytest.approx(100, abs=0.5)
        for _ in range(100):  # it is told when the hand has rested a while
            if text(page, "#live"):
                break
            page.wait_for_timeout(100)
        assert text(page, "#live").startswith(f"Read as {name}, ")


def test_a_digit_is_read_while_it_is_drawn_and_told_when_the_hand_rests(
    browser: Browser, pair_page: Path
):
    with opened(browser, pair_page) as page:
        page.mouse.move(*on_pad(page, ONE[0][0]))
        page.mouse.down()
        page.mouse.move(*on_pad(page, ONE[0][1]), steps=10)
        page.wait_for_function("document.querySelector('#answer').textContent !== '–'")
        assert text(page, "#live") == ""
        page.mouse.up()
        settle(page)
        assert text(page, "#live").startswith("Read as 1")


def test_strokes_are_taken_back_and_cleared(browser: Browser, pair_page: Path):
    with opened(browser, pair_page) as page:
        undo, clear = (page.get_by_role("button", name=name) for name in ("Undo", "Clear"))
        assert undo.is_disabled()
        assert clear.is_disabled()
        draw(page, ZERO)
        first = text(page, "#sure")
        draw(page, [[(0.2, 0.5), (0.8, 0.5)]])
        assert text(page, "#sure") != first
        undo.click()
        settle(page)
        assert text(page, "#sure") == first
        clear.click()
        settle(page)
        assert text(page, "#sure") == "Nothing drawn yet"
        assert text(page, "#live") == "Nothing drawn"
        assert clear.is_disabled()
        assert not page.locator("#why").is_visible()


def test_a_finger_draws_on_a_phone_and_does_not_scroll(browser: Browser, pair_page: Path):
    with opened(browser, pair_page, 360, has_touch=True, is_mobile=True) as page:
        page.locator("#pad").scroll_into_view_if_needed()
        before = page.evaluate("scrollY")
        session = page.context.new_cdp_session(page)
        points = [on_pad(page, (0.5, 0.15 + 0.07 * k)) for k in range(11)]
        for kind, place in [
            ("touchStart", points[0]),
            *(("touchMove", point) for point in points[1:]),
            ("touchEnd", None),
        ]:
            touches = [{"x": place[0], "y": place[1]}] if place else []
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
        settle(page)
        assert text(page, "#answer") == "1"
        assert page.evaluate("scrollY") == before


def test_a_pen_draws(browser: Browser, pair_page: Path):
    with opened(browser, pair_page) as page:
        page.evaluate(
            """() => {
                window.kinds = new Set();
                document.querySelector('#pad')
                    .addEventListener('pointermove', event => kinds.add(event.pointerType));
            }"""
        )
        session = page.context.new_cdp_session(page)
        points = [on_pad(page, (0.5, 0.15 + 0.07 * k)) for k in range(11)]
        for kind, (x, y), buttons in [
            ("mouseMoved", points[0], 0),
            ("mousePressed", points[0], 1),
            *(("mouseMoved", point, 1) for point in points[1:]),
            ("mouseReleased", points[-1], 0),
        ]:
            event = {"type": kind, "x": x, "y": y, "pointerType": "pen", "force": 0.5}
            pressed = {"button": "left" if buttons or kind == "mouseReleased" else "none"}
            clicks = {"buttons": buttons, "clickCount": 1}
            session.send("Input.dispatchMouseEvent", event | pressed | clicks)
        settle(page)
        assert page.evaluate("[...kinds]") == ["pen"]
        assert text(page, "#answer") == "1"


def test_everything_can_be_done_by_keyboard(browser: Browser, pair_page: Path):
    with opened(browser, pair_page) as page:
        press = page.keyboard.press
        press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        press("Tab")
        assert page.evaluate("document.activeElement.id") == "pad"
        for _ in range(10):
            press("ArrowUp")
        press("Space")
        assert text(page, "#live") == "Pen down"
        for _ in range(5):
            press("Shift+ArrowDown")
        press("Space")
        assert text(page, "#live") == "Pen up"
        settle(page)
        assert text(page, "#answer") == "1"
        press("Backspace")
        settle(page)
        assert text(page, "#sure") == "Nothing drawn yet"
        # Nothing is left to undo or clear, so that the pen comes next, then the pictures.
        press("Tab")
        assert page.evaluate("document.activeElement.id") == "pen"
        press("Tab")
        press("Space")
        settle(page)
        label = page.evaluate("document.activeElement.ariaLabel")
        assert label.startswith("Test picture ")
        assert text(page, "#answer") == "0"
        press("ArrowRight")
        press("ArrowRight")
        settle(page)
        assert text(page, "#answer") == "1"
        press("Tab")
        assert page.evaluate("document.activeElement.name") == "meant"
        press("ArrowRight")
        assert page.locator("input[name=meant]:checked").get_attribute("value") == "2"
        said = text(page, "#misread-text")
        assert re.fullmatch(r"It is read as 1, \d+\.\d %; 2 is given \d+\.\d %\.\s*", said), said


def test_focus_is_seen(browser: Browser, pair_page: Path):
    with opened(browser, pair_page) as page:
        for name in ("skip", "pad", "pen", "sample", "meant"):
            page.keyboard.press("Tab")
            found, *outlines = page.evaluate(
                """() => {
                    const it = document.activeElement;
                    const around = [it, it.nextElementSibling, it.parentElement];
                    return [it.name || it.id || it.className, ...around.filter(Boolean)
                        .map(each => getComputedStyle(each).outlineStyle)];
                }"""
            )
            assert found == name
            assert "solid" in outlines


def drawings(page: Page, n: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Random drawings of all sizes and pens: ink as bytes, and as the page frames it."""
    found = page.evaluate(
        f"n => {{ {BYTES}"
        """
            const seeds = Uint32Array.of(1);
            const random = () => {
                seeds[0] = 1664525 * seeds[0] + 1013904223;
                return seeds[0] / 2 ** 32;
            };
            const canvas = document.createElement('canvas');
            canvas.width = canvas.height = 280;
            const context = canvas.getContext('2d', {willReadFrequently: true});
            context.lineCap = context.lineJoin = 'round';
            return Array.from({length: n}, () => {
                context.clearRect(0, 0, 280, 280);
                context.lineWidth = 2 + 38 * random() ** 2;
                const size = 12 + 180 * random();
                const [x, y] = [30 + (220 - size) * random(), 30 + (220 - size) * random()];
                for (let stroke = 0; stroke < 1 + 2 * random(); stroke++) {
                    context.beginPath();
                    for (let k = 0; k < 5; k++) {
                        context.lineTo(x + size * random(), y + size * random());
                    }
                    context.stroke();
                }
                const {data} = context.getImageData(0, 0, 280, 280);
                const bytes = Uint8Array.from({length: 280 * 280}, (_, k) => data[4 * k + 3]);
                const framed = mlplab.frame(Float64Array.from(bytes, b => b / 255), 280, 280);
                return [bytes, framed].map(textOf);
            });
        }""",
        n,
    )
    return [
        (from_base64(ink).reshape(280, 280), from_base64(framed).reshape(28, 28))
        for ink, framed in found
    ]


def test_drawings_are_framed_as_python_frames_them(browser: Browser, lone_page: Path):
    with opened(browser, lone_page) as page:
        found = drawings(page, 60)
    differences = [
        np.abs(framed.astype(int) - frame(ink).astype(int)).max() for ink, framed in found
    ]
    assert max(differences) <= 1, differences  # of 255 grey levels


def test_test_pictures_enlarged_are_framed_as_python_frames_them(
    browser: Browser, lone_page: Path, mnist: Dataset
):
    pictures = np.kron(mnist.test.x[:40], np.ones((1, 10, 10), np.uint8))
    with opened(browser, lone_page) as page:
        framed = page.evaluate(
            f"""texts => {{ {BYTES}
                return texts.map(t => Array.from(
                    mlplab.frame(Float64Array.from(bytesOf(t), b => b / 255), 280, 280)));
            }}""",
            [as_base64(picture) for picture in pictures],
        )
    for picture, got in zip(pictures, framed, strict=True):
        expected = frame(np.pad(picture, 10))[...].astype(int)
        assert np.abs(np.reshape(got, (28, 28)) - expected).max() <= 3


def test_nothing_is_framed_as_nothing(browser: Browser, lone_page: Path):
    with opened(browser, lone_page) as page:
        assert page.evaluate("mlplab.frame(new Float64Array(280 * 280), 280, 280)") is None
        message = page.evaluate(
            "() => { try { mlplab.read([1, 2]) } catch (error) { return String(error) } }"
        )
        assert message == "RangeError: expected 784 pixels (28 x 28), got 2"


def test_digits_are_measured_as_python_measures_them(
    browser: Browser, lone_page: Path, mnist: Dataset
):
    pictures = np.concatenate([mnist.test.x[:200], np.zeros((1, 28, 28), np.uint8)])
    with opened(browser, lone_page) as page:
        found = page.evaluate(
            f"texts => {{ {BYTES} return texts.map(t => mlplab.measure(bytesOf(t))); }}",
            [as_base64(picture) for picture in pictures],
        )
    for picture, got in zip(pictures, found, strict=True):
        assert got == pytest.approx(measure(picture / 255), rel=1e-9, abs=1e-9)


GRADIENTS = """([pixels, a, b]) => {
    const margin = at => mlplab.explain(at, a, b).margin;
    const {pixels: spoken} = mlplab.explain(pixels, a, b);
    const h = 1e-3;
    return pixels.flatMap((value, i) => {
        if (!value) return spoken[i] === 0 ? [] : [[i, NaN]];
        const moved = step => margin(pixels.map((v, k) => k === i ? v + step : v));
        const [up, down] = [h, -h].map(moved);
        return [[spoken[i], value * (up - down) / (2 * h)]];
    });
}"""


def test_what_pixels_speak_is_value_times_gradient_through_every_kind_of_step(
    browser: Browser, digits: Dataset, tmp_path: Path
):
    path = write_page(Ensemble((everything(8, 8),) * 2, digits.class_names), digits, tmp_path / "a")
    page_path = path.rename(tmp_path / "all.html")
    with opened(browser, page_path) as page:
        for picture in digits.test.x[:3]:
            pairs = np.array(page.evaluate(GRADIENTS, [picture.ravel().tolist(), 3, 7]))
            assert np.abs(pairs).max() > 1e-4
            np.testing.assert_allclose(pairs[:, 0], pairs[:, 1], rtol=2e-3, atol=1e-7)


def test_pixels_of_a_relu_network_add_up_to_the_margin_but_for_a_constant(
    browser: Browser, lone_page: Path, mnist: Dataset
):
    """Along a ray on which no unit switches, the margin is a line whose slope the pixels are."""
    with opened(browser, lone_page) as page:
        for picture in mnist.test.x[:5]:
            change, spoken = page.evaluate(
                """pixels => {
                    const [one, more] = [1, 1 + 1e-6].map(
                        scale => mlplab.explain(pixels.map(v => v * scale), 3, 7));
                    return [(more.margin - one.margin) / 1e-6, one.pixels.reduce((a, b) => a + b)];
                }""",
                picture.ravel().tolist(),
            )
            assert change == pytest.approx(spoken, rel=1e-3, abs=1e-3)


def test_a_misread_test_picture_is_explained(browser: Browser, pair_page: Path):
    with opened(browser, pair_page) as page:
        sample = page.locator("label.misread input").first
        sample.focus()
        sample.press("Space")
        settle(page)
        _, _, said = sample.get_attribute("aria-label").partition(": ")
        label, answer = said.split(", read as ")
        assert text(page, "#answer") == answer
        assert page.locator("input[name=meant]:checked").get_attribute("value") == label
        assert text(page, "#misread-text").startswith(f"It is read as {answer}, ")
        assert f"; {label} is given" in text(page, "#misread-text")
        assert text(page, "#unusual").endswith(f"unusual for {label}.") or text(
            page, "#unusual"
        ).startswith(f"Unusual for {label}: ")
        assert page.locator("#measures tr").count() == 6
        assert page.locator("#changes li").count() == 6
        for each in page.locator("#changes li").all():
            is_good = each.get_attribute("class") == "good"
            assert (f"reads {label};" in each.inner_text()) is is_good
        assert text(page, "#tried").startswith("14 small changes of the picture were tried")
        assert page.locator("#units canvas").count() == 8


def test_the_small_changes_that_help_are_marked(browser: Browser, pair_page: Path):
    """Of the misread pictures, there is one that a small change lets be read as what it is."""
    n_good = 0
    with opened(browser, pair_page) as page:
        for sample in page.locator("label.misread input").all():
            sample.focus()
            sample.press("Space")
            settle(page)
            label = page.locator("input[name=meant]:checked").get_attribute("value")
            good = page.locator("#changes li.good").all_inner_texts()
            assert all(f"reads {label};" in each for each in good)
            n_good += len(good)
            if n_good:
                break
    assert n_good > 0


def sure_of_five(network: Network) -> Network:
    """The same network, which now reads everything as a five."""
    *steps, dense, softmax = network.steps
    assert isinstance(dense, Dense)
    bias = dense.bias + 100 * np.eye(10, dtype=np.float32)[5]
    return Network(network.input_shape, (*steps, Dense(dense.kernel, bias), softmax))


def test_doubt_is_what_the_networks_say_each_by_itself(
    browser: Browser, pair: Ensemble, mnist: Dataset, tmp_path: Path
):
    first, second = pair.networks
    split = dataclasses.replace(pair, networks=(first, sure_of_five(second)))
    path = write_page(split, mnist, tmp_path / "split.html")
    with opened(browser, path) as page:
        answers = page.evaluate(
            f"""() => {{ {BYTES}
                const pictures = bytesOf(mlplab.data.samples.pixels);
                return mlplab.data.samples.index.map((_, i) =>
                    mlplab.read(pictures.subarray(784 * i, 784 * (i + 1)))
                        .members.map(each => each.indexOf(Math.max(...each))));
            }}"""
        )
        for agree, words in [
            (True, "All 2 networks agree"),
            (False, "In doubt: 1 of 2 networks would read"),
        ]:
            i = next(i for i, (a, b) in enumerate(answers) if (a == b) is agree)
            sample = page.locator("input[name=sample]").nth(i)
            sample.focus()
            sample.press("Space")
            settle(page)
            assert words in text(page, "#doubt")
        assert page.locator(".mark").count() == 20


def test_only_shrunk_a_drawing_in_a_corner_is_read_otherwise(browser: Browser, pair_page: Path):
    corner = [[(0.05 + x / 4, 0.05 + y / 4) for x, y in stroke] for stroke in SEVEN]
    with opened(browser, pair_page) as page:
        page.locator("#pen").fill("8")
        draw(page, corner)
        assert text(page, "#answer") == "7"
        assert "Only shrunk to 28 × 28, without framing, the same drawing would be read as" in text(
            page, "#misread-text"
        )


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_page_fits_and_can_be_read_in_both_schemes(
    browser: Browser, pair_page: Path, width: int, scheme: str
):
    with opened(browser, pair_page, width, scheme) as page:
        draw(page, SEVEN)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (int(background[4:].split(",")[0]) < 60) is (scheme == "dark")
        words = "p, h1, h2, h3, td, th, figcaption, i, b, dt, dd, label, button, legend, span, li"
        assert lowest_contrast(page, words) >= 4.5


def test_on_a_phone_the_answer_is_seen_while_drawing(browser: Browser, pair_page: Path):
    with opened(browser, pair_page, 360) as page:
        draw(page, SEVEN)
        pad, answer = (page.locator(each).bounding_box() for each in ("#pad", "#answer"))
        assert answer["y"] < pad["y"]
        assert pad["y"] + pad["height"] - answer["y"] < 640


def test_everything_has_a_name_and_a_place(browser: Browser, pair_page: Path):
    with opened(browser, pair_page) as page:
        draw(page, SEVEN)
        for landmark in ("main", "header", "footer", "h1"):
            assert page.locator(landmark).count() == 1
        levels = page.evaluate(
            "[...document.querySelectorAll('h1,h2,h3,h4')].map(h => Number(h.tagName[1]))"
        )
        assert all(b - a <= 1 for a, b in pairwise(levels))
        nameless = page.evaluate(
            """() => [...document.querySelectorAll('input, button, canvas, [role]')].filter(e =>
                e.checkVisibility() && e.ariaHidden !== 'true' && !e.ariaLabel &&
                !e.getAttribute('aria-labelledby') && !e.textContent.trim() && !e.labels?.length
            ).map(e => e.outerHTML)"""
        )
        assert nameless == []
        assert page.evaluate("[...document.querySelectorAll('table')].every(t => t.caption)")
        assert page.evaluate("[...document.querySelectorAll('th')].every(t => t.scope)")
        assert page.evaluate(
            "[...document.querySelectorAll('fieldset')]"
            ".every(f => f.firstElementChild.matches('legend'))"
        )
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
        assert len(ids) == len(set(ids))
        small = page.evaluate(
            """() => [...document.querySelectorAll('button, .choices label, .strip label')]
                .filter(e => Math.min(e.offsetWidth, e.offsetHeight) < 24).length"""
        )
        assert small == 0


def test_nothing_moves_for_those_who_ask_for_rest(browser: Browser, pair_page: Path):
    with opened(browser, pair_page, reduced_motion="reduce") as page:
        durations = page.evaluate(
            "[...document.querySelectorAll('.fill')]"
            ".map(e => getComputedStyle(e).transitionDuration)"
        )
        assert set(durations) == {"0s"}


def test_code_from_elsewhere_does_not_run(browser: Browser, lone_page: Path, tmp_path: Path):
    path = tmp_path / "injected.html"
    injected = "<script>document.title = 'broken'</script></body>"
    path.write_text(lone_page.read_text().replace("</body>", injected))
    page = browser.new_page()
    refused = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(path.as_uri())
    assert page.title() == "bn-dropout-3 reads your digit"
    assert page.evaluate("typeof mlplab.read") == "function"
    assert any("Content Security Policy" in each for each in refused)
    page.close()
