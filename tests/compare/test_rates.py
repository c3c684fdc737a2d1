"""A short run of the benchmark of error rates, with wide bounds; `make bench-stats` is long.

With 400 experiments and a true rate of 5 %, more than 9 % come up once in 2,000 times.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.statistics_rates import Setting, code_hash, finish, simulate
from benchmarks.statistics_worlds import World

N = 400
AT_MOST = 0.09


@pytest.mark.parametrize("s", [2, 3, 10])
@pytest.mark.parametrize("luck", [(0.06, 0.06), (0.3, 0.0)])
def test_false_claims_on_new_examples(s: int, luck: tuple[float, float]):
    rate = simulate((Setting("", World((s, s), luck, 0.5)), N, s)).rate
    assert rate <= AT_MOST


def test_unequal_numbers_of_seeds():
    # Satterthwaite's degrees of freedom, taken as they are, make 12 % here.
    assert simulate((Setting("", World((2, 30), (0.3, 0.3), 0.3)), N, 0)).rate <= AT_MOST


def test_false_claims_of_many_recipes():
    assert simulate((Setting("", World((5,) * 5, (0.1,) * 5, 0.5)), N, 1)).rate <= AT_MOST


def test_false_claims_while_seeds_are_added():
    setting = Setting("", World((30, 30), (0.1, 0.1), 0.5), looks=True)
    assert simulate((setting, N, 2)).rate <= AT_MOST


def test_a_test_over_seeds_misleads_about_new_examples_and_the_crossed_analysis_does_not():
    world = World((30, 30), (0.07, 0.07), 0.6)
    seeds_alone = simulate((Setting("", world, "recipes-this-test"), N, 3)).rate
    assert seeds_alone > 0.2
    assert simulate((Setting("", world), N, 3)).rate <= AT_MOST


def test_a_real_gap_is_found():
    world = World((10, 10), (0.07, 0.07), 0.6, gap=0.16)
    assert simulate((Setting("", world, counts="found"), N, 4)).rate > 0.65


def test_what_was_kept_by_other_code_is_simulated_again(tmp_path: Path):
    kept = tmp_path / "statistics.jsonl"
    job = (Setting("two", World((2, 2), (0.0, 0.0), 0.0, n_examples=50)), 2, 0)
    first = finish([job], 1, kept)
    assert finish([job], 1, kept) == first
    assert len(kept.read_text().splitlines()) == 1
    kept.write_text(kept.read_text().replace(code_hash(), "0" * 16))
    assert finish([job], 1, kept) == first
    assert len(kept.read_text().splitlines()) == 2
