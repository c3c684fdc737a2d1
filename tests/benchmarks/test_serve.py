"""What the benchmark of the service makes of its figures."""

from __future__ import annotations

from benchmarks.serve import GROWTH, Peer, _row, early_and_late


def test_growth_is_seen_between_the_first_and_the_last_quarter():
    first, last = early_and_late([100.0, 101, 99, 100, 100, 101, 100, 100])
    assert last <= GROWTH * first
    first, last = early_and_late([100.0 + minute for minute in range(20)])
    assert last > GROWTH * first


def test_a_line_is_the_median_of_its_turns_and_tells_the_spread():
    turns = [
        {"requests": n, "seconds": 2.0, "p50": 0.001 * n, "p99": 0.002 * n} for n in (10, 40, 20)
    ]
    assert _row(Peer("one", ()), 16, turns) == [
        *("one", "16", "10", "5 to 20", "20.00", "80.00")
    ]  # fmt: skip
