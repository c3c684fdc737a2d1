"""Framing: MNIST's own images stay as they are, and other pictures of them become them."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from mlplab.data import Dataset
from mlplab.data.framing import frame
from mlplab.errors import DataError

Picture = npt.NDArray[np.uint8]

N = 60
WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def enlarged(digit: Picture, side: int, method: int = Image.Resampling.BICUBIC) -> Picture:
    return np.asarray(Image.fromarray(digit).resize((side, side), method))


def on_sheet(digit: Picture, height: int, width: int, top: int, left: int) -> Picture:
    sheet = np.zeros((height, width), np.uint8)
    sheet[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return sheet


def as_jpeg(picture: Picture, quality: int = 75) -> Image.Image:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=quality)
    return Image.open(stream)


def photographed(digit: Picture) -> Picture:
    """Dark ink on grey paper, lit from one corner, with a camera's noise."""
    ink = on_sheet(enlarged(digit, 140), 200, 250, 30, 50) / 255
    y, x = np.mgrid[0:1:200j, 0:1:250j]
    paper = 210 - 60 * x - 30 * y - 40 * x**2
    noise = np.random.default_rng(0).normal(0, 4, ink.shape)
    return (paper * (1 - 0.75 * ink) + noise).clip(0, 255).astype(np.uint8)


def seven(
    size: tuple[int, int] = (400, 300),
    paper: object = WHITE,
    ink: object = BLACK,
    width: int = 14,
    mode: str = "RGB",
) -> Image.Image:
    picture = Image.new(mode, size, paper)  # type: ignore[arg-type]
    points = [(130, 80), (230, 80), (170, 240)]
    ImageDraw.Draw(picture).line(points, fill=ink, width=width, joint="curve")  # type: ignore[arg-type]
    return picture


def difference(a: Picture, b: Picture) -> float:
    return float(np.abs(a.astype(int) - b).mean())


def answers(model: keras.Model, pictures: list[Picture]) -> npt.NDArray[np.int64]:
    return np.asarray(model.predict(np.array(pictures), verbose=0).argmax(axis=1))


def test_mnist_images_come_back_nearly_themselves(mnist: Dataset) -> None:
    images = mnist.test.x[:1000]
    off = np.array([difference(frame(image), image) for image in images])
    assert off.mean() < 1  # grey levels out of 255
    assert (off < 1).mean() > 0.95


def test_a_png_file_of_an_mnist_image(mnist: Dataset, picture_file: Callable[..., Path]) -> None:
    image = mnist.test.x[0]
    assert difference(frame(picture_file("seven.png", image)), image) < 1


DISTORTIONS: dict[str, Callable[[Picture], Picture | Image.Image]] = {
    "as it is": lambda digit: digit,
    "inverted": lambda digit: 255 - digit,
    "small JPEG": as_jpeg,
    "280 pixels, inverted": lambda digit: 255 - enlarged(digit, 280),
    "280 pixels of blocks": lambda digit: enlarged(digit, 280, Image.Resampling.NEAREST),
    "off-centre": lambda digit: on_sheet(enlarged(digit, 140), 200, 300, 50, 150),
    "off-centre JPEG, inverted": lambda digit: as_jpeg(
        255 - on_sheet(enlarged(digit, 140), 200, 300, 50, 10), 60
    ),
    "small on a large sheet": lambda digit: on_sheet(digit, 300, 300, 200, 20),
    "faint": lambda digit: (180 - enlarged(digit, 280) * 0.1).astype(np.uint8),
    "photographed": photographed,
}


@pytest.mark.parametrize("name", DISTORTIONS)
def test_distorted_digits_are_read_the_same(mnist: Dataset, model: keras.Model, name: str) -> None:
    images = mnist.test.x[:N]
    framed = [frame(DISTORTIONS[name](image)) for image in images]
    agree = answers(model, framed) == answers(model, list(images))
    right = answers(model, framed) == mnist.test.y[:N]
    assert agree.mean() >= 0.95
    assert right.mean() >= 0.93


def test_without_framing_an_inverted_digit_is_misread(mnist: Dataset, model: keras.Model) -> None:
    inverted = list(255 - mnist.test.x[:N])
    assert (answers(model, inverted) == mnist.test.y[:N]).mean() < 0.5


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    index=st.integers(0, 999),
    top=st.integers(0, 60),
    left=st.integers(0, 60),
    factor=st.integers(1, 5),
    inverted=st.booleans(),
)
def test_place_polarity_and_whole_enlargement_change_rounding_alone(
    mnist: Dataset, index: int, top: int, left: int, factor: int, inverted: bool
) -> None:
    image = mnist.test.x[index]
    blocks = np.kron(image, np.ones((factor, factor), np.uint8))
    sheet = on_sheet(blocks, 210, 220, top, left)
    framed = frame(255 - sheet if inverted else sheet)
    plain = frame(on_sheet(blocks, 210, 220, 30, 40))
    assert np.abs(framed.astype(int) - plain).max() <= 1  # of 255 grey levels


