"""How often the comparison is wrong, and how often it finds what is there: ``make bench-stats``."""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import statistics_worlds
from benchmarks.machine import n_cores
from benchmarks.marks import write_between_marks
from benchmarks.statistics_worlds import World
from benchmarks.tables import table
from mlplab import compare
from mlplab.compare import Comparison, Looks, compare_scores

COMMAND = 'make bench-stats ARGS="--page docs/error-rates.md"'
PLANNED = (3, 5, 10, 20, 30)
MARGIN = 0.1
CLOSE_LOOK = 0.05  # settings whose rate is above this are run again, longer


@dataclass(frozen=True)
class Setting:
    """What is simulated.

    Attributes:
        group: the table it belongs to.
        world: the recipes and examples.
        claim: the claim that is made of them.
        counts: ``"false"``, claims that the truth denies, or ``"found"``, that a is better.
        looks: whether seeds are added over the planned looks, up to those of the world.
    """

    group: str
    world: World
    claim: str = "recipes"
    counts: str = "false"
    looks: bool = False


@dataclass(frozen=True)
class Rate:
    """How often it happened.

    Attributes:
        setting: the setting.
        n: how many experiments.
        hits: in how many of them any pair of recipes got such a claim.
        seeds: seeds a recipe used, on average.
    """

    setting: Setting
    n: int
    hits: int
    seeds: float

    @property
    def rate(self) -> float:
        """The share of experiments."""
        return self.hits / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the true rate."""
        z, p, n = 1.959964, self.rate, self.n
        middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


Job = tuple[Setting, int, int]  # what, how many experiments, the seed of their numbers


def is_false(a: str, verdict: str, gap: float) -> bool:
    """Return whether a verdict on recipe ``a`` and another is denied by the true gap."""
    if a != "a" or gap == 0:  # the true difference is zero
        return verdict.endswith("better")
    return verdict.startswith("b ") or (
        verdict in ("practically the same", "a slightly better") and gap >= MARGIN
    )


def hit(found: Comparison, setting: Setting) -> bool:
    """Return whether a comparison makes a claim of the kind that is counted."""
    if setting.counts == "found":
        return found.pairs[0].verdict.startswith("a ")
    return any(is_false(pair.a, pair.verdict, setting.world.gap) for pair in found.pairs)


def one_look(setting: Setting, rng: np.random.Generator) -> tuple[bool, int]:
    """Run an experiment; return whether it hit, and the most seeds used."""
    world = setting.world
    metric: Any = "loss" if world.losses else "accuracy"
    claim: Any = setting.claim
    found = compare_scores(world.draw(rng), claim, MARGIN, metric=metric)
    return hit(found, setting), max(world.seeds)


def several_looks(setting: Setting, rng: np.random.Generator) -> tuple[bool, int]:
    """Run an experiment that adds seeds until every pair is decided."""
    scores, looks = setting.world.draw(rng), Looks(PLANNED)
    hits, decided = False, set[tuple[str, str]]()
    for seeds in PLANNED:
        found = compare_scores({k: y[:seeds] for k, y in scores.items()}, look=looks.at(seeds))
        fresh = tuple(p for p in found.pairs if p.decided and (p.a, p.b) not in decided)
        hits |= bool(fresh) and hit(replace(found, pairs=fresh), setting)
        decided |= {(p.a, p.b) for p in fresh}
        if len(decided) == len(found.pairs):
            break
    return hits, seeds


def simulate(job: Job) -> Rate:
    """Run the experiments of a setting."""
    setting, n, seed = job
    rng = np.random.default_rng(seed)
    run: Callable[..., tuple[bool, int]] = several_looks if setting.looks else one_look
    outcomes = [run(setting, rng) for _ in range(n)]
    hits, seeds = sum(hit for hit, _ in outcomes), sum(seeds for _, seeds in outcomes) / n
    return Rate(setting, n, hits, seeds)


def settings() -> Iterator[Setting]:
    """Yield everything that is simulated."""
    lucks = ((0.0, 0.0), (0.06, 0.06), (0.2, 0.2), (0.5, 0.5), (0.06, 0.0), (0.3, 0.0))
    for spread in (0.0, 0.3, 1.0):
        for luck in lucks:
            for s in (2, 3, 5, 10, 30):
                yield Setting("two recipes", World((s, s), luck, spread))
            for s in (2, 3, 5) if max(luck) >= 0.2 else ():
                yield Setting("unequal seeds", World((s, 30), luck, spread))
    for s in (2, 3, 5, 10, 30):
        for luck in (0.0, 0.1):
            for n, hard in ((10_000, 0.001), (1_000, 0.2), (200, 0.3)):
                yield Setting("other test sets", World((s, s), (luck, luck), 0.5, hard, n))
            yield Setting("losses", World((s, s), (luck, luck), 0.5, losses=True))
            for m in (4, 8) if s in (3, 10) else (4,):
                yield Setting("many recipes", World((s,) * m, (luck,) * m, 0.5))
        yield Setting("gap as large as the margin", World((s, s), (0.06, 0.06), 0.6, gap=MARGIN))
        yield Setting("this test set alone", World((s, s), (0.1, 0.1), 0.0), "recipes-this-test")
    for s in (2, 3):
        yield Setting("this test set alone", World((s, 30), (0.1, 0.1), 0.0), "recipes-this-test")
    for spread in (0.0, 0.6, 1.5):
        yield Setting("two trained models", World((1, 1), (0.0, 0.0), spread), "models")
    yield Setting("two trained models", World((1, 1), (0.0, 0.0), 0.6, 0.001), "models")
    for luck in (0.0, 0.06, 0.3):
        for m in (2, 4):
            world = World((30,) * m, (luck,) * m, 0.6)
            yield Setting("seeds added over looks", world, looks=True)
    yield Setting("seeds added over looks", World((30, 30), (0.3, 0.0), 0.6), looks=True)
    yield from powers()
    for s in (3, 5, 10, 30, 100):
        world = World((s, s), (0.07, 0.07), 0.6)
        yield Setting("seeds alone, read as new examples", world, "recipes-this-test")


def powers() -> Iterator[Setting]:
    """Yield the settings that show what is found."""
    for s in (2, 3, 5, 10, 30):
        world = World((s, s), (0.07, 0.07), 0.6, gap=0.16)
        yield Setting("a gap of 0.16 points found", world, counts="found")
    model = World((1, 1), (0.07, 0.07), 0.6, gap=0.16)
    yield Setting("a gap of 0.16 points found", model, "models", "found")
    for gap in (0.16, 0.3, 0.6):
        world = World((30, 30), (0.07, 0.07), 0.6, gap=gap)
        yield Setting("found while seeds are added", world, counts="found", looks=True)


def measure(n: int, workers: int, kept: Path) -> list[Rate]:
    """Simulate every setting; those that look bad again, with fresh numbers and five times as long.

    The longer runs replace the first ones, so that no setting looks bad, or passes, by selection.
    Each result is kept at once, and what is kept is not simulated again: a run that was broken off
    goes on.
    """
    everything = list(settings())
    first = finish([(setting, n, i) for i, setting in enumerate(everything)], workers, kept)
    again = [
        (setting, 5 * n, 10_000 + i)
        for i, setting in enumerate(everything)
        if setting.counts == "false" and is_promised(setting) and first[i].rate > CLOSE_LOOK
    ]
    longer = dict(
        zip((seed - 10_000 for _, _, seed in again), finish(again, workers, kept), strict=True)
    )
    return [longer.get(i, rate) for i, rate in enumerate(first)]


def finish(jobs: list[Job], workers: int, kept: Path) -> list[Rate]:
    """Do what is not kept yet; return the rates of all jobs."""
    lines = kept.read_text().splitlines() if kept.exists() else []
    known = {record["key"]: record for record in map(json.loads, lines)}
    missing = [job for job in jobs if key(job) not in known]
    # Spawned, not forked: whoever calls may have threads of its own.
    pool_of = multiprocessing.get_context("spawn").Pool
    with pool_of(workers) as pool, kept.open("a") as file:
        for job, rate in zip(missing, pool.imap(simulate, missing), strict=True):
            known[key(job)] = record = {"key": key(job), "hits": rate.hits, "seeds": rate.seeds}
            print(json.dumps(record), file=file, flush=True)
    return [Rate(job[0], job[1], known[key(job)]["hits"], known[key(job)]["seeds"]) for job in jobs]


def key(job: Job) -> str:
    """Return what a job is, and by which code: the same from run to run until one changes."""
    return f"{code_hash()} {job!r}"


@cache
def code_hash() -> str:
    """Return a hash of the code that decides: the room ``compare`` and the made-up recipes."""
    room = sorted(Path(compare.__file__).parent.glob("*.py"))
    files = [*room, Path(statistics_worlds.__file__)]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


def is_promised(setting: Setting) -> bool:
    """Return whether the method promises to keep the rate in this setting."""
    return setting.group != "seeds alone, read as new examples"


def page(rates: list[Rate]) -> str:
    """Return the tables, in each the worst settings first."""
    kept = [rate for rate in rates if rate.setting.counts == "false" and is_promised(rate.setting)]
    worst = max(kept, key=lambda rate: rate.rate)
    low, high = (f"{100 * end:.2f}" for end in worst.interval)
    parts = [
        f"{len(kept)} settings, {min(r.n for r in kept):,} to {max(r.n for r in kept):,} "
        f"experiments each. The worst: {100 * worst.rate:.2f} % false claims "
        f"(95 % interval {low} to {high})."
    ]
    for group in dict.fromkeys(rate.setting.group for rate in rates):
        members = [rate for rate in rates if rate.setting.group == group]
        if members[0].setting.counts == "false" and is_promised(members[0].setting):
            members.sort(key=lambda rate: -rate.rate)
        parts += [f"### {group[0].upper()}{group[1:]}", group_table(members)]
    return "\n\n".join(parts) + "\n"


def group_table(members: list[Rate]) -> str:
    """Return the table of one group."""
    head = ["seeds", "recipes", "luck", "spread", "hard", "examples", "gap", "claim"]
    rows = []
    for rate in members:
        world, (low, high) = rate.setting.world, rate.interval
        rows.append(
            [
                " / ".join(map(str, dict.fromkeys(world.seeds))),
                str(len(world.seeds)),
                " / ".join(f"{luck:g}" for luck in dict.fromkeys(world.luck)),
                f"{world.spread:g}",
                f"{world.hard:g}",
                f"{world.n_examples:,}",
                f"{world.gap:g}",
                rate.setting.claim,
                f"{rate.seeds:.1f}",
                f"{rate.n:,}",
                f"{100 * rate.rate:.2f}",
                f"{100 * low:.2f} to {100 * high:.2f}",
            ]
        )
    return table([*head, "seeds used", "experiments", "%", "95 % interval"], rows)


def main() -> int:
    """Simulate, print, and write JSON and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiments", type=int, default=2_000, help="for each setting")
    parser.add_argument("--workers", type=int, default=n_cores())
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="folder to write to")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier run found")
    parser.add_argument("--page", type=Path, help="a Markdown page to write the tables into")
    options = parser.parse_args()
    started = time.perf_counter()
    options.out.mkdir(parents=True, exist_ok=True)
    kept = options.out / "statistics.jsonl"
    if options.fresh:
        kept.unlink(missing_ok=True)
    rates = measure(options.experiments, options.workers, kept)
    records = [asdict(rate) | {"rate": rate.rate, "interval": rate.interval} for rate in rates]
    (options.out / "statistics.json").write_text(json.dumps(records, indent=1))
    print(page(rates))
    if options.page:
        write_between_marks(options.page, COMMAND, page(rates))
    seconds = time.perf_counter() - started
    print(f"{seconds:.0f} s; written: {options.out}/statistics.json", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
