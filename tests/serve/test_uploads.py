"""Uploads that are damaged, that lie, or that are something else: refused, and nothing breaks."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from mlplab import Dataset
from tests.serve.pictures import picture
from tests.serve.running import Running

PNG, JPEG = "image/png", "image/jpeg"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
NONE = "picture: expected a PNG or JPEG file, got something else; save the picture as PNG"
DAMAGED = "picture: expected a whole {} file, got a truncated or damaged one; save or copy it again"
TOO_MANY = "picture: expected at most 25,000,000 pixels, got more; shrink the picture first"


def chunk(kind: bytes, content: bytes) -> bytes:
    """A piece of a PNG file."""
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def png_of(width: int, height: int, *before: bytes, pixels: bytes = bytes(1000)) -> bytes:
    """A PNG file that announces a size, whatever pixels it holds."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(pixels))
    return SIGNATURE + header + b"".join(before) + data + chunk(b"IEND", b"")


def jpeg_of(width: int, height: int) -> bytes:
    """A JPEG file whose header was changed to announce a size."""
    file = io.BytesIO()
    Image.new("L", (16, 16)).save(file, "JPEG")
    content = bytearray(file.getvalue())
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def other_format(kind: str) -> bytes:
    """A picture in a format that is not taken."""
    file = io.BytesIO()
    Image.new("RGB", (16, 16)).save(file, kind)
    return file.getvalue()


def long_text() -> bytes:
    """A text of 200 MB in 200 kB."""
    return b"a\0\0" + zlib.compress(bytes(200 * 1024 * 1024), 9)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (lambda: b"", "picture: expected a PNG or JPEG file, got an empty one"),
        (lambda: b"\0" * 100, NONE),
        (lambda: SIGNATURE, NONE),
        (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", NONE),
        (lambda: b"GIF89a" + picture(np.zeros((28, 28), np.uint8)), NONE),
        (lambda: other_format("GIF"), NONE),
        (lambda: other_format("TIFF"), NONE),
        (lambda: other_format("BMP"), NONE),
        (lambda: png_of(0, 0), NONE),
        (lambda: png_of(50_000, 50_000), TOO_MANY),
        (lambda: png_of(2**31 - 1, 2**31 - 1), TOO_MANY),
        (lambda: png_of(5001, 5000), TOO_MANY),
        (lambda: png_of(25_000_001, 1), TOO_MANY),
        (lambda: png_of(100, 100, pixels=b""), DAMAGED.format("PNG")),
        (lambda: png_of(5000, 5000), DAMAGED.format("PNG")),
        (lambda: jpeg_of(50_000, 50_000), TOO_MANY),
        (lambda: png_of(30, 30, chunk(b"zTXt", long_text())), NONE),
    ],
)
def test_what_is_no_picture(service: Running, content: Callable[[], bytes], told: str) -> None:
    reply = service.client.post("/predict", content=content(), headers={"content-type": PNG})
    assert (reply.status_code, reply.json()) == (422, {"error": told})


def test_a_blank_picture(service: Running) -> None:
    blank = picture(np.zeros((28, 28), np.uint8))
    reply = service.client.post("/predict", content=blank, headers={"content-type": PNG})
    assert reply.status_code == 422
    assert reply.json()["error"].startswith("picture: expected a digit that stands out")


@pytest.mark.parametrize("what", ["PNG and more", "PNG and zip", "JPEG and PNG"])
def test_what_is_a_picture_and_something_else_is_read_as_the_picture(
    service: Running, mnist: Dataset, what: str
) -> None:
    """What comes after a picture's end is not looked at."""
    first, _, second = what.partition(" and ")
    content = picture(mnist.test.x[0], first)
    after = {"more": b"<script>" * 1000, "zip": b"PK\x03\x04", "PNG": picture(mnist.test.x[1])}
    ask = {"content-type": f"image/{first.lower()}"}
    alone = service.client.post("/predict", content=content, headers=ask)
    both = service.client.post("/predict", content=content + after[second], headers=ask)
    assert both.status_code == 200
    assert both.json() == alone.json()


@pytest.mark.parametrize(
    "note", [chunk(b"eXIf", b"garbage"), chunk(b"tEXt", b"Raw profile type exif\0\nexif\n8\nzz")]
)
def test_a_damaged_note_of_rotation_is_passed_over(
    service: Running, mnist: Dataset, note: bytes
) -> None:
    content = picture(mnist.test.x[0])
    data = content.index(b"IDAT") - 4
    noted = content[:data] + note + content[data:]
    alone, both = (
        service.client.post("/predict", content=sent, headers={"content-type": PNG})
        for sent in (content, noted)
    )
    assert both.status_code == 200
    assert both.json() == alone.json()


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_files_cut_short(service: Running, mnist: Dataset, kind: str) -> None:
    content = picture(mnist.test.x[0], kind)
    for size in range(0, len(content) - 30, max(1, len(content) // 40)):
        reply = service.client.post(
            "/predict", content=content[:size], headers={"content-type": PNG}
        )
        assert reply.status_code == 422, size
        assert reply.json()["error"].startswith("picture: expected a")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "JPEG with a note of rotation"])
def test_files_with_bytes_changed(service: Running, mnist: Dataset, kind: str) -> None:
    """Whatever the bytes, there is an answer or a reason, and never a failure."""
    file = io.BytesIO(picture(mnist.test.x[3], kind.split()[0]))
    if "rotation" in kind:
        opened = Image.open(file)
        notes = opened.getexif()
        notes[0x0112] = 6
        file = io.BytesIO()
        opened.save(file, "JPEG", exif=notes)
    content = np.frombuffer(file.getvalue(), np.uint8)
    draw = np.random.default_rng(0)
    for _ in range(150):
        changed = content.copy()
        places = draw.integers(0, min(len(content), draw.choice([60, len(content)])), 4)
        changed[places] = draw.integers(0, 256, 4)
        reply = service.client.post(
            "/predict", content=changed.tobytes(), headers={"content-type": JPEG}
        )
        assert reply.status_code in (200, 422), changed[places]
        assert reply.json().keys() & {"answer", "error"}
        assert "mlplab" not in reply.text
        assert "Traceback" not in reply.text


def test_forms_of_random_bytes(service: Running) -> None:
    draw = np.random.default_rng(0)
    for size in (0, 1, 10, 1000, 100_000):
        head = b'--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for content in (draw.bytes(size), head + draw.bytes(size), head * (size // 50)):
            reply = service.client.post(
                "/predict",
                content=content,
                headers={"content-type": "multipart/form-data; boundary=x"},
            )
            assert reply.status_code in (400, 422)
            assert reply.json().keys() == {"error"}
