"""Addresses numbered: each different one once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.kernel.hashing import FACTORS
from auditor.kernel.jit import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray


@compiled
def number_addresses(
    high: NDArray[np.uint64],
    low: NDArray[np.uint64],
    slots: NDArray[np.int32],
    first: NDArray[np.int64],
    number: NDArray[np.int64],
) -> int:
    """Give each address a number, equal ones the same; return how many numbers there are.

    high, low: (n,), the two words of each. slots: (a power of two that is above n,), all -1, used
    as a hash table. first: (n,), set to the row of the first address with each number. number:
    (n,), set to the numbers, from 0 in the order of appearance.
    """
    known = 0
    mask = np.uint64(len(slots) - 1)
    for row in range(len(high)):
        mixed = (high[row] ^ (low[row] << np.uint64(1))) * FACTORS[0]
        slot = mixed >> np.uint64(32) & mask
        while slots[slot] >= 0:
            other = first[slots[slot]]
            if high[other] == high[row] and low[other] == low[row]:
                break
            slot = (slot + np.uint64(1)) & mask
        if slots[slot] < 0:
            slots[slot] = known
            first[known] = row
            known += 1
        number[row] = slots[slot]
    return known
