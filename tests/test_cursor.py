"""Fields of a message, read one after another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.evidence.cursor import Cursor


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("25", 37),
        ("4025", 37),
        ("7bbd", 15_293),
        ("9d7f3e7d", 494_878_333),
        ("c2197c5eff14e88c", 151_288_809_941_952_652),
    ],
)
def test_variable(written: str, number: int) -> None:
    """The examples of RFC 9000 appendix A.1 are read, and not a byte more."""
    cursor = Cursor(bytes.fromhex(written) + b"rest")
    assert cursor.variable() == number
    assert cursor.rest() == b"rest"


@given(st.binary(max_size=40), st.lists(st.integers(0, 5), max_size=12))
def test_never_beyond_the_end(data: bytes, steps: list[int]) -> None:
    """Whatever is read in whatever order, what lies behind the end reads as nothing."""
    cursor = Cursor(data)
    for step in steps:
        before = cursor.left
        if step < 4:
            inner = cursor.block(step)
            assert inner.left <= len(data)
            assert inner.whole or inner.left == max(before - step, 0)
        else:
            assert cursor.variable() >= 0
        assert 0 <= cursor.left <= before
    assert cursor.left == len(cursor.rest())
    assert (cursor.number(2), cursor.variable(), cursor.take(3)) == (0, 0, b"")
