"""Records made one, held against the obvious way to do it."""

from __future__ import annotations

from functools import reduce
from operator import add, or_
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.kernel.folding import BITS, CAPPED_SUMS, MAXIMA, MINIMA, SUMS, fold_records
from auditor.records import FLOW

if TYPE_CHECKING:
    from collections.abc import Callable

RECORD = np.dtype([("facts", FLOW), ("flows", "i8")])
FOLDS: dict[str, Callable[[int, int], int]] = {
    **dict.fromkeys(SUMS, add),
    **dict.fromkeys(CAPPED_SUMS, lambda one, other: min(one + other, (1 << 32) - 1)),
    **dict.fromkeys(MINIMA, min),
    **dict.fromkeys(MAXIMA, max),
    **dict.fromkeys(BITS, or_),
}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1 << 62)), max_size=30))
def test_every_field_of_a_group_is_folded_in_its_way(rows: list[tuple[int, int]]) -> None:
    """Sums, sums that stay at the largest number, extremes, bits; the rest is the first one's."""
    records, groups = np.zeros(len(rows), RECORD), [group for group, _ in rows]
    for number, name in enumerate(FLOW.names or ()):
        # Each field has other bits of the number, as many as it can hold.
        most = int(np.iinfo(FLOW[name]).max) >> (2 if name in SUMS else 0)
        records["facts"][name] = [(value >> number % 32) & most for _, value in rows]
    records["flows"] = 1
    order = np.argsort(groups, kind="stable").astype(np.int64)
    starts = np.array([order.tolist().index(groups.index(each)) for each in sorted(set(groups))])
    starts = starts.astype(np.int64)
    merged = records[order[starts]]

    fold_records(records, order, starts, merged)

    for record, group in zip(merged, sorted(set(groups)), strict=True):
        members = records[np.array(groups) == group]
        assert record["flows"] == len(members)
        for name in FLOW.names or ():
            values = members["facts"][name].tolist()
            fold = FOLDS.get(name, lambda one, _: one)
            assert record["facts"][name] == reduce(fold, values), name
