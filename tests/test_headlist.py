"""Heads in one block of memory behave as a list of tuples of bytes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from auditor.flows.headlist import MOST_HEADS, HeadList

HEADS = st.lists(st.lists(st.binary(min_size=1, max_size=9), max_size=MOST_HEADS).map(tuple))


@given(HEADS)
def test_gives_back_what_it_was_made_of(heads: list[tuple[bytes, ...]]) -> None:
    """Every item comes out as it went in, in its place."""
    assert list(HeadList.of(heads)) == heads
    assert HeadList.of(heads) == heads


@given(HEADS, st.data())
def test_narrows_to_any_rows(heads: list[tuple[bytes, ...]], data: st.DataObject) -> None:
    """A selection has the chosen items, in the order asked for, and a slice those of a list."""
    rows = data.draw(st.lists(st.integers(0, len(heads) - 1))) if heads else []
    assert HeadList.of(heads).select(np.array(rows, np.int64)) == [heads[row] for row in rows]
    assert HeadList.of(heads)[1:3] == heads[1:3]


def test_stands_for_flows_without_heads() -> None:
    """Where no heads are kept each flow has an empty item, and none of them takes memory."""
    nothing = HeadList.empty(3)
    assert nothing == [(), (), ()]
    assert nothing.select(np.array([2, 0])) == [(), ()]
    assert not nothing.start.strides[0]
