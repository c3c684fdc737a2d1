"""Every instruction set of this machine: same results to rounding, same bits for any threads."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from mlplab import EngineError
from mlplab.engine import core
from tests.engine.helpers import distance, state, train
from tests.engine.models import BATCH, EPOCHS, Case, covering_cases
from tests.engine.test_against_keras import CLOSE

ISAS = core.load().isas()


def trained(case: Case, epochs: int, threads: int) -> list[np.ndarray]:
    model = case.model()
    train("core", model, *case.data(), seed=4, batch_size=BATCH, epochs=epochs, threads=threads)
    return list(state(model).values())


@pytest.mark.parametrize("case", covering_cases(), ids=str)
def test_the_covering_set(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = {}
    for isa in ISAS:
        monkeypatch.setenv("MLPLAB_ISA", isa)
        ends[isa] = trained(case, EPOCHS, 1)
        short = trained(case, 2, 1)
        for threads in (2, 4):
            for one, team in zip(short, trained(case, 2, threads), strict=True):
                np.testing.assert_array_equal(one, team)
    for isa in ISAS[1:]:
        for mine, best in zip(ends[isa], ends[ISAS[0]], strict=True):
            assert distance(mine, best) <= CLOSE


def test_one_that_the_processor_lacks_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    old = SimpleNamespace(isas=lambda: ["avx2", "portable"], default_isa=lambda: "avx2")
    monkeypatch.setenv("MLPLAB_ISA", "avx512")
    with pytest.raises(EngineError) as caught:
        core.chosen_isa(old)
    expected = "expected MLPLAB_ISA to be one of avx2, portable, got 'avx512'"
    assert str(caught.value).startswith(expected)
    monkeypatch.setenv("MLPLAB_ISA", "portable")
    assert core.chosen_isa(old) == "portable"
