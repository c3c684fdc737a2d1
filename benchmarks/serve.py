"""``mlplab serve`` under load on the loopback address, beside a plain FastAPI handler on Keras.

wrk asks for one example at a time over 1, 16 and 128 connections. ``make bench-serve`` runs it;
Every line is measured in several turns, and every answer is compared with the one that is right.
``--minutes 10`` loads the service for ten minutes instead and watches its memory.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.machine import n_cores, processor
from benchmarks.marks import write_between_marks
from benchmarks.tables import table

COMMAND = 'make bench-serve ARGS="--page docs/serve.md"'
LONG_COMMAND = 'make bench-serve ARGS="--minutes 10 --page docs/serve.md"'
CONNECTIONS = (1, 16, 128)
KEYS = ("npz", "onnx", "plain")
STARTS = 5
TURNS = 3
GROWTH = 1.02  # by which the memory of the last minutes may exceed that of the first: its noise
PATIENCE = "10s"  # after which wrk counts a request as an error
PACKAGES = ("fastapi", "uvicorn", "onnxruntime", "keras", "jax", "numpy")
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Peer:
    """A service.

    Attributes:
        name: in the tables.
        command: starts it, but for its port.
    """

    name: str
    command: tuple[str, ...]


@dataclass
class Up:
    """A service that answers: its address, its process, and how long it took to answer."""

    url: str
    process: subprocess.Popen[bytes]
    seconds: float

    @property
    def megabytes(self) -> float:
        """What it holds."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024


def peers(folder: Path) -> dict[str, Peer]:
    """Train one epoch of relu-2, export it, and return the services of it, by their keys."""
    files = {kind: folder / f"relu-2.{kind}" for kind in ("npz", "onnx", "keras")}
    if not all(file.exists() for file in files.values()):
        _train(folder, files)
    serve = (sys.executable, "-m", "mlplab.cli.main", "serve")
    plain = (sys.executable, "-m", "benchmarks.plain_service")
    return {
        "npz": Peer("mlplab serve, .npz", (*serve, str(files["npz"]), "--port")),
        "onnx": Peer("mlplab serve, .onnx", (*serve, str(files["onnx"]), "--port")),
        "plain": Peer("FastAPI and keras.Model.predict", (*plain, str(files["keras"]))),
    }


def _train(folder: Path, files: dict[str, Path]) -> None:
    import mlplab
    from mlplab.export.source import read_source
    from mlplab.export.writing import write_export

    folder.mkdir(parents=True, exist_ok=True)
    recipe = next(recipe for recipe in mlplab.notebook_recipes() if recipe.name == "relu-2")
    study = folder / "relu-2.study"
    mlplab.run(recipe.replace(epochs=1), "mnist", seeds=1, path=study, keep="models").close()
    source = read_source(f"{study}:relu-2:0", dataset="mnist")
    for kind, to in (("npz", "numpy"), ("onnx", "onnx"), ("keras", "keras")):
        write_export(source, to, files[kind], force=True)


@contextlib.contextmanager
def up(peer: Peer, port: int) -> Iterator[Up]:
    """Start a service, wait until it answers, and end it."""
    url = f"http://127.0.0.1:{port}"
    started = time.perf_counter()
    process = subprocess.Popen([*peer.command, str(port)], stdout=subprocess.DEVNULL)
    try:
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/health", timeout=60):  # noqa: S310
                break
            if process.poll() is not None:
                raise SystemExit(f"error: {peer.name} ended before it answered")
            time.sleep(0.005)
        yield Up(url, process, time.perf_counter() - started)
    finally:
        process.terminate()
        process.wait(60)