def test_the_frame_is_mnists(mnist: Dataset) -> None:
    for image in mnist.test.x[:50]:
        framed = frame(255 - enlarged(image, 300))
        rows, columns = np.nonzero(framed)
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
        weights = framed[rows, columns]
        # index 14 is the first pixel right of the middle; whole pixels leave half of one
        assert abs(np.average(rows, weights=weights) - 14) < 1.01
        assert abs(np.average(columns, weights=weights) - 14) < 1.01


def test_the_aspect_is_kept() -> None:
    paper = np.zeros((300, 300), np.uint8)
    paper[50:250, 100:160] = 255
    rows, columns = np.nonzero(frame(paper))
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (20, 6)


def test_areas_are_averaged_when_shrinking() -> None:
    picture = np.zeros((80, 80), np.uint8)
    picture[20:60, 30:34] = 255  # forty by four, two pixels of the frame wide
    picture[20:22, 30:34] = 120
    framed = frame(picture)
    rows, columns = np.nonzero(framed)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (20, 2)
    assert framed[rows.min(), columns.min()] == 120
    assert set(framed[framed > 0].tolist()) == {120, 255}


ODD: dict[str, Image.Image] = {
    "red on green": seven(paper=(0, 130, 0), ink=(200, 20, 20)),
    "yellow on white": seven(ink=(255, 240, 0)),
    "white on black": seven(paper=BLACK, ink=WHITE),
    "black on nothing": seven(paper=(0, 0, 0, 0), ink=(0, 0, 0, 255), mode="RGBA"),
    "white on nothing": seven(paper=(255, 255, 255, 0), ink=(255, 255, 255, 255), mode="RGBA"),
    "grey with alpha": seven(paper=(255, 0), ink=(0, 255), mode="LA"),
    "palette": seven().convert("P"),
    "one bit": seven().convert("1"),
    "CMYK": seven().convert("CMYK"),
    "16 bits": Image.fromarray(np.asarray(seven().convert("L")).astype(np.uint16) * 257),
    "tight": seven().crop((118, 70, 242, 246)),
}


@pytest.mark.parametrize("name", ODD)
def test_colours_and_modes(model: keras.Model, name: str) -> None:
    framed = frame(ODD[name])
    assert difference(framed, frame(seven())) < 4
    assert answers(model, [framed]) == 7


def test_a_patch_with_a_transparent_margin() -> None:
    sheet = Image.new("RGBA", (500, 500), (0, 0, 0, 0))
    sheet.paste(seven().convert("RGBA"), (50, 100))
    assert difference(frame(sheet), frame(seven())) < 4


def with_frame_line(picture: Image.Image) -> None:
    ImageDraw.Draw(picture).rectangle((0, 0, 399, 299), outline="black", width=2)


def with_inner_frame(picture: Image.Image) -> None:
    ImageDraw.Draw(picture).rectangle((6, 6, 393, 293), outline="black", width=2)


def with_ruled_lines(picture: Image.Image) -> None:
    for y in range(20, 300, 40):
        ImageDraw.Draw(picture).line((0, y, 400, y), fill=(205, 215, 230), width=2)
    ImageDraw.Draw(picture).line([(130, 80), (230, 80), (170, 240)], (0, 0, 0), 14, "curve")


def with_specks(picture: Image.Image) -> None:
    for x, y in ((20, 20), (380, 150), (60, 280)):
        ImageDraw.Draw(picture).point((x, y), fill="black")


@pytest.mark.parametrize(
    "clutter", [with_frame_line, with_inner_frame, with_ruled_lines, with_specks]
)
def test_clutter_is_left_out(clutter: Callable[[Image.Image], None]) -> None:
    picture = seven()
    clutter(picture)
    assert difference(frame(picture), frame(seven())) < 1


def test_hair_thin_strokes_are_thickened(model: keras.Model) -> None:
    thin = frame(seven(width=2))
    assert (thin > 127).sum() > 20  # a pixel wide or more, along strokes of thirty pixels
    assert answers(model, [thin]) == 7


def test_a_crowd_of_dots_takes_no_time() -> None:
    dots = np.full((560, 560), 255, np.uint8)
    dots[::2, ::2] = 0
    assert frame(dots).shape == (28, 28)


def test_the_rotation_a_camera_notes_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    turned = seven().transpose(Image.Transpose.ROTATE_90)
    turned.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    seven().save(tmp_path / "upright.jpg", quality=95)
    off = difference(frame(tmp_path / "turned.jpg"), frame(tmp_path / "upright.jpg"))
    assert off < 2


