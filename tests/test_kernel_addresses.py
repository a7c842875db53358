"""Addresses numbered by a kernel: the same as sorting them all gives."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import auditor.kernel.addresses  # noqa: F401 - numba is loaded, as the choice asks
from auditor import hosts
from auditor.addresses import distinct_addresses

WORD = st.sampled_from([0, 1, 2, (1 << 63), (1 << 64) - 1]) | st.integers(0, (1 << 64) - 1)


@given(st.lists(st.tuples(WORD, WORD), min_size=1, max_size=60), st.integers(1, 3))
def test_addresses_are_numbered_alike(words: list[tuple[int, int]], times: int) -> None:
    """The same list in the same order, and the same row for each address."""
    high, low = np.array(words * times, np.uint64).T.copy()
    with patch.object(hosts, "_MANY", 0):
        found, row = hosts._distinct(high, low)
    expected, expected_row = distinct_addresses(high, low)
    assert found.high.tolist() == expected.high.tolist()
    assert found.low.tolist() == expected.low.tolist()
    assert row.tolist() == expected_row.tolist()
