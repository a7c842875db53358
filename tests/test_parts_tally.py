"""Counts over all frames, in one piece and in several."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from layers import batch

from auditor.parts.tally import Tally
from auditor.records import Status


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 2), st.sampled_from(Status))))
def test_pieces_add_up(frames: list[tuple[int, int, Status]]) -> None:
    """Whoever counted which frames, the sums, extremes and spans are those of all."""
    whole, merged = Tally(), Tally()
    for number, (time_ns, capture, status) in enumerate(frames):
        piece = Tally()
        for tally in (whole, piece):
            tally.count(
                batch([b"x"], times=[time_ns], first_number=number, capture=capture),
                np.array([status], np.uint8),
            )
        merged.add(piece)
    assert merged.by_status() == whole.by_status()
    assert merged.watched_s() == whole.watched_s()
    assert (merged.frames, merged.first_ns, merged.last_ns, merged.spans) == (
        whole.frames,
        whole.first_ns,
        whole.last_ns,
        whole.spans,
    )


def test_counts_each_capture_of_a_batch() -> None:
    """A batch may be merged from several."""
    frames = batch([b"x"] * 4, times=[5, 6, 7, 9])
    frames.capture[:] = [0, 1, 1, 0]
    tally = Tally()
    tally.count(frames, np.zeros(4, np.uint8))
    assert tally.spans == {0: (5, 9), 1: (6, 7)}
    assert tally.watched_s() == 4e-9
