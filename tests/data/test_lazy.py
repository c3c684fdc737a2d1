"""Rows that are read when asked for index as the array does that they stand for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlplab.data.lazy import AllBut, LazyRows, Listed

BASE = np.arange(4 * 3 * 2).reshape(4, 3, 2)
LAZY, ARRAY = LazyRows(BASE, AllBut(4, np.array([1]))), np.delete(BASE, 1, axis=0)

INDICES: list[Any] = [
    1,
    -1,
    np.int64(2),
    (2, 1),
    (1, 0, 1),
    (1, slice(None), 1),
    slice(1, None),
    slice(None, None, -1),
    (slice(0, 2), 1),
    [0, 2],
    [-1, 0],
    np.array([True, False, True]),
    [],
    (..., 0),
    (slice(None), None),
    ([0, 2], [1, 1]),
]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_they_index_as_the_array(index: Any) -> None:
    expected = ARRAY[np.array(index, int) if isinstance(index, list) and not index else index]
    np.testing.assert_array_equal(LAZY[index], expected)
    assert np.shape(LAZY[index]) == expected.shape


@pytest.mark.parametrize("index", [3, -4, [0, 3], [-4], np.array([True, False])], ids=str)
def test_they_refuse_what_the_array_refuses(index: Any) -> None:
    for rows in (LAZY, ARRAY):
        with pytest.raises(IndexError):
            rows[index]


@pytest.mark.parametrize("rows", [None, AllBut(9, np.array([0, 3, 8])), Listed(np.arange(6)[::-1])])
def test_a_part_is_unread_and_has_its_rows(rows: Any) -> None:
    base = np.arange(18).reshape(9, 2)
    lazy = LazyRows(base, rows).then(lambda some: some * 10)
    array = np.asarray(lazy)
    part = lazy.part(1, 5)
    assert isinstance(part, LazyRows)
    np.testing.assert_array_equal(part, array[1:5])
    np.testing.assert_array_equal(part.part(2, 4), array[3:5])
    np.testing.assert_array_equal(part[[3, 0]], array[[4, 1]])
    assert part.part(2, 2).shape == (0, 2)
