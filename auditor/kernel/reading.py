"""Numbers read out of bytes: parts that kernels share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.kernel.jit import part

if TYPE_CHECKING:
    from numpy.typing import NDArray


@part
def big_endian(data: NDArray[np.uint8], place: int, end: int, width: int) -> int:
    """Read a big-endian number of `width` bytes, or of as many of them as there are."""
    number = 0
    for at in range(place, min(place + width, end)):
        number = number << 8 | np.int64(data[at])
    return number


@part
def two(data: NDArray[np.uint8], at: int) -> int:
    """Read a big-endian word of two bytes."""
    place = np.uint64(at)
    return np.int64(data[place]) << 8 | np.int64(data[place + np.uint64(1)])


@part
def four(data: NDArray[np.uint8], at: int) -> int:
    """Read a big-endian word of four bytes."""
    return two(data, at) << 16 | two(data, at + 2)


@part
def eight(data: NDArray[np.uint8], at: int) -> np.uint64:
    """Read a big-endian word of eight bytes."""
    high, low = np.uint64(four(data, at)), np.uint64(four(data, at + 4))
    return high << np.uint64(32) | low