def load(url: str, connections: int, seconds: float, body: Path) -> dict[str, Any]:
    """Load a service with wrk and return what wrk tells: requests and seconds.

    Ends the benchmark where a request failed, or an answer was another than before the load.
    """
    right = right_answer(url, body)
    command = [
        *("wrk", "--threads", "1", "--connections", str(connections), "--timeout", PATIENCE),
        *("--duration", f"{seconds:g}s", "--script", str(HERE / "post.lua")),
        *(f"{url}/predict", "--", str(body), right),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = dict(json.loads(done.stderr))
    if told["errors"] or told["wrong"] or not told["requests"]:
        raise SystemExit(
            f"error: expected every request to be answered rightly, got {told['errors']} errors "
            f"and {told['wrong']} other answers of {told['requests']:,} at {connections}"
        )
    return told


def right_answer(url: str, body: Path) -> str:
    """Return what every answer holds: the answer to one example, asked for without load."""
    request = urllib.request.Request(  # noqa: S310
        f"{url}/predict", body.read_bytes(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310
        return f'"answer":{json.dumps(json.load(reply)["answer"])}'


def measure(peer: Peer, seconds: float, port: int, body: Path) -> dict[str, Any]:
    """Return what one peer does: how it starts, under load, and what memory it holds."""
    times = []
    for _ in range(STARTS - 1):
        with up(peer, port) as service:
            times.append(service.seconds)
    with up(peer, port) as service:
        times.append(service.seconds)
        load(service.url, 1, 1, body)  # not counted
        before = service.megabytes
        told: dict[int, list[dict[str, Any]]] = {connections: [] for connections in CONNECTIONS}
        for _ in range(TURNS):
            for connections in CONNECTIONS:
                told[connections].append(load(service.url, connections, seconds, body))
                print(peer.name, connections, told[connections][-1], file=sys.stderr, flush=True)
        lines = [_row(peer, connections, turns) for connections, turns in told.items()]
        after = service.megabytes
    middle = f"{statistics.median(times):.2f}"
    spread = f"{min(times):.2f} to {max(times):.2f}"
    start = [peer.name, middle, spread, f"{before:.0f}", f"{after:.0f}"]
    return {"lines": lines, "start": start, "seconds": seconds, "about": _about()}


def tables(kept: list[dict[str, Any]]) -> str:
    """Return a table of the peers under load, and one of how they start."""
    head = ["service", "connections", "requests a second", "least to most", "p50 ms", "p99 ms"]
    start_head = ["service", "s to the first answer", f"of {STARTS}", "MB before", "MB after"]
    about = (
        f"{kept[0]['about']} {TURNS} turns of {kept[0]['seconds']:g} seconds a line, warmed up "
        "before: the median of the turns, p99 of the worst. Every request was answered, and "
        "rightly."
    )
    lines = table(head, [line for peer in kept for line in peer["lines"]])
    return f"{about}\n\n{lines}\n\n{table(start_head, [peer['start'] for peer in kept])}\n"


def keep(options: argparse.Namespace, body: Path) -> str:
    """Measure the peers that are asked for, and return the tables of all that are kept."""
    kept = []
    for key, peer in peers(options.out).items():
        file = options.out / f"{key}.json"
        if key in options.only:
            figures = measure(peer, options.seconds, options.port, body)
            file.write_text(json.dumps(figures, indent=1))
        if file.exists():
            kept.append(json.loads(file.read_text()))
    if not kept:
        raise SystemExit("error: expected a service to measure, got none with --only")
    if len({(figures["about"], figures["seconds"]) for figures in kept}) > 1:
        raise SystemExit("error: what is kept was measured otherwise; measure all again")
    return tables(kept)


def _row(peer: Peer, connections: int, turns: list[dict[str, Any]]) -> list[str]:
    rates = [told["requests"] / told["seconds"] for told in turns]
    return [
        peer.name,
        str(connections),
        f"{statistics.median(rates):,.0f}",
        f"{min(rates):,.0f} to {max(rates):,.0f}",
        f"{1e3 * statistics.median(told['p50'] for told in turns):.2f}",
        f"{1e3 * max(told['p99'] for told in turns):.2f}",
    ]


def watch(folder: Path, key: str, minutes: float, port: int, body: Path) -> str:
    """Load a peer for some minutes, see that its memory does not grow, and return a table of it."""
    peer = peers(folder)[key]
    megabytes, requests = [], [0]
    with up(peer, port) as service:
        load(service.url, 16, 5, body)
        megabytes.append(service.megabytes)
        for _ in range(round(2 * minutes)):
            requests.append(requests[-1] + load(service.url, 16, 30, body)["requests"])
            megabytes.append(service.megabytes)
            print(f"{megabytes[-1]:.1f} MB, {requests[-1]:,}", file=sys.stderr, flush=True)
    first, last = early_and_late(megabytes)
    about = (
        f"{_about()} {peer.name}, 16 connections for {minutes:g} minutes: {requests[-1]:,} "
        f"requests, all answered, and rightly. Memory in the first quarter of the time "
        f"{first:.1f} MB, in the last {last:.1f} MB."
    )
    if last > GROWTH * first:
        raise SystemExit(f"error: expected no growth of memory. {about}")
    every = max(1, (len(megabytes) - 1) // 10)
    rows = [
        [f"{place / 2:g}", f"{megabytes[place]:.1f}", f"{requests[place]:,}"]
        for place in range(0, len(megabytes), every)
    ]
    return f"{about}\n\n{table(['minutes', 'MB', 'requests'], rows)}\n"


def early_and_late(megabytes: list[float]) -> tuple[float, float]:
    """Return the median of the first and of the last quarter of some figures."""
    quarter = max(1, len(megabytes) // 4)
    return statistics.median(megabytes[:quarter]), statistics.median(megabytes[-quarter:])


def _about() -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"{processor()}, {n_cores()} cores, wrk beside the service; {versions}."


def main() -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser("python -m benchmarks.serve", description=__doc__)
    parser.add_argument(
        "--only",
        nargs="*",
        choices=KEYS,
        default=KEYS,
        help="what to measure; the rest is kept, and --minutes watches the first",
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="of load, for each line")
    parser.add_argument("--minutes", type=float, help="of load, to watch the memory instead")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--out", type=Path, default=Path("build/bench/serve"))
    parser.add_argument("--page", type=Path, help="a Markdown page to write the tables into")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("error: expected the program wrk (apt-get install wrk), found none")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as body:
        digit = [[(7 * row + 3 * column) % 256 for column in range(28)] for row in range(28)]
        body.write(json.dumps({"x": digit}))
        body.flush()
        if options.minutes:
            command = LONG_COMMAND
            key = options.only[0]
            text = watch(options.out, key, options.minutes, options.port, Path(body.name))
        else:
            command = COMMAND
            text = keep(options, Path(body.name))
    print(text)
    if options.page:
        write_between_marks(options.page, command, text)


if __name__ == "__main__":
    main()