def test_a_large_picture_of_16_bits_takes_little_memory(tmp_path: Path) -> None:
    deep = np.asarray(seven().convert("L").resize((5000, 5000))).astype(np.uint16) * 257
    Image.fromarray(deep).save(tmp_path / "deep.png")
    program = (
        "import resource, sys; from mlplab.data.framing import frame\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak(); frame(sys.argv[1]); print(peak() - before)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "deep.png")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    in_mib = int(done.stdout) / (1024**2 if sys.platform == "darwin" else 1024)
    assert in_mib < 300


def test_arrays_of_every_kind_agree() -> None:
    grey = np.asarray(seven().convert("L"))
    expected = frame(grey)
    for array in (
        grey[..., np.newaxis],
        np.stack([grey] * 3, axis=-1),
        np.dstack([grey, grey, grey, np.full_like(grey, 255)]),
        grey.astype(np.int64),
        grey.astype(np.uint16) * 257,
        grey / 255,
        (grey / 255).astype(np.float32),
    ):
        assert np.array_equal(frame(array), expected), (array.dtype, array.shape)
    assert difference(frame(grey < 128), 0 + expected) < 4


BLANK = (
    "image: expected a digit that stands out from its paper, got a blank picture; "
    "draw darker, or crop closer to the digit"
)


@pytest.mark.parametrize(
    "picture",
    [
        np.full((28, 28), 255, np.uint8),
        np.zeros((1, 1), np.uint8),
        np.full((100, 100), 128, np.uint8) + np.eye(100, dtype=np.uint8) * 5,
        np.random.default_rng(0).integers(0, 256, (200, 200)).astype(np.uint8),
        np.random.default_rng(0).integers(100, 140, (28, 28)).astype(np.uint8),
        np.linspace(0, 255, 90_000).reshape(300, 300).astype(np.uint8),
        np.zeros((20, 20, 4), np.uint8),
    ],
    ids=["white", "one pixel", "no contrast", "noise", "faint noise", "gradient", "transparent"],
)
def test_blank_pictures(picture: Picture) -> None:
    with pytest.raises(DataError) as raised:
        frame(picture)
    assert str(raised.value) == BLANK


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((0, 28), np.uint8), "image: expected a picture, got an array of shape (0, 28)"),
        (
            np.zeros((5,), np.uint8),
            "image: expected an array of shape (height, width), (height, width, 1), (height, "
            "width, 3) or, for uint8, (height, width, 4), got (5,) of uint8",
        ),
        (
            np.full((4, 4), 200.0),
            "image: expected values in 0..1 for float64, got 200..200",
        ),
        (np.full((4, 4), -1), "image: expected values in 0..255 for int64, got -1..-1"),
        (np.full((4, 4), np.nan), "image: expected values in 0..1 for float64, got nan..nan"),
    ],
)
def test_arrays_that_are_no_pictures(array: npt.NDArray[np.generic], message: str) -> None:
    with pytest.raises(DataError) as raised:
        frame(array)
    assert str(raised.value) == message


def test_a_pillow_image_without_pixels() -> None:
    with pytest.raises(DataError, match=r"^image: expected a picture, got one of 0 x 5 pixels$"):
        frame(Image.new("L", (0, 5)))


def png_of_size(width: int, height: int) -> bytes:
    """A PNG file that claims a size, and holds hardly any pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def file_bytes(suffix: str) -> bytes:
    stream = io.BytesIO()
    seven().save(stream, suffix)
    return stream.getvalue()


TRUNCATED = "expected a whole {} file, got a truncated or damaged one; save or copy it again"
ENORMOUS = "expected at most 89,478,485 pixels, got more; shrink the picture first"
ELSE = "expected a PNG or JPEG file, got something else; save the picture as PNG"
FILES: dict[str, tuple[bytes, str]] = {
    "empty.png": (b"", "expected a PNG or JPEG file, got an empty one"),
    "text.png": (b"seven", ELSE),
    "drawing.gif": (file_bytes("GIF"), ELSE),
    "half.png": (file_bytes("PNG")[:700], TRUNCATED.format("PNG")),
    "half.jpg": (file_bytes("JPEG")[:1500], TRUNCATED.format("JPEG")),
    "large.png": (png_of_size(10_000, 9_000), ENORMOUS),
    "larger.png": (png_of_size(60_000, 60_000), ENORMOUS),
}


@pytest.mark.parametrize("name", FILES)
def test_files_that_are_no_pictures(tmp_path: Path, name: str) -> None:
    content, message = FILES[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as raised:
        frame(tmp_path / name)
    assert str(raised.value) == f"{tmp_path / name}: {message}"


def test_no_such_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected a PNG or JPEG file, got no such file$"):
        frame(tmp_path / "none.png")
    with pytest.raises(DataError, match=r"expected a PNG or JPEG file, got a folder$"):
        frame(str(tmp_path))
