"""Records of a ledger that mean the same, made one; by auditor.live.ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import literal_unroll

from auditor.kernel.jit import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

SUMS = ("packets_a", "packets_b", "bytes_a", "bytes_b")
CAPPED_SUMS = ("acks_a", "acks_b", "gaps_a", "gaps_b")
"""Counters of 32 bits, which stay at the largest number."""
MINIMA = ("first_a_ns", "first_b_ns", "data_a_ns", "data_b_ns")
MAXIMA = ("last_a_ns", "last_b_ns", "unreachable_a", "unreachable_b")
BITS = ("seen_a", "seen_b")

_MOST = 0xFFFF_FFFF


@compiled
def fold_records(
    rows: NDArray[np.void],
    order: NDArray[np.int64],
    starts: NDArray[np.int64],
    merged: NDArray[np.void],
) -> None:
    """Add to each group's first record what the others hold.

    rows: records with `facts`, FLOW, and `flows`, a count; shape (n,). order: shape (n,), the rows
    with groups side by side. starts: shape (groups,), where in it each begins. merged: shape
    (groups,), copies of the groups' first rows; is brought up to date.
    """
    for group in range(starts.shape[0]):
        end = starts[group + 1] if group + 1 < starts.shape[0] else order.shape[0]
        facts = merged[group]["facts"]
        for place in range(starts[group] + 1, end):
            more = rows[order[place]]["facts"]
            merged[group]["flows"] += rows[order[place]]["flows"]
            for name in literal_unroll(SUMS):
                facts[name] += more[name]
            for name in literal_unroll(CAPPED_SUMS):
                facts[name] = min(np.int64(facts[name]) + np.int64(more[name]), _MOST)
            for name in literal_unroll(MINIMA):
                facts[name] = min(facts[name], more[name])
            for name in literal_unroll(MAXIMA):
                facts[name] = max(facts[name], more[name])
            for name in literal_unroll(BITS):
                facts[name] |= more[name]
