"""When compiled code is worth it for heads, and how they are handed to it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

from auditor.flows.headlist import HeadList

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from auditor.flows import Flows

_MANY, _MANY_WHERE_NUMBA_IS_LOADED = 20_000, 2_000
"""Numba takes as long to load as so many heads to read in Python."""


_BLOCK = 1 << 15
_LONG_HEADS = 400
"""Bytes of a flow's heads from which on to copy them costs more than it saves."""


def has_many_heads(flows: Flows) -> bool:
    """Say whether the heads of all flows are worth compiled code; it finds the same in them."""
    count = sum(np.count_nonzero(heads.length) for heads in (flows.heads_a, flows.heads_b))
    return bool(count >= (_MANY_WHERE_NUMBA_IS_LOADED if "numba" in sys.modules else _MANY))


def blocks(heads: HeadList, rows: NDArray[np.int64]) -> Iterator[tuple[slice, HeadList]]:
    """Give the heads of some flows in parts, short ones packed; each with its place among the rows.

    Heads lie apart in memory, and signatures come back to each several times. A part is good until
    the next one is asked for.
    """
    from auditor.kernel.packing import pack  # noqa: PLC0415 - numba is slow to load

    # One room for all parts: memory that is new costs more than what is copied there.
    room = np.empty(0, np.uint8)
    for first in range(0, len(rows), _BLOCK):
        part = slice(first, first + _BLOCK)
        some = heads.select(rows[part])
        place = np.empty(some.start.shape, np.int64)
        size = int(some.length.sum())
        if size > _LONG_HEADS * len(some):
            yield part, some
            continue
        if size > len(room):
            room = np.empty(2 * size, np.uint8)
        pack(sealed(some.data), some.start, some.length, room, place)
        yield part, HeadList(room, place, some.length)


def sealed(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give a view that cannot be written to: kernels are compiled once for each kind of array."""
    view = data.view()
    view.flags.writeable = False
    return view
