"""Records that mean the same, made one: grouping by key, sums, extremes, sets of bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.evidence.many import sealed
from auditor.flows.headlist import HeadList
from auditor.kernel.hashing import FACTORS
from auditor.kernel.packing import copy_stretches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_HALF = np.uint64(32)

_SHORT_HEAD = 64
"""Bytes of a head that are kept without regard to room, as the flow table does."""

_LONG_HEAD = 4096
"""Bytes of a head that are kept while there is room: a TLS hello, the lines of a request."""


def group(
    columns: Sequence[NDArray[np.uint64]], first_ns: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Put rows with equal columns together.

    Give an order of the rows, groups side by side and each by time, and where in it each group
    begins. Should two keys share a hash of 64 bits, rows of one key may become several groups.
    """
    mixed = np.zeros(len(first_ns), np.uint64)
    for column in columns:
        mixed = (mixed ^ column) * FACTORS[0]
        mixed ^= mixed >> _HALF
    order = np.lexsort((first_ns, mixed))
    changes = np.ones(len(order), dtype=bool)
    changes[1:] = np.diff(mixed[order]) != 0
    for column in columns:
        sorted_column = column[order]
        changes[1:] |= sorted_column[1:] != sorted_column[:-1]
    return order, np.flatnonzero(changes)


def reduce(
    function: np.ufunc,
    values: NDArray[np.generic],
    order: NDArray[np.int64],
    starts: NDArray[np.int64],
) -> NDArray[np.generic]:
    """Reduce by group."""
    if not len(starts):
        return values[:0]
    reduced: NDArray[np.generic] = function.reduceat(values[order], starts)
    return reduced


def first_marked(
    marked: NDArray[np.bool_], order: NDArray[np.int64], starts: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Give the first marked row of each group; its first one where none is marked."""
    places = np.where(marked[order], np.arange(len(order)), len(order))
    firsts = np.minimum.reduceat(places, starts) if len(starts) else places[:0]
    return order[np.where(firsts < len(order), firsts, starts)]


def gather_heads(parts: Sequence[HeadList], rows: NDArray[np.int64], room: int) -> HeadList:
    """Copy the heads of some rows of several lists, numbered through; long ones while all fit."""
    shift = np.cumsum([0, *(len(part.data) for part in parts)])
    start = np.concatenate(
        [part.start + offset for part, offset in zip(parts, shift[:-1].tolist(), strict=True)]
    )[rows]
    length = np.concatenate([part.length for part in parts])[rows].astype(np.int64)
    length = np.minimum(length, _LONG_HEAD)
    fits = (np.cumsum(length.ravel()) <= room).reshape(length.shape)
    length = np.where(fits, length, np.minimum(length, _SHORT_HEAD))
    flat = length.ravel()
    end = np.cumsum(flat)
    total = int(end[-1]) if len(end) else 0
    data = np.empty(total, np.uint8)
    begin, place = start.ravel(), end - flat
    for part, first, last in zip(parts, shift[:-1].tolist(), shift[1:].tolist(), strict=True):
        mine = np.flatnonzero((begin >= first) & (begin < last) & (flat > 0))
        copy_stretches(sealed(part.data), begin[mine] - first, flat[mine], place[mine], data)
    return HeadList(data, place.reshape(length.shape), length.astype(np.int32))
