"""Item by item: scores without disputed labels, examples nobody reads, examples up to luck."""

from __future__ import annotations

from typing import Any

from mlplab.report.compared import Compared
from mlplab.report.kernels import is_image
from mlplab.report.numbers import count, number, points
from mlplab.report.sections.scores import View


def items_section(compared: Compared) -> View | None:
    """Return what is said of single examples; None where no run has answered any."""
    if not compared.right:
        return None
    by_all = count(sum(map(len, compared.right.values())), "run")
    return {
        "n_always": count(len(compared.nobody), "test example"),
        "n_disputed": int(compared.nobody["disputed"].sum()),
        "all_disputed": len(compared.disputed),
        "by_all": by_all,
        "n_luck": count(len(compared.luck), "test example"),
        "several": bool(compared.several),
        "without": _without_rows(compared),
        "pictures": compared.dataset is not None and is_image(compared.dataset.input_shape),
        "pairs": list(compared.pictured_pairs),
        "all_pairs": len(compared.comparison.pairs) if compared.comparison else 0,
    }


def _without_rows(compared: Compared) -> list[View]:
    table = compared.without_disputed
    return [] if table is None else [_without_row(row) for row in table.itertuples()]


def _without_row(row: Any) -> View:
    return {
        "label": row.recipe,
        "accuracy": points(row.accuracy),
        "without": points(row.without),
        "wrong": number(row.wrong_left_out, 1),
    }
