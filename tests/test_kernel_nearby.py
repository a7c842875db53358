"""What is asked for ahead of its use: every line of the cache, and none twice."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from auditor.flows.layout import ENTRY, SIDE
from auditor.kernel.jit import compiled
from auditor.kernel.nearby import _touched, bring_near, bring_two

_LINE = 64


@given(st.integers(1, 64), st.integers(0, 7))
def test_every_line_is_asked_for(words: int, begin: int) -> None:
    """Wherever an item of some words of 8 bytes begins."""
    size, first = 8 * words, 8 * begin
    asked = [(first + place) // _LINE for place in _touched(size)]
    assert set(asked) == {(first + place) // _LINE for place in range(size)}


def test_small_items_are_asked_for_once() -> None:
    """They lie on one line."""
    assert [_touched(size) for size in (1, 2, 4, 8)] == [[0]] * 4
    assert len(_touched(ENTRY.itemsize)) == 2
    assert len(_touched(2 * SIDE.itemsize)) == 4


def test_asking_changes_nothing_and_may_reach_too_far() -> None:
    """Places that do not exist are asked for in vain."""

    @compiled
    def ask(items: np.ndarray, index: int) -> None:
        bring_near(items, index)
        bring_two(items, index)

    items = np.arange(8)
    for index in (0, 7, 8, 1 << 40, -5):
        ask(items, index)
    assert items.tolist() == list(range(8))
