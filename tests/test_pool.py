"""Arrays used again: only those that nobody holds, and never with the wrong size."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from auditor.pool import Pool


def test_an_array_that_nobody_holds_is_given_again() -> None:
    """So that its memory need not be cleared."""
    pool = Pool(np.int64)
    first = pool.take(1000)
    place = first.ctypes.data
    del first

    assert pool.take(900).ctypes.data == place


def test_an_array_that_somebody_looks_at_is_not() -> None:
    """Whoever keeps a part of one, or a part of a part, keeps what stands in it."""
    pool = Pool(np.int64)
    array = pool.take(10)
    array[:] = 7
    kept = array[2:8][1:3]
    del array

    pool.take(10)[:] = 0

    assert kept.tolist() == [7, 7]


@given(st.lists(st.tuples(st.integers(0, 300), st.booleans()), max_size=40))
def test_whatever_is_asked_for_nobody_writes_into_what_another_holds(
    wishes: list[tuple[int, bool]],
) -> None:
    """With arrays kept and let go of in any order."""
    pool, kept = Pool(np.int32), []
    for number, (count, keeps) in enumerate(wishes):
        array = pool.take(count)
        assert array.shape == (count,)
        assert array.dtype == np.int32
        array[:] = number
        if keeps:
            kept.append((array, number))
    for array, number in kept:
        assert (array == number).all()
