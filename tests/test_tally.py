"""Counts over all frames, in one piece and in several."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import batch

from auditor.decode.compiled_tally import CompiledTally
from auditor.decode.tally import Tally
from auditor.records import Status

KINDS = pytest.mark.parametrize("kind", [Tally, CompiledTally])


@KINDS
@settings(deadline=None)
@given(frames=st.lists(st.tuples(st.integers(0, 99), st.integers(0, 2), st.sampled_from(Status))))
def test_pieces_add_up(kind: type[Tally], frames: list[tuple[int, int, Status]]) -> None:
    """Whoever counted which frames, the sums, extremes and spans are those of all."""
    whole, merged = kind(), Tally()
    for number, (time_ns, capture, status) in enumerate(frames):
        piece = kind()
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


@KINDS
def test_counts_each_capture_of_a_batch(kind: type[Tally]) -> None:
    """A batch may be merged from several."""
    frames = batch([b"x"] * 4, times=[5, 6, 7, 9])
    frames.capture[:] = [0, 1, 1, 0]
    tally = kind()
    tally.count(frames, np.zeros(4, np.uint8))
    assert tally.spans == {0: (5, 9), 1: (6, 7)}
    assert tally.watched_s() == 4e-9


@given(
    st.lists(st.tuples(st.integers(-9, 99), st.integers(0, 1), st.sampled_from(Status)), min_size=1)
)
def test_the_kernel_counts_a_batch_as_python_does(frames: list[tuple[int, int, Status]]) -> None:
    """Of one capture or of several, in any order of time."""
    times, captures, status = (list(column) for column in zip(*frames, strict=True))
    several = batch([b"x"] * len(frames), times=times)
    several.capture[:] = captures
    plain, compiled = Tally(), CompiledTally()
    for tally in (plain, compiled):
        tally.count(several, np.array(status, np.uint8))
    assert vars(compiled) | {"status": 0} == vars(plain) | {"status": 0}
    assert compiled.by_status() == plain.by_status()
