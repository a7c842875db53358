"""Equal texts among many, found without an object for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.kernel.jit import compiled, part
from auditor.kernel.matching import is_same

if TYPE_CHECKING:
    from numpy.typing import NDArray


@compiled
def intern(
    data: NDArray[np.uint8],
    spans: NDArray[np.int64],
    slots: NDArray[np.int32],
    first: NDArray[np.int64],
    group: NDArray[np.int32],
) -> int:
    """Give each text a number, equal ones the same; return how many numbers there are.

    data: (bytes,), of all texts. spans: (n, 2), start and end of each in data. slots: (a power of
    two that is above n,), all -1, used as a hash table. first: (n,), set to the row of the first
    text with each number. group: (n,), set to the numbers, from 0 in the order of appearance.
    """
    known = 0
    mask = len(slots) - 1
    for row in range(len(spans)):
        start, end = spans[row, 0], spans[row, 1]
        slot = _hash(data, start, end) & mask
        while slots[slot] >= 0:
            other = first[slots[slot]]
            if is_same(data, start, end, spans[other, 0], spans[other, 1]):
                break
            slot = (slot + 1) & mask
        if slots[slot] < 0:
            slots[slot] = known
            first[known] = row
            known += 1
        group[row] = slots[slot]
    return known


@part
def _hash(data: NDArray[np.uint8], start: int, end: int) -> int:
    """Hash a text to 31 bits (FNV-1a, folded)."""
    value = 0x811C9DC5
    for place in range(start, end):
        value = ((value ^ np.int64(data[place])) * 0x01000193) & 0xFFFFFFFF
    return (value ^ value >> 15) & 0x7FFFFFFF
