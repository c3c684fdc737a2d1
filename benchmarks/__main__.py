"""``python -m benchmarks``: measure, check, print, and write JSON and a picture."""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from pathlib import Path

from benchmarks import machine, throughput
from benchmarks.networks import NETWORKS
from benchmarks.pages import write_between_marks
from benchmarks.peers import PEERS, Peer
from benchmarks.race import NotLearnedError, race
from benchmarks.results import Bench, page

COMMAND = 'make bench ARGS="--page docs/benchmarks.md"'


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument(
        "--seconds",
        type=float,
        default=4.0,
        help="seconds of steady epochs for each peer on each network",
    )
    parser.add_argument("--no-study", action="store_true", help="leave the study's runs out")
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="folder to write to")
    parser.add_argument("--page", type=Path, help="a Markdown page to write the tables into")
    return parser.parse_args()


def say(text: str) -> None:
    """Tell what is going on, on stderr."""
    print(text, file=sys.stderr, flush=True)


def present(names: list[str], bench: Bench) -> list[Peer]:
    """Return the peers that are installed; note those that are not."""
    for peer in PEERS.values():
        if peer.name not in names:
            bench.not_measured.append(f"{peer.title} ({peer.name}): left out by --peers.")
        elif not peer.installed:
            bench.not_measured.append(f"{peer.title}: `{peer.requires}` is not installed.")
    return [PEERS[name] for name in names if PEERS[name].installed]


def measure_peak(bench: Bench) -> None:
    """Measure the matrix product, and keep the best of all measurements of this run."""
    for threads in sorted({1, machine.n_cores()}):
        rate = machine.sgemm_rate(threads)
        bench.sgemm[threads] = max(rate, bench.sgemm.get(threads, 0.0))


def measure(options: argparse.Namespace) -> Bench:
    """Measure all that the options ask for."""
    bench = Bench(date=datetime.date.today().isoformat(), machine=machine.describe())
    peers = present(options.peers, bench)
    for name in options.networks:
        say(f"{name}: the machine's matrix product")
        measure_peak(bench)
        able = [peer for peer in peers if peer.trains(name)]
        say(f"{name}: {', '.join(peer.title for peer in able)}")
        bench.results[name] = race(able, NETWORKS[name], options.seconds)
        for peer, result in bench.results[name].items():
            if result.failure:
                bench.not_measured.append(f"{peer} on {name}: it failed: {result.failure}")
        save(bench, options.out)
    measure_peak(bench)
    if not options.no_study:
        say("a study of two runs on two cores")
        bench.throughput = throughput.measure()
    if bench.throughput is None:
        bench.not_measured.append("A study on two cores: left out, or there is one core.")
    return bench


def save(bench: Bench, folder: Path) -> None:
    """Write what has been measured so far as JSON, so that a later failure does not lose it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.json").write_text(json.dumps(bench.as_json(), indent=1))


def main() -> int:
    """Run the benchmarks."""
    options = parse()
    try:
        bench = measure(options)
    except NotLearnedError as error:
        say(f"error: {error}")
        return 1
    save(bench, options.out)
    from benchmarks import picture  # matplotlib only now: workers are started from a small process

    picture.draw(bench, options.out / "bench.png")
    tables = page(bench)
    print(tables)
    if options.page:
        write_between_marks(options.page, COMMAND, tables)
    say(f"written: {options.out}/bench.json and bench.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
