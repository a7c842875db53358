"""Heads copied to other places: next to each other, so that a reader finds them in the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.kernel.jit import compiled, part

if TYPE_CHECKING:
    from numpy.typing import NDArray


@part
def copy_bytes(target: NDArray[np.uint8], source: NDArray[np.uint8]) -> None:
    """Copy bytes, shape (n,) both: so written it becomes one move of memory, as slices do not."""
    for at in range(source.shape[0]):
        target[at] = source[at]


@compiled
def pack(
    data: NDArray[np.uint8],
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    packed: NDArray[np.uint8],
    place: NDArray[np.int64],
) -> None:
    """Copy heads.

    data: (bytes,), of all heads. start, length: (n, most), of each in data, 0 long = none. packed:
    (bytes,), at least as long as the heads together, set to them. place: (n, most), set to where
    each begins there.
    """
    used = np.int64(0)
    for row in range(start.shape[0]):
        for number in range(start.shape[1]):
            place[row, number] = used
            begin, size = start[row, number], length[row, number]
            copy_bytes(packed[used : used + size], data[begin : begin + size])
            used += size


@compiled
def copy_stretches(
    data: NDArray[np.uint8],
    start: NDArray[np.int64],
    length: NDArray[np.int64],
    place: NDArray[np.int64],
    copied: NDArray[np.uint8],
) -> None:
    """Copy stretches of bytes.

    data: (bytes,). start, length: (n,), of each in data. place: (n,), where each goes in copied,
    which has other bytes too.
    """
    for each in range(start.shape[0]):
        begin, size, at = start[each], length[each], place[each]
        copy_bytes(copied[at : at + size], data[begin : begin + size])
