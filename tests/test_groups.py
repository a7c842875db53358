"""Rows that agree are gathered, whatever the way that is fastest for their number."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.judge import groups
from auditor.judge.groups import ascending, group

ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1 << 40), st.booleans()), max_size=40)


@pytest.mark.parametrize("widest", [0, 1 << 20])
@given(rows=ROWS)
def test_rows_that_agree_are_one_group(rows: list[tuple[int, int, bool]], widest: int) -> None:
    """Groups are in the order of their values; each knows its rows, the first one before all."""
    columns: list[np.ndarray] = [
        np.array([row[at] for row in rows], dtype) for at, dtype in enumerate((int, int, bool))
    ]
    with patch.object(groups, "_WIDEST_TABLE", widest):
        found = group(columns)
    values = sorted(set(rows))
    assert len(found) == len(values)
    assert [values[number] for number in found.group_of.tolist()] == rows
    assert found.first.tolist() == [rows.index(value) for value in values]
    for number, value in enumerate(values):
        assert found.rows_of(number).tolist() == [at for at, row in enumerate(rows) if row == value]


def test_more_combinations_than_an_integer_holds() -> None:
    """Many wide columns are told apart all the same."""
    wide = [
        np.array([0, 1 << 61, 0, 1 << 61]),
        np.array([0, 0, 1 << 60, 0]),
        np.array([5, 6, 5, 6]),
    ]
    assert group(wide).group_of.tolist() == [0, 2, 1, 2]


@given(rows=ROWS)
def test_groups_by_first_row(rows: list[tuple[int, int, bool]]) -> None:
    """The group of the first row comes first."""
    found = group([np.array([row[0] for row in rows], int)]).by_first()
    seen = list(dict.fromkeys(row[0] for row in rows))
    assert [seen[number] for number in found.group_of.tolist()] == [row[0] for row in rows]
    assert found.first.tolist() == sorted(found.first.tolist())


@given(st.lists(st.sampled_from([0, 1, 5, (1 << 31) - 1, 1 << 31, 1 << 61]), max_size=40))
def test_order_of_wide_keys(keys: list[int]) -> None:
    """Rows come by their keys, equal ones as they were, however wide the keys are."""
    expected = sorted(range(len(keys)), key=keys.__getitem__)
    for most in {max(keys, default=0) + 1, 1 << 62}:
        assert ascending(np.array(keys, np.int64), most).tolist() == expected
