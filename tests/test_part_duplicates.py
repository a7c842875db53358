"""Copies counted in parts, against copies counted in one go."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import batch, ethernet, ipv4, udp

from auditor.decode.dissect import Decoder
from auditor.decode.duplicates import Duplicates
from auditor.decode.part_duplicates import MergedDuplicates, PartDuplicates

if TYPE_CHECKING:
    from auditor.decode.packets import Packets

MILLISECOND = 1_000_000


def packets(sightings: list[tuple[int, int]]) -> Packets:
    """Decode datagrams, each with an identification and the time since the one before."""
    frames = [ethernet(ipv4(udp(5000, 53), 17, identification=name)) for name, _ in sightings]
    times = np.cumsum([after for _, after in sightings]) * MILLISECOND
    return Decoder().decode(batch(frames, times=times.tolist()))


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 3), st.sampled_from([0, 1, 4, 9, 11])), max_size=30),
    st.lists(st.integers(0, 29), max_size=6),
    st.booleans(),
)
def test_counts_what_one_would(
    sightings: list[tuple[int, int]], cuts: list[int], knowing: bool
) -> None:
    """Wherever parts end, and whether or not a part knew what was before it."""
    if not sightings:
        return
    rows = packets(sightings).rows
    one, merged = Duplicates(), MergedDuplicates()
    one.mark(rows.copy())
    for start, end in pairwise(sorted({0, *(c for c in cuts if c < len(rows)), len(rows)})):
        part = PartDuplicates(merged.recent if knowing else None)
        part.mark(rows[start:end].copy())
        merged.absorb(part.part(), knowing=knowing)
    assert merged.count == one.count


def test_says_whether_a_part_begins_with_copies() -> None:
    """Only then need a part be read again to leave copies out."""
    first, second = packets([(1, 0)]), packets([(2, 0), (1, 1)])
    merged = MergedDuplicates()
    for several, expected in ((first, False), (second, True), (packets([(3, 0)]), False)):
        part = PartDuplicates()
        part.mark(several.rows)
        assert merged.reaches_into(part.part()) is expected
        merged.absorb(part.part())
