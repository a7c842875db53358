"""Records copied whole: the same as field by field, whatever their layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from auditor.flows.layout import ENTRY, SIDE
from auditor.records import FLOW, PACKET, join, opaque, pick

if TYPE_CHECKING:
    from numpy.typing import NDArray

NESTED = np.dtype([("facts", FLOW), ("mark", "u1")])


def any_records(layout: np.dtype, count: int) -> NDArray[np.void]:
    """Make records whose fields differ."""
    records = np.zeros(count, layout)
    for number, name in enumerate(layout.names or ()):
        if layout[name].names is None:
            records[name] = np.arange(count) * 7 + number
    return records


@pytest.mark.parametrize("layout", [PACKET, FLOW, ENTRY, SIDE])
def test_picked_and_joined_records_are_those_of_numpy(layout: np.dtype) -> None:
    """By place, by mark, in any order, and none at all."""
    records = any_records(layout, 20)
    for rows in (np.array([3, 3, 19, 0]), np.arange(20) % 3 == 0, np.empty(0, np.int64)):
        picked = pick(records, rows)
        assert picked.dtype == layout
        assert picked.tolist() == records[rows].tolist()
    joined = join([records, records[:0], records[5:7]])
    assert joined.tolist() == [*records.tolist(), *records[5:7].tolist()]


def test_a_field_of_records_is_copied_whole_too() -> None:
    """Though its records do not lie side by side."""
    outer, facts = np.zeros(20, NESTED), any_records(FLOW, 20)

    opaque(outer["facts"])[:] = opaque(facts)

    assert outer["facts"].tolist() == facts.tolist()
    assert pick(outer["facts"], np.array([4, 2])).tolist() == facts[[4, 2]].tolist()
    assert not outer["mark"].any()
